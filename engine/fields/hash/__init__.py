"""A radiance field in a multiresolution hash encoding with a small decoder (instant-ngp, arXiv 2201.05989)."""
