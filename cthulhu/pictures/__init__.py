"""Pictures of models and of training, as HTML and SVG that need nothing installed. What they show is read off the objects; no layer is imported."""
