"""What Keras kept of its first version, for programs that name it: decorators in `interfaces`, layers in `layers`. The library itself uses none of it."""
