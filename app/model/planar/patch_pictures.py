"""What the learned image shows at the place of a patch. Pure functions."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32

Image = Float32[np.ndarray, "height width 3"]


def render_patch(
    learned: Image,
    whole: tuple[int, int],
    transform: Float[np.ndarray, "3 3"],
    patch: tuple[int, int],
    size: tuple[int, int],
) -> Image:
    """The learned image seen through the transform fitted to a patch.

    Args:
        learned: covers the whole image, at any resolution.
        whole: (width, height) of the whole image, in whose pixels the transform is.
        transform: takes homogeneous pixels of the patch to pixels of the whole image.
        patch: (width, height) of the patch.
        size: (width, height) of the picture.
    Returns:
        RGB in [0, 1]; beyond the image's borders the colours of the borders are repeated.
    """
    across = (np.arange(size[0]) + 0.5) * patch[0] / size[0]
    down = (np.arange(size[1]) + 0.5) * patch[1] / size[1]
    x, y = np.meshgrid(across, down)
    places = np.stack([x, y, np.ones_like(x)], axis=-1) @ np.asarray(transform, np.float64).T
    divisor = np.where(np.abs(places[..., 2:]) < 1e-9, 1e-9, places[..., 2:])
    return sample_image(learned, places[..., :2] / divisor * (np.array(learned.shape[1::-1]) / np.array(whole)))


def sample_image(image: Image, places: Float[np.ndarray, "rows columns 2"]) -> Float32[np.ndarray, "rows columns 3"]:
    """Samples an image bilinearly at places in its pixels (centres at +0.5); borders are repeated."""
    height, width = image.shape[:2]
    x = np.clip(np.nan_to_num(places[..., 0]) - 0.5, 0, width - 1)
    y = np.clip(np.nan_to_num(places[..., 1]) - 0.5, 0, height - 1)
    left, top = np.minimum(x.astype(int), max(width - 2, 0)), np.minimum(y.astype(int), max(height - 2, 0))
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    a, b = (x - left)[..., None].astype(np.float32), (y - top)[..., None].astype(np.float32)
    above = image[top, left] * (1 - a) + image[top, right] * a
    below = image[bottom, left] * (1 - a) + image[bottom, right] * a
    return above * (1 - b) + below * b
