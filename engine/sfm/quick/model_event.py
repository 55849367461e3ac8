"""The event that shows a whole model."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from engine.sfm.events import Mapped


def make_model_event(
    poses: Float[np.ndarray, "photos 3 4"], points: Float[np.ndarray, "points 3"], error: float, focal: float
) -> Mapped:
    """The event of a result.

    Args:
        poses: world-to-camera of all photos; NaN where one was not registered.
        points: of the model.
        error: mean reprojection error, pixels of the photos.
        focal: focal length, pixels of the photos.
    """
    frames = np.nonzero(np.isfinite(poses[:, 0, 0]))[0]
    black = np.zeros((len(points), 3), dtype=np.uint8)
    return Mapped("model", tuple(frames.tolist()), poses[frames], points, black, error, error, focal, len(poses))
