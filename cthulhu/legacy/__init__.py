"""Doors for programs that reach where Keras let them: names of its first version, private names of models. The library itself uses none of it."""
