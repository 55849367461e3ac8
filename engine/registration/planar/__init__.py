"""Where a patch's pixels lie in the image: fitted transforms, by way of a local warp or directly, or fixed ones."""
