"""Where a ray comes from: fitted poses, by way of a local warp or directly, or fixed ones."""
