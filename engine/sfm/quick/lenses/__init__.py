"""Lenses of a model: those that cameras share, and those of photos that were cropped or zoomed."""
