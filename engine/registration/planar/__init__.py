"""Where the pixels of a patch lie in the image: transforms fitted to a pixel-wise warp, fitted directly, or fixed."""
