"""Models as the objects that other libraries expect."""
