"""Surfaces of the field that the training cameras see, and their depths, from small renderings."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from engine.evaluation.views import View, image_points, render_view
from engine.export.cameras import find_gauge
from engine.export.progress import Progress
from engine.geometry.numerics import to_double
from engine.geometry.se3 import invert, transform
from engine.scenes.scene import Scene
from engine.training.radiance import RadianceTrainer


@dataclass(frozen=True)
class VisibilityOptions:
    """When a pixel of a rendering shows a surface.

    Attributes:
        opacity: least opacity of its ray.
        depth_edge: relative difference of the inverse depths of neighbouring pixels from which there is an edge
            between them; depth is a mixture there.
        farthest: greatest depth, relative to the far bound of the scene.
        farthest_unbounded: greatest depth, scene units, where the scene has no far bound. The nearest depth of such
            a scene is about 1.
        least_pixels: smallest number of surface pixels from which the depth bounds of a frame are measured.
        depth_quantile: share of the depths that is left out at both ends of these bounds, as in LLFF.
        bounds_pixels: pixels of the renderings they are measured on.
    """

    opacity: float = 0.9
    depth_edge: float = 0.05
    farthest: float = 1.5
    farthest_unbounded: float = 30.0
    least_pixels: int = 10
    depth_quantile: float = 0.001
    bounds_pixels: int = 4000


DEFAULT = VisibilityOptions()


class VisibleSurface(NamedTuple):
    """A small rendering of one training frame.

    Attributes:
        pose: world-to-camera in the world of the run.
        points: pixel centres on the normalised image plane z = 1.
        view: the rendering.
        usable: pixels that show a surface, away from its edges.
    """

    pose: Float[Tensor, "3 4"]
    points: Float[Tensor, "height width 2"]
    view: View
    usable: Bool[Tensor, "height width"]


def render_visible_surfaces(trainer: RadianceTrainer, pixels: int, progress: Progress) -> Iterator[VisibleSurface]:
    """Renders every training frame with about so many pixels, at most as many as its photo has.

    Args:
        trainer: not changed; no training may go on meanwhile.
        pixels: of one rendering.
        progress: called before every frame.
    """
    intrinsics = trainer.calibration.intrinsics(trainer.scene.intrinsics).to(trainer.device)
    poses = trainer.poses()
    farthest = find_farthest_depth(trainer)
    for index, frame in enumerate(trainer.frames):
        progress(index / len(trainer.frames), "depth")
        own = intrinsics.fitted_to(frame)
        shrink = min(math.sqrt(pixels / (own.width * own.height)), 1.0)
        width, height = (max(round(side * shrink), 8) for side in (own.width, own.height))
        points = image_points(own.resized(width, height), 0)
        view = render_view(trainer.field, poses[index], points)
        yield VisibleSurface(poses[index], points, view, find_surfaces(view, farthest))


def surface_points(seen: VisibleSurface) -> Float[Tensor, "points 3"]:
    """Points of the surfaces in a rendering, in the world of the run; double precision, on the CPU."""
    rays = torch.cat([seen.points, torch.ones_like(seen.points[..., :1])], dim=-1)
    in_camera = to_double((rays * seen.view.depth[..., None])[seen.usable].cpu())
    return transform(invert(to_double(seen.pose.cpu())), in_camera)


class NearBox(NamedTuple):
    """The near part of an unbounded scene: what is at full detail, world of the run."""

    centre: tuple[float, float, float]
    half_extent: float

    def holds(self, points: Float[Tensor, "points 3"]) -> Bool[Tensor, " points"]:
        """Which points lie in it."""
        return ((points - points.new_tensor(self.centre)).abs() <= self.half_extent).all(dim=-1)


def find_near_box(scene: Scene) -> NearBox | None:
    """The near part of a scene; None where there is none, because all of it is near."""
    return NearBox(scene.box_centre, scene.box_half_extent) if scene.kind == "unbounded" else None


def find_farthest_depth(trainer: RadianceTrainer) -> float:
    """The depth beyond which nothing counts as a surface, in units of the world of the run.

    That unit differs from the scene's by the scale of the alignment with the reference poses.
    """
    scene = trainer.scene
    if not math.isfinite(scene.far):
        return DEFAULT.farthest_unbounded
    scale = find_gauge(scene, trainer.poses()).scale * scene.file_scale
    return DEFAULT.farthest * scene.far / float(scale)


def find_surfaces(view: View, farthest: float) -> Bool[Tensor, "height width"]:
    """Pixels that show a surface: opaque, not too far away, and not at an edge between different depths."""
    usable = (view.opacity > DEFAULT.opacity) & view.depth.isfinite() & (view.depth > 0) & (view.depth < farthest)
    inverse = 1 / view.depth.clamp(min=1e-6)
    edge = torch.zeros_like(usable)
    for axis in (0, 1):
        first = inverse.narrow(axis, 0, inverse.shape[axis] - 1)
        second = inverse.narrow(axis, 1, inverse.shape[axis] - 1)
        jump = (first - second).abs() > DEFAULT.depth_edge * torch.maximum(first, second)
        edge.narrow(axis, 0, jump.shape[axis]).logical_or_(jump)
        edge.narrow(axis, 1, jump.shape[axis]).logical_or_(jump)
    return usable & ~edge


def measure_depth_bounds(trainer: RadianceTrainer, progress: Progress) -> Float[Tensor, "frames 2"]:
    """Nearest and farthest depth of each training frame, in units of the world of the run, without outliers.

    A frame without a visible surface gets the nearest and farthest depth that a surface could have.
    """
    scene, rows = trainer.scene, []
    for seen in render_visible_surfaces(trainer, DEFAULT.bounds_pixels, progress):
        depths = seen.view.depth[seen.usable].double()
        if len(depths) < DEFAULT.least_pixels:
            rows.append([1.0 if scene.kind == "forward-facing" else scene.near, find_farthest_depth(trainer)])
            continue
        near, far = torch.quantile(
            depths, depths.new_tensor([DEFAULT.depth_quantile, 1 - DEFAULT.depth_quantile])
        ).tolist()
        rows.append([near, max(far, 1.01 * near)])
    return torch.tensor(rows, dtype=torch.float64)
