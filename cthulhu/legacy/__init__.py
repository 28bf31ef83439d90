"""Doors for other people's code, found only when it asks for them. The library uses none."""
