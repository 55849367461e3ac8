"""Some of the points of a model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Bool
from numpy.typing import NDArray

from engine.sfm.quick.mapping import SmallModel


def list_registered(model: SmallModel) -> list[int]:
    """Numbers of the registered photos."""
    registered: NDArray[np.bool_] = np.isfinite(model.poses[:, 0, 0])
    return np.nonzero(registered)[0].tolist()


def choose_points(model: SmallModel, observations: int) -> SmallModel:
    """The model with the points that most photos see, so many that there are about so many observations."""
    views = np.bincount(model.point, minlength=len(model.points))
    order = np.argsort(-views, kind="stable")
    chosen: Bool[np.ndarray, " points"] = np.zeros(len(views), dtype=bool)
    chosen[order[: int(np.searchsorted(views[order].cumsum(), observations)) + 1]] = True
    return choose_some(model, chosen)


def choose_some(model: SmallModel, chosen: Bool[np.ndarray, " points"]) -> SmallModel:
    """The model with some of its points."""
    kept = chosen[model.point]
    number = chosen.cumsum() - 1
    return replace(
        model,
        points=model.points[chosen],
        photo=model.photo[kept],
        feature=model.feature[kept],
        point=number[model.point[kept]],
        pixels=model.pixels[kept],
    )
