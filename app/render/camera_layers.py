"""Which lines make each layer of the 3D view, and what each depends on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Float32

from app.render.pictures import CameraSet, CamerasPicture
from app.render.segments import (
    Segments,
    axis_segments,
    frustum_segments,
    ground_segments,
    joined,
    link_segments,
    ray_segments,
    trail_segments,
)

Layer = Literal["ground", "axes", "initial", "reference", "links", "trails", "fitted", "selected", "rays"]
LAYERS: tuple[Layer, ...] = get_args(Layer)

FITTED, SELECTED, REFERENCE, INITIAL, LINK, TRAIL, RAY = 1.8, 3.4, 1.4, 1.0, 1.2, 1.3, 1.0  # widths, pixels


class LayerLines(NamedTuple):
    """One layer: `build` makes its lines, which are the same as long as `inputs` are."""

    name: Layer
    inputs: tuple[Any, ...]
    build: Callable[[], Segments]


def layers(picture: CamerasPicture) -> Iterator[LayerLines]:
    """All layers of lines; what is not in the picture is an empty layer."""
    fitted, reference, ground = picture.fitted, picture.reference, picture.ground
    shape, selected = (picture.image_plane, picture.frustum_depth), picture.selected
    every = (fitted.poses, fitted.colours, *shape, selected)
    yield LayerLines("fitted", every, lambda: _some_frusta(fitted, shape, selected, chosen=False))
    yield LayerLines("selected", every, lambda: _some_frusta(fitted, shape, selected, chosen=True))
    yield _cameras("initial", picture.initial, shape, INITIAL)
    yield _cameras("reference", reference, shape, REFERENCE)
    if reference is not None and picture.links:
        ends = (fitted.poses, reference.poses, fitted.colours, reference.colours)
        yield LayerLines("links", ends, lambda: link_segments(*ends, LINK))
    else:
        yield LayerLines("links", (), _nothing)
    trails, rays = picture.trails, picture.rays
    if trails is not None:
        yield LayerLines("trails", (trails, fitted.colours), lambda: trail_segments(trails, fitted.colours, TRAIL))
    else:
        yield LayerLines("trails", (), _nothing)
    if rays is not None:
        parts = (rays.origins, rays.directions, rays.colours, rays.length)
        yield LayerLines("rays", parts, lambda: ray_segments(rays, RAY))
    else:
        yield LayerLines("rays", (), _nothing)
    if ground is not None:
        yield LayerLines("ground", (ground,), lambda: ground_segments(ground))
        yield LayerLines("axes", (ground,), lambda: axis_segments(ground))
    else:
        yield LayerLines("ground", (), _nothing)
        yield LayerLines("axes", (), _nothing)


def _cameras(
    name: Layer, cameras: CameraSet | None, shape: tuple[tuple[float, float], float], width: float
) -> LayerLines:
    if cameras is None:
        return LayerLines(name, (), _nothing)
    inputs = (cameras.poses, cameras.colours, *shape)
    return LayerLines(name, inputs, lambda: frustum_segments(*inputs, width))


def _some_frusta(
    cameras: CameraSet, shape: tuple[tuple[float, float], float], selected: int | None, *, chosen: bool
) -> Segments:
    """Either the selected frustum or all others."""
    which: Float32[np.ndarray, " frames"] = (np.arange(len(cameras.poses)) == selected) == chosen
    width = SELECTED if chosen else FITTED
    return frustum_segments(cameras.poses[which], cameras.colours[which], *shape, width)


def _nothing() -> Segments:
    return joined([])
