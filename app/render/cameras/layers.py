"""The lines of each layer of the 3D view, and what each layer depends on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Float32, Shaped

from app.model.cameras.segments import (
    Segments,
    dash_segments,
    join_segments,
    make_axis_segments,
    make_frustum_segments,
    make_ground_segments,
    make_link_segments,
    make_point_segments,
    make_ray_segments,
    make_trail_segments,
)
from app.model.common.pictures import CameraSet, CamerasPicture

Layer = Literal[
    "ground",
    "axes",
    "fitted",
    "halo",
    "selected",
    "reference",
    "links",
    "trails",
    "initial",
    "rays",
    "colmap",
    "contestants",
    "points",
]
LAYERS: tuple[Layer, ...] = get_args(Layer)


@dataclass(frozen=True)
class Widths:
    """Widths of lines, and of dots, in pixels; what matters more is wider."""

    fitted: float = 1.7
    selected: float = 3.2
    halo: float = 9.0
    reference: float = 1.1
    initial: float = 1.0
    links: float = 1.1
    trails: float = 1.4
    rays: float = 1.0
    colmap: float = 1.4
    contestants: float = 1.7
    points: float = 2.6


WIDTHS = Widths()
HALO_COLOUR: Float32[np.ndarray, "1 4"] = np.array([(1.0, 1.0, 1.0, 0.2)], np.float32)


class LayerLines(NamedTuple):
    """One layer: `build` makes its lines, which stay the same as long as `inputs` do."""

    name: Layer
    inputs: tuple[Any, ...]
    build: Callable[[], Segments]


def make_layers(picture: CamerasPicture) -> Iterator[LayerLines]:
    """All layers of lines; those that are not in the picture are empty."""
    fitted, reference, ground = picture.fitted, picture.reference, picture.ground
    shape, selected = (picture.image_plane, picture.frustum_depth), picture.selected
    every = (fitted.poses, fitted.colours, fitted.dashed, fitted.planes, *shape, selected)
    yield LayerLines("fitted", every, lambda: _some_frusta(fitted, shape, selected, chosen=False))
    yield LayerLines("selected", every, lambda: _some_frusta(fitted, shape, selected, chosen=True))
    yield LayerLines("halo", every, lambda: _halo(fitted, shape, selected))
    yield _cameras("initial", picture.initial, shape, WIDTHS.initial)
    yield _cameras("reference", reference, shape, WIDTHS.reference)
    yield _cameras("colmap", picture.colmap, shape, WIDTHS.colmap)
    yield _cameras("contestants", picture.contestants, shape, WIDTHS.contestants)
    points = picture.points
    if points is not None:
        yield LayerLines("points", (points.places, points.colours), lambda: make_point_segments(points, WIDTHS.points))
    else:
        yield LayerLines("points", (), _nothing)
    if reference is not None and picture.links:
        ends = (fitted.poses, reference.poses, fitted.colours, reference.colours)
        yield LayerLines("links", ends, lambda: make_link_segments(*ends, WIDTHS.links))
    else:
        yield LayerLines("links", (), _nothing)
    trails, rays = picture.trails, picture.rays
    if trails is not None:
        yield LayerLines(
            "trails", (trails, fitted.colours), lambda: make_trail_segments(trails, fitted.colours, WIDTHS.trails)
        )
    else:
        yield LayerLines("trails", (), _nothing)
    if rays is not None:
        parts = (rays.origins, rays.directions, rays.colours, rays.length)
        yield LayerLines("rays", parts, lambda: make_ray_segments(rays, WIDTHS.rays))
    else:
        yield LayerLines("rays", (), _nothing)
    if ground is not None:
        yield LayerLines("ground", (ground,), lambda: make_ground_segments(ground))
        yield LayerLines("axes", (ground,), lambda: make_axis_segments(ground))
    else:
        yield LayerLines("ground", (), _nothing)
        yield LayerLines("axes", (), _nothing)


def _cameras(
    name: Layer, cameras: CameraSet | None, shape: tuple[tuple[float, float], float], width: float
) -> LayerLines:
    if cameras is None:
        return LayerLines(name, (), _nothing)
    inputs = (cameras.poses, cameras.colours, shape[0] if cameras.planes is None else cameras.planes, shape[1])
    return LayerLines(name, inputs, lambda: make_frustum_segments(*inputs, width, up_mark=False))


def _some_frusta(
    cameras: CameraSet, shape: tuple[tuple[float, float], float], selected: int | None, *, chosen: bool
) -> Segments:
    """Either the selected frustum or all others."""
    which: Float32[np.ndarray, " frames"] = (np.arange(len(cameras.poses)) == selected) == chosen
    width = WIDTHS.selected if chosen else WIDTHS.fitted
    if cameras.dashed is None:
        return _frusta(cameras, cameras.colours[which], which, shape, width)
    whole, broken = which & ~cameras.dashed, which & cameras.dashed
    solid, lines = (_frusta(cameras, cameras.colours[some], some, shape, width) for some in (whole, broken))
    return join_segments([solid, dash_segments(lines)])


def _halo(cameras: CameraSet, shape: tuple[tuple[float, float], float], selected: int | None) -> Segments:
    """Wide faint lines around the selected frustum."""
    which = np.flatnonzero((np.arange(len(cameras.poses)) == selected) & (cameras.colours[:, 3] > 0))
    return _frusta(cameras, np.repeat(HALO_COLOUR, len(which), axis=0), which, shape, WIDTHS.halo)


def _frusta(
    cameras: CameraSet,
    colours: Float32[np.ndarray, "some 4"],
    which: Shaped[np.ndarray, " chosen"],
    shape: tuple[tuple[float, float], float],
    width: float,
) -> Segments:
    """The frusta of some of the cameras, each with its own photo's shape."""
    planes = shape[0] if cameras.planes is None else cameras.planes[which]
    return make_frustum_segments(cameras.poses[which], colours, planes, shape[1], width)


def _nothing() -> Segments:
    return join_segments([])
