"""Small fields with surfaces and colours, made in a moment, and what the engine sees of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F

from engine.evaluation.views import View, image_points, render_view
from engine.fields.baking import FieldVolume
from engine.fields.spaces import BoxSpace, ProjectiveSpace, Space, UnboundedSpace
from engine.fields.voxel_grid.field import VoxelGrid
from engine.geometry.intrinsics import Intrinsics
from engine.geometry.view_camera import ViewCamera
from tests.support.runs.short_runs import stage

PROJECTIVE = ProjectiveSpace((0.8, 0.6))
BOX = BoxSpace((0.2, -0.1, 3.0), 1.1)
UNBOUNDED = UnboundedSpace((0.2, -0.1, 3.0), 1.1, nearest=0.4)


def grid(space: Space, tinted: bool = False, proposals: bool = False, seed: int = 0) -> VoxelGrid:
    """Blobs with faces, of many colours."""
    generator = torch.Generator().manual_seed(seed)
    made = VoxelGrid(space, (0.9, 0.3, 0.1), generator)
    planes = 24 if isinstance(space, ProjectiveSpace) else 0
    row = stage(2, 1, planes=planes, voxels=40, samples=24, proposals=proposals, directional=tinted)
    made.begin_stage(row)
    made.grid.voxels.copy_(_cloud(made.grid.shape, 4, generator))
    made.grid.voxels[..., 0] = 25 * made.grid.voxels[..., 0] - 14
    if made.grid.tint is not None:
        made.grid.tint.voxels.copy_(_cloud(made.grid.tint.shape, 9, generator))
    return made


def _cloud(shape: tuple[int, int, int], channels: int, generator: torch.Generator) -> torch.Tensor:
    coarse = torch.randn(1, channels, 5, 6, 6, generator=generator)
    return F.interpolate(coarse, shape, mode="trilinear", align_corners=True)[0].permute(1, 2, 3, 0)


def volume_of(field: VoxelGrid, version: int = 1) -> FieldVolume:
    """What a feed would publish of it."""
    pooled = field.proposal_density()
    tint = field.grid.tint
    common = FieldVolume(
        space="projective",
        voxels=field.grid.voxels.half().numpy(),
        tint=None if tint is None else tint.voxels.half().numpy(),
        background=tuple(field.background.tolist()),
        samples=field.stage.samples,
        proposals=field.stage.proposals,
        version=version,
        field_version=field.version,
        proposal_density=None if pooled is None else pooled.half().numpy(),
    )
    if isinstance(field.space, ProjectiveSpace):
        return replace(common, extent=field.space.extent)
    if isinstance(field.space, UnboundedSpace):
        space = field.space
        common = replace(common, space="contracted", outer=space.outer, nearest=space.nearest)
        return replace(common, centre=space.centre, half_extent=space.half_extent)
    assert isinstance(field.space, BoxSpace)
    return replace(common, space="box", centre=field.space.centre, half_extent=field.space.half_extent)


def even_volume(space: str, density: float, colour: float = 0.0, size: int = 8) -> FieldVolume:
    """The same raw density and the same raw colour everywhere; background blue."""
    voxels = np.full((size, size, size, 4), colour, np.float16)
    voxels[..., 0] = density
    return FieldVolume(
        space="box" if space == "box" else "projective",
        voxels=voxels,
        tint=None,
        background=(0.0, 0.0, 1.0),
        samples=32,
        proposals=False,
        version=1,
        field_version=1,
        centre=(0.0, 0.0, 4.0),
        half_extent=1.0,
    )


def camera(
    size: tuple[int, int] = (72, 56), turn: float = 0.08, step: tuple[float, ...] = (0.1, -0.06, 0.05)
) -> ViewCamera:
    """Near the origin, looking roughly along z, its axis not in the middle."""
    rotation = torch.linalg.matrix_exp(torch.tensor([[0, -0.03, turn], [0.03, 0, -0.05], [-turn, 0.05, 0]]))
    pose = np.concatenate([rotation.numpy(), np.array(step, np.float32)[:, None]], axis=1).astype(np.float32)
    width, height = size
    return ViewCamera(pose, (0.8 * width, 0.82 * width), (0.43 * width, 0.56 * height), size)


def seen_by_engine(field: VoxelGrid, at: ViewCamera) -> View:
    """The engine's own picture."""
    intrinsics = Intrinsics(
        torch.tensor([at.focal]), torch.tensor([at.centre]), torch.zeros(1, 4), at.size[0], at.size[1]
    )
    return render_view(field, torch.from_numpy(at.world_to_camera), image_points(intrinsics, 0))
