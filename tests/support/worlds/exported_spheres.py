"""A ball in front of cameras, in a voxel grid of any space: its surface, colours and pictures are known."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import torch

from engine.fields.contraction.mapping import expand
from engine.fields.spaces import BoxSpace, ProjectiveSpace, Space, UnboundedSpace
from engine.fields.voxel_grid.field import VoxelGrid
from engine.run.saved_run import SavedRun
from engine.scenes.scene import Scene, SceneKind
from tests.support.runs.exported import standing
from tests.support.runs.fake_trainer import tiny_scene
from tests.support.runs.short_runs import stage
from tests.support.scenes.synthetic import looking_at

MIDDLE, RADIUS = torch.tensor([0.1, -0.05, 2.2]), 0.5
SHELL = 6.0, 1.5  # radius, and half thickness; around the ball of an unbounded scene


def ball(kind: SceneKind, voxels: int = 48) -> tuple[VoxelGrid, Scene, torch.Tensor]:
    """Field, scene and poses: dense inside, its colour the place on it (red to the right, green downwards)."""
    poses = looking_at(
        torch.tensor([[math.sin(turn), 0.3 * turn, -math.cos(turn)] for turn in (-0.3, 0.0, 0.2, 0.4)]).double() * 0.3,
        MIDDLE.double(),
    )
    poses[:, :2, :3] *= -1  # upright where y points down
    if kind != "forward-facing":
        offsets = torch.randn(4, 3, generator=torch.Generator().manual_seed(3)).double()
        poses = looking_at(MIDDLE + 2.5 * torch.nn.functional.normalize(offsets, dim=-1), MIDDLE.double())
    middle = tuple(MIDDLE.tolist())
    spaces: dict[str, Space] = {
        "object": BoxSpace(middle, 0.8),
        "forward-facing": ProjectiveSpace((0.6, 0.45)),
        "unbounded": UnboundedSpace(middle, 0.8, nearest=0.2),
    }
    space = spaces[kind]
    grid = VoxelGrid(space, (0.0, 0.0, 0.0), torch.Generator().manual_seed(0))
    grid.begin_stage(stage(2, 1, planes=voxels, voxels=voxels, samples=96, proposals=False))
    depth, height, width = grid.grid.shape
    z, y, x = torch.meshgrid(*(torch.linspace(-1, 1, size) for size in (depth, height, width)), indexing="ij")
    if isinstance(space, BoxSpace):
        world = torch.stack([x, y, z], dim=-1) * space.half_extent + MIDDLE
        spacing = 2 * space.half_extent / (depth - 1)
    elif isinstance(space, UnboundedSpace):
        cube = torch.stack([x, y, z], dim=-1) * 0.9999 * (1 + space.outer)
        world = expand(cube, space.outer) * space.half_extent + MIDDLE
        spacing = 2 * space.half_extent * (1 + space.outer) / (depth - 1)
    else:
        distance = 1 / ((z + 1) / 2).clamp(min=1e-3)
        world = torch.stack([x * space.extent[0] * distance, y * space.extent[1] * distance, distance], dim=-1)
        spacing = MIDDLE[2] ** 2 / depth
    below = (RADIUS - (world - MIDDLE).norm(dim=-1)) / spacing
    if kind == "unbounded":  # and around it a shell far outside the near box
        below = torch.maximum(below, SHELL[1] - ((world - MIDDLE).norm(dim=-1) - SHELL[0]).abs())
    colours = (0.5 + 0.45 * (world - MIDDLE) / RADIUS).clamp(0.02, 0.98)
    grid.grid.voxels.copy_(torch.cat([8 * below[..., None].clamp(-3, 3), torch.logit(colours)], dim=-1))
    scene = dataclasses.replace(
        tiny_scene(5),
        kind=kind,
        reference_poses=None,
        box_centre=tuple(MIDDLE.tolist()),
        box_half_extent=0.8,
        far=8.0,
        intrinsics=dataclasses.replace(tiny_scene(5).intrinsics.resized(64, 48)),
    )
    return grid, scene, poses


def ball_run(kind: SceneKind, folder: Path = Path("nowhere"), voxels: int = 48) -> SavedRun:
    """As a run that has found it."""
    grid, scene, poses = ball(kind, voxels)
    return standing(scene, poses.float(), folder, grid)
