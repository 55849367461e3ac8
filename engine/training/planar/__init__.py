"""The trainer of planar scenes: patches of one image, their warps, and the image that they make up."""
