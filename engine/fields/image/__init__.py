"""The learned image of a planar scene: a grid of pixels, or a network."""
