"""Cameras of photos within seconds: features of small copies, matches, mapping, lenses and tracks."""
