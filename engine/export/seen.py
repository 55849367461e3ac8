"""What the training cameras see of the field: small renderings, from which surfaces and depth bounds are taken."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from engine.evaluation.views import View, image_points, render_view
from engine.export.cameras import exported_gauge
from engine.export.images import Progress
from engine.geometry.numerics import to_double
from engine.geometry.se3 import invert, transform
from engine.training.radiance import Trainer

OPAQUE = 0.9  # a ray that has met less has met no surface
STEP = 0.05  # relative difference of the inverse depths of neighbouring pixels beyond which there is an edge
FARTHEST = 1.5  # times the scene's own farthest depth
FARTHEST_GUESS = 30.0  # nearest depths, where that is unknown


class Seen(NamedTuple):
    """One training frame, rendered small.

    `pose` is world-to-camera in the run's world; `points` lie on the plane z = 1; `usable` are pixels that see a
    surface away from its edges.
    """

    pose: Float[Tensor, "3 4"]
    points: Float[Tensor, "height width 2"]
    view: View
    usable: Bool[Tensor, "height width"]


def seen_by_cameras(trainer: Trainer, pixels: int, progress: Progress) -> Iterator[Seen]:
    """Renders every training frame with about so many pixels, no more than its photo has.

    Args:
        trainer: at rest; it is not changed.
        pixels: of one picture.
        progress: told before every frame.
    """
    intrinsics = trainer.calibration.intrinsics(trainer.scene.intrinsics).to(trainer.device)
    shrink = min(math.sqrt(pixels / (intrinsics.width * intrinsics.height)), 1.0)
    width, height = (max(round(side * shrink), 8) for side in (intrinsics.width, intrinsics.height))
    small, poses = intrinsics.resized(width, height), trainer.poses()
    farthest = farthest_depth(trainer)
    for index, frame in enumerate(trainer.frames):
        progress(index / len(trainer.frames), "depth")
        points = image_points(small, frame)
        view = render_view(trainer.field, poses[index], points)
        yield Seen(poses[index], points, view, surfaces(view, farthest))


def points_of(seen: Seen) -> Float[Tensor, "points 3"]:
    """Where the surfaces lie that a camera sees: in the run's world, double precision, on the CPU."""
    rays = torch.cat([seen.points, torch.ones_like(seen.points[..., :1])], dim=-1)
    in_camera = to_double((rays * seen.view.depth[..., None])[seen.usable].cpu())
    return transform(invert(to_double(seen.pose.cpu())), in_camera)


def farthest_depth(trainer: Trainer) -> float:
    """Beyond which nothing is taken for a surface, units of the run's world.

    Its unit is the scene's only up to the scale of the gauge; without a reference, forward-facing worlds have things
    from 1 on.
    """
    scene = trainer.scene
    if not math.isfinite(scene.far):
        return FARTHEST_GUESS
    scale = exported_gauge(scene, trainer.poses()).scale * scene.file_scale
    return FARTHEST * scene.far / float(scale)


def surfaces(view: View, farthest: float) -> Bool[Tensor, "height width"]:
    """Pixels that see a surface: opaque, not too far, and no edge between near and far, where depth is a blend."""
    usable = (view.opacity > OPAQUE) & view.depth.isfinite() & (view.depth > 0) & (view.depth < farthest)
    inverse = 1 / view.depth.clamp(min=1e-6)
    edge = torch.zeros_like(usable)
    for axis in (0, 1):
        first = inverse.narrow(axis, 0, inverse.shape[axis] - 1)
        second = inverse.narrow(axis, 1, inverse.shape[axis] - 1)
        jump = (first - second).abs() > STEP * torch.maximum(first, second)
        edge.narrow(axis, 0, jump.shape[axis]).logical_or_(jump)
        edge.narrow(axis, 1, jump.shape[axis]).logical_or_(jump)
    return usable & ~edge


def depth_bounds(trainer: Trainer, progress: Progress, pixels: int = 4000) -> Float[Tensor, "frames 2"]:
    """Nearest and farthest depth of each training frame, without 0.1 % at either end (as LLFF's), units of the run.

    A frame that sees no surface gets the nearest and farthest depth that any surface could have.
    """
    scene, rows = trainer.scene, []
    for seen in seen_by_cameras(trainer, pixels, progress):
        depths = seen.view.depth[seen.usable].double()
        if len(depths) < 10:
            rows.append([1.0 if scene.kind == "forward-facing" else scene.near, farthest_depth(trainer)])
            continue
        near, far = torch.quantile(depths, depths.new_tensor([0.001, 0.999])).tolist()
        rows.append([near, max(far, 1.01 * near)])
    return torch.tensor(rows, dtype=torch.float64)
