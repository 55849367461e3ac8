"""A camera before the relief whose photo is the relief itself: the loss is zero where it was taken."""

from __future__ import annotations

import torch

from engine.geometry import se3
from engine.lab.frozen.camera import FrozenCamera
from tests.support.worlds import relief


def frozen_relief(kick: tuple[float, ...] = (0.0,) * 6, pixels: int = 600, samples: int = 32) -> FrozenCamera:
    """A camera that is moved by `kick` (a twist in its own axes) from where it took its photo."""
    field = relief.relief(samples=samples)
    pose = relief.cameras(1)[0]
    points = relief.plane_points(relief.intrinsics(1)).reshape(-1, 2)
    colours = relief.photos(field, pose[None])[0].flatten(1).T
    chosen = torch.randperm(len(points), generator=torch.Generator().manual_seed(0))[:pixels]
    twist = torch.tensor(kick)
    moved = se3.compose(se3.exponential(twist), pose)
    back = tuple((-twist / twist.new_tensor([axis.inside for axis in FrozenCamera.axes])).tolist())
    about = (points[chosen], colours[chosen], torch.ones(3), "relief", len(points), back)
    return FrozenCamera(0, moved, field, *about)
