"""Gaussians on the surfaces of a field, from renderings of the training views."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from engine.errors import UserError
from engine.evaluation.views import View, render_view
from engine.export.progress import Progress
from engine.export.splats.depth_maps import find_depth_edges, smooth_noise
from engine.export.splats.gaussians import (
    COLOUR,
    COLUMNS,
    CONSTANT_HARMONIC,
    LINEAR_HARMONIC,
    LOG_SCALE,
    OPACITY,
    POSITION,
    QUATERNION,
    Gaussians,
)
from engine.export.splats.support import DepthMap, find_supported
from engine.export.splats.views import SplatView, plane_points
from engine.export.visible_surfaces import find_farthest_depth, find_surfaces
from engine.geometry.numerics import to_double
from engine.geometry.se3 import invert, rotate, transform
from engine.geometry.similarity import Similarity
from engine.training.radiance import RadianceTrainer


@dataclass(frozen=True)
class InitialOptions:
    """How surfaces become Gaussians.

    Attributes:
        rays: most rays, through all training views together.
        seconds: that they may take, wall time: fields differ a hundredfold.
        least_rays: cast all the same.
        trial: rays whose time is taken.
        opacity: least opacity of a ray that shows a surface. Lower than for points: what is left between is filled by
            the fit, which can remove but not add.
        least_surfaces: share of the samples that have to be surfaces as points are exported of: others may be the haze
            that a field begins with.
        depth_noise: bend of the inverse depth, as a share of it, from which depths are smoothed.
        depth_edge: bend of the inverse depth, as a share of it, from which there is an edge between near and far.
        share: least share of the views that see a surface at a sample, among those that see it or see through it.
        share_at_edges: the same at edges of the depth map: what may be a mixture is used only where nothing is against
            it, so that there is something in places that a single view sees.
        farthest: depth to which farther surfaces are moved, in nearest depths of a forward-facing scene, and in half
            extents of the near box of an unbounded one: near enough for single precision, too far for parallax.
        samples: from so many on, a cell is divided into eight: on a surface, about a quarter of them in each of four.
        least: samples of a cell that becomes a Gaussian.
        finest: least edge of a cell, pixels of the photo.
        coarsest: greatest edge of a cell, distances of neighbouring rays: what is farther apart are different things.
        largest: edge of the cells that are divided first, in the widest distance of neighbouring rays.
        width: standard deviation of a Gaussian along the surface, in edges of its cell: neighbours overlap.
        flatness: that along the normal, where normals agree, in those along the surface.
        ridge: weight of small directional colours against the renderings, in views.
        bounds: of initial opacities: Gaussians at either end would hardly move.
    """

    rays: int = 2_000_000
    seconds: float = 20.0
    least_rays: int = 200_000
    trial: int = 4096
    opacity: float = 0.5
    least_surfaces: float = 0.01
    depth_noise: float = 0.01
    depth_edge: float = 0.05
    share: float = 0.5
    share_at_edges: float = 1.0
    farthest: float = 200.0
    samples: int = 10
    least: int = 2
    finest: float = 1.0
    coarsest: float = 4.0
    largest: float = 32.0
    width: float = 0.45
    flatness: float = 0.3
    ridge: float = 1.0
    bounds: tuple[float, float] = (0.1, 0.8)


DEFAULT = InitialOptions()
NO_SURFACE = "The cameras see no surface yet: there is nothing to make Gaussians of; train on, then export again."


class Samples(NamedTuple):
    """Points on surfaces, one for each ray that shows one, in the exported world.

    `footprint` is the width of a pixel of the photo at this depth, `spacing` the distance of neighbouring rays;
    `directions` are unit vectors from the camera, and so are `normals` at `edges` of the depth map.
    """

    positions: Float[Tensor, "samples 3"]
    normals: Float[Tensor, "samples 3"]
    directions: Float[Tensor, "samples 3"]
    colours: Float[Tensor, "samples 3"]
    opacities: Float[Tensor, " samples"]
    footprint: Float[Tensor, " samples"]
    spacing: Float[Tensor, " samples"]
    edges: Bool[Tensor, " samples"]


def sample_surfaces(
    trainer: RadianceTrainer,
    views: Sequence[SplatView],
    gauge: Similarity,
    progress: Progress,
    options: InitialOptions = DEFAULT,
) -> Samples:
    """Renders the views of the training frames on coarse grids, shifted at random, and keeps what shows a surface.

    Raises:
        UserError: no training frame is registered, or there is nothing but haze.
    """
    scene, generator = trainer.scene, torch.Generator().manual_seed(0)
    parts: list[Samples] = []
    maps: list[DepthMap] = []
    surfaces, limit = 0, find_farthest_depth(trainer)
    units = {"forward-facing": scene.near, "unbounded": scene.box_half_extent}
    farthest = options.farthest * units.get(scene.kind, math.inf)
    if not views:
        raise UserError(NO_SURFACE)
    pixels = _count_rays(trainer, views[0], options) / len(views)
    for index, view in enumerate(views):
        progress(index / len(views), "surfaces")
        camera = view.camera
        shrink = min(math.sqrt(pixels / (camera.width * camera.height)), 1.0)
        width, height = (max(round(side * shrink), 8) for side in (camera.width, camera.height))
        shift = torch.rand(2, generator=generator) - 0.5 if shrink < 1 else torch.zeros(2)
        points = plane_points(camera, width, height, shift)
        seen = render_view(trainer.field, view.pose.to(trainer.device), points.to(trainer.device))
        seen = View(*(values.cpu() for values in seen))
        surfaces += int(find_surfaces(seen, limit).sum())
        parts.append(_take(view, points, seen, gauge, farthest, options))
        smooth = 1 / smooth_noise(
            1 / seen.depth.clamp(1e-6, farthest), seen.opacity > options.opacity, options.depth_noise
        )
        depth = torch.where(seen.opacity > options.opacity, smooth * float(gauge.scale), torch.inf)
        maps.append(DepthMap(camera, depth, shift))
    samples = Samples(*(torch.cat(columns) for columns in zip(*parts, strict=True)))
    if surfaces <= options.least_surfaces * len(samples.positions):
        raise UserError(NO_SURFACE)
    shares = torch.where(samples.edges, options.share_at_edges, options.share)
    supported = find_supported(samples.positions, samples.spacing, shares, maps)
    return Samples(*(values[supported] for values in samples))


def _count_rays(trainer: RadianceTrainer, view: SplatView, options: InitialOptions) -> int:
    """As many rays as there is time for."""
    side = round(math.sqrt(options.trial))
    points, pose = plane_points(view.camera, side, side).to(trainer.device), view.pose.to(trainer.device)
    render_view(trainer.field, pose, points)  # kernels may have to be compiled
    started = time.monotonic()
    render_view(trainer.field, pose, points)
    affordable = side**2 * options.seconds / max(time.monotonic() - started, 1e-6)
    return round(min(max(affordable, options.least_rays), options.rays))


def _take(
    view: SplatView,
    points: Float[Tensor, "height width 2"],
    seen: View,
    gauge: Similarity,
    farthest: float,
    options: InitialOptions,
) -> Samples:
    depth = 1 / smooth_noise(1 / seen.depth.clamp(1e-6, farthest), seen.opacity > options.opacity, options.depth_noise)
    usable = (seen.opacity > options.opacity) & seen.depth.isfinite() & (seen.depth > 0)
    edges = find_depth_edges(1 / depth, options.depth_edge)[usable]
    in_camera = torch.cat([points, torch.ones_like(points[..., :1])], dim=-1) * depth[..., None]
    normals = torch.linalg.cross(*(torch.gradient(in_camera, dim=axis)[0] for axis in (0, 1)))
    normals = torch.nn.functional.normalize(normals, dim=-1)
    back = invert(to_double(view.pose))
    centre = gauge.apply(back[:, 3])
    positions = gauge.apply(transform(back, to_double(in_camera[usable])))
    directions = torch.nn.functional.normalize(positions - centre, dim=-1)
    facing = rotate(gauge.rotation @ back[:, :3], to_double(normals[usable]))
    footprint = depth[usable] * float(gauge.scale) / math.sqrt(view.camera.lens[0] * view.camera.lens[1])
    return Samples(
        positions.float(),
        torch.where(edges[:, None], directions, facing).float(),
        directions.float(),
        seen.colour[usable],
        seen.opacity[usable],
        footprint,
        footprint * view.camera.width / points.shape[1],
        edges,
    )


# ---------------------------------------------------------------------- one Gaussian per cell


def make_gaussians(
    samples: Samples, wanted: int, options: InitialOptions = DEFAULT
) -> tuple[Gaussians, Float[np.ndarray, " gaussians"]]:
    """One Gaussian for each cell that holds samples: the mean of these.

    Cells are the smaller the more samples lie in a place, down to a pixel of the photos there, and wider everywhere
    where there would be more than `wanted`. A sample alone in its cell is taken for an error of the depth.

    Args:
        samples: on surfaces.
        wanted: most Gaussians.
        options: see there.
    Returns:
        the Gaussians, and the edge of each one's cell, units of the exported world.
    Raises:
        UserError: there are too few samples.
    """
    if not len(samples.positions):
        raise UserError(NO_SURFACE)
    most = options.samples
    while True:
        cells, edges = _divide(samples, most, options)
        count = int(cells.max()) + 1
        if count <= wanted:
            break
        most = max(round(most * min(count / wanted, 2.0)), most + 1)
        options = replace(options, coarsest=options.coarsest * 1.2)
    kept = cells >= 0
    if not bool(kept.any()):
        raise UserError(NO_SURFACE)
    return _merge(Samples(*(values[kept] for values in samples)), cells[kept], count, edges[kept], options)


def _divide(
    samples: Samples, most: int, options: InitialOptions
) -> tuple[Int64[Tensor, " samples"], Float[Tensor, " samples"]]:
    """Cuts space into cubes, and those with at least `most` samples into eight, until they are as small as a pixel.

    Returns:
        the number of each sample's cube, -1 where it is alone in it; and how wide the surface there is: as the cube,
        or as what the rays cover.
    """
    numbers, edges = torch.full((len(samples.positions),), -1), samples.spacing.clone()
    active = torch.arange(len(samples.positions))
    edge, count = float(options.largest * samples.spacing.max()), 0
    while len(active):
        _, cell, inside = _pack(samples.positions[active], edge).unique(return_inverse=True, return_counts=True)
        footprint, spacing = (
            torch.zeros(len(inside)).index_add_(0, cell, values[active]) / inside
            for values in (samples.footprint, samples.spacing)
        )
        divided = (inside >= most) & (0.5 * edge >= options.finest * footprint)
        divided |= edge > options.coarsest * spacing
        leaf = (~divided & (inside >= options.least))[cell]
        if bool(leaf.any()):
            _, renumbered = cell[leaf].unique(return_inverse=True)
            numbers[active[leaf]] = renumbered + count
            covered = edges[active[leaf]] * inside[cell[leaf]].sqrt()  # by the samples of one view
            edges[active[leaf]] = covered.clamp(max=edge)
            count = int(numbers.max()) + 1
        active, edge = active[divided[cell]], 0.5 * edge
    return numbers, edges


def _pack(positions: Float[Tensor, "points 3"], edge: float) -> Int64[Tensor, " points"]:
    """A number for each cell of a cubic lattice: 21 bits for each of its coordinates."""
    x, y, z = ((positions / edge).floor().long() + (1 << 20)).clamp(0, (1 << 21) - 1).unbind(-1)
    return (x << 42) | (y << 21) | z


def _merge(
    samples: Samples,
    cells: Int64[Tensor, " samples"],
    count: int,
    edges: Float[Tensor, " samples"],
    options: InitialOptions,
) -> tuple[Gaussians, Float[np.ndarray, " gaussians"]]:
    """The mean of the samples of each cell, as a Gaussian."""

    def add_up(values: Float[Tensor, "samples ..."]) -> Float[Tensor, "cells ..."]:
        return torch.zeros(count, *values.shape[1:]).index_add_(0, cells, values)

    number = add_up(torch.ones(len(cells)))
    outer = add_up((samples.normals[:, :, None] * samples.normals[:, None]).flatten(1)) / number[:, None]
    spread, axes = torch.linalg.eigh(outer.unflatten(-1, (3, 3)))
    normal, agreement = axes[..., 2], spread[:, 2].clamp(0, 1)  # of unit vectors: 1 where all are parallel
    edge = add_up(edges) / number
    along = options.width * edge
    across = along * (1 - agreement * (1 - options.flatness))
    rows = torch.zeros(count, COLUMNS)
    rows[:, POSITION] = add_up(samples.positions) / number[:, None]
    rows[:, LOG_SCALE] = torch.stack([along, along, across], dim=-1).log()
    rows[:, QUATERNION] = _turn_z_to(normal)
    rows[:, OPACITY] = torch.logit((add_up(samples.opacities) / number).clamp(*options.bounds))
    rows[:, COLOUR.start :] = _fit_colours(add_up, samples, options)
    return Gaussians(rows.numpy()), edge.numpy()


def _fit_colours(add_up: object, samples: Samples, options: InitialOptions) -> Float[Tensor, "cells 12"]:
    """Coefficients of the harmonics by least squares over the views of each cell, small ones of degree 1 preferred."""
    assert callable(add_up)
    x, y, z = samples.directions.unbind(-1)
    one = torch.full_like(x, CONSTANT_HARMONIC)
    basis = torch.stack([one, -LINEAR_HARMONIC * y, LINEAR_HARMONIC * z, -LINEAR_HARMONIC * x], dim=-1)
    normal = add_up(basis[:, :, None] * basis[:, None])
    normal += torch.diag(torch.tensor([1e-4, *[options.ridge * LINEAR_HARMONIC**2] * 3]))
    right = add_up(basis[:, :, None] * (samples.colours - 0.5)[:, None])
    return torch.linalg.solve(normal, right).flatten(1)


def _turn_z_to(normals: Float[Tensor, "points 3"]) -> Float[Tensor, "points 4"]:
    """Quaternions (w, x, y, z) of the shortest turn of the z axis to the line of a unit vector, either end of it."""
    x, y, z = torch.where(normals[:, 2:] < 0, -normals, normals).unbind(-1)
    return torch.nn.functional.normalize(torch.stack([1 + z, -y, x, torch.zeros_like(z)], dim=-1), dim=-1)
