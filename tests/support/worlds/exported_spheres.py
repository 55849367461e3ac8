"""A ball in front of cameras, in a voxel grid of either space: its surface, colours and pictures are known."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import torch

from engine.fields.spaces import BoxSpace, ProjectiveSpace
from engine.fields.voxel_grid.field import VoxelGrid
from engine.run.saved_run import SavedRun
from engine.scenes.scene import Scene
from tests.support.runs.exported import standing
from tests.support.runs.fake_trainer import tiny_scene
from tests.support.runs.short_runs import stage
from tests.support.scenes.synthetic import looking_at

MIDDLE, RADIUS = torch.tensor([0.1, -0.05, 2.2]), 0.5


def ball(kind: str, voxels: int = 48) -> tuple[VoxelGrid, Scene, torch.Tensor]:
    """Field, scene and poses: dense inside, its colour the place on it (red to the right, green downwards)."""
    poses = looking_at(
        torch.tensor([[math.sin(turn), 0.3 * turn, -math.cos(turn)] for turn in (-0.3, 0.0, 0.2, 0.4)]).double() * 0.3,
        MIDDLE.double(),
    )
    poses[:, :2, :3] *= -1  # upright where y points down
    if kind == "object":
        offsets = torch.randn(4, 3, generator=torch.Generator().manual_seed(3)).double()
        poses = looking_at(MIDDLE + 2.5 * torch.nn.functional.normalize(offsets, dim=-1), MIDDLE.double())
    space = BoxSpace(tuple(MIDDLE.tolist()), 0.8) if kind == "object" else ProjectiveSpace((0.6, 0.45))
    grid = VoxelGrid(space, (0.0, 0.0, 0.0), torch.Generator().manual_seed(0))
    grid.begin_stage(stage(2, 1, planes=voxels, voxels=voxels, samples=96, proposals=False))
    depth, height, width = grid.grid.shape
    z, y, x = torch.meshgrid(*(torch.linspace(-1, 1, size) for size in (depth, height, width)), indexing="ij")
    if isinstance(space, BoxSpace):
        world = torch.stack([x, y, z], dim=-1) * space.half_extent + MIDDLE
        spacing = 2 * space.half_extent / (depth - 1)
    else:
        distance = 1 / ((z + 1) / 2).clamp(min=1e-3)
        world = torch.stack([x * space.extent[0] * distance, y * space.extent[1] * distance, distance], dim=-1)
        spacing = MIDDLE[2] ** 2 / depth
    below = (RADIUS - (world - MIDDLE).norm(dim=-1)) / spacing
    colours = (0.5 + 0.45 * (world - MIDDLE) / RADIUS).clamp(0.02, 0.98)
    grid.grid.voxels.copy_(torch.cat([8 * below[..., None].clamp(-3, 3), torch.logit(colours)], dim=-1))
    scene = dataclasses.replace(
        tiny_scene(5),
        kind=kind if kind == "object" else "forward-facing",
        reference_poses=None,
        box_centre=tuple(MIDDLE.tolist()),
        box_half_extent=0.8,
        far=8.0,
        intrinsics=dataclasses.replace(tiny_scene(5).intrinsics.resized(64, 48)),
    )
    return grid, scene, poses


def ball_run(kind: str, folder: Path = Path("nowhere"), voxels: int = 48) -> SavedRun:
    """As a run that has found it."""
    grid, scene, poses = ball(kind, voxels)
    return standing(scene, poses.float(), folder, grid)
