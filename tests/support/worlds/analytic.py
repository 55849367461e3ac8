"""A field whose pictures are known in closed form: a patterned wall, and scenes photographed in front of it."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.evaluation.views import image_points
from engine.fields.field import Rendering
from engine.geometry.intrinsics import Intrinsics
from engine.geometry.rays import rays_through
from engine.geometry.se3 import exponential
from engine.scenes.scene import Scene

WIDTH, HEIGHT, FOCAL, WALL = 48, 36, 50.0, 3.0
WAVES = torch.tensor([[2.1, 0.7], [-0.9, 2.6], [1.4, -1.9]])  # radians per scene unit, a row per channel


class Wall:
    """The plane z = 3 with a smooth pattern; transparent where `empty` is set."""

    def __init__(self, empty: bool = False) -> None:
        self.empty = empty
        self.largest_batch = 0

    def render(self, origins: Tensor, directions: Tensor, generator: Any = None) -> Rendering:
        self.largest_batch = max(self.largest_batch, len(origins))
        depth = (WALL - origins[..., 2]) / directions[..., 2]
        hit = origins + depth[..., None] * directions
        colour = 0.5 + 0.4 * torch.sin(hit[..., :2] @ WAVES.to(hit).T)
        opacity = torch.full_like(depth, 0.0 if self.empty else 1.0)
        return Rendering(colour, opacity, depth)

    def at_resolution(self, voxels: int) -> Wall:
        return self

    def frozen(self) -> nullcontext[None]:
        return nullcontext()


def cameras(frames: int, seed: int = 0, spread: float = 0.15) -> Tensor:
    """World-to-camera poses that all look at the wall, (frames, 3, 4)."""
    generator = torch.Generator().manual_seed(seed)
    return exponential(torch.randn(frames, 6, generator=generator) * spread)


def photographed(poses: Tensor, held_out: tuple[int, ...], references: bool = True, seen_from: Any = None) -> Scene:
    """A scene whose photos are the wall as seen from `poses`; `seen_from` overrides the reference poses."""
    frames = len(poses)
    intrinsics = Intrinsics(
        focal=torch.full((frames, 2), FOCAL),
        centre=torch.tensor([WIDTH / 2, HEIGHT / 2]).repeat(frames, 1),
        distortion=torch.zeros(frames, 4),
        width=WIDTH,
        height=HEIGHT,
    )
    points = image_points(intrinsics, 0)
    images = torch.stack([Wall().render(*rays_through(pose, points)).colour for pose in poses])
    return Scene(
        name="wall",
        path=Path("wall"),
        kind="forward-facing",
        names=tuple(f"photo_{index}.png" for index in range(frames)),
        images=(images * 255).round().byte(),
        intrinsics=intrinsics,
        initial_poses=torch.eye(3, 4).repeat(frames, 1, 1),
        reference_poses=(poses if seen_from is None else seen_from) if references else None,
        training_frames=tuple(index for index in range(frames) if index not in held_out),
        held_out_frames=held_out,
        near=WALL * 0.8,
        far=WALL * 1.2,
        background=None,
    )
