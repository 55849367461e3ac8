"""The volume that a window marches through shows what the engine renders."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.fields.baking import Baking, CopyOptions, FieldVolume
from engine.fields.field import Bakeable
from engine.fields.spaces import NEAREST_SHARE, UnboundedSpace, plane_extent
from engine.fields.voxel_grid.field import VoxelGrid
from engine.geometry.rays import pixel_grid, rays_through
from engine.scenes.scene import Scene
from tests.support.runs.fake_trainer import tiny_scene
from tests.support.worlds.blocks import PIECE, empty_outside_shell, store_in_blocks
from tests.support.worlds.marching import decibels, march
from tests.support.worlds.relief import blob, looking_at_blob, relief, room
from tests.support.worlds.spheres import facing_field


def scene_of(field: VoxelGrid) -> Scene:
    """A scene whose volume lies where the field's does."""
    scene = tiny_scene()
    if not field.space.closed:
        wide, high = field.space.extent
        now = plane_extent(scene)
        focal = scene.intrinsics.focal * torch.tensor([now[0] / wide, now[1] / high])
        return replace(scene, intrinsics=replace(scene.intrinsics, focal=focal))
    box = {"box_centre": field.space.centre, "box_half_extent": field.space.half_extent}
    if isinstance(field.space, UnboundedSpace):
        return replace(scene, kind="unbounded", near=field.space.nearest / NEAREST_SHARE, **box)
    return replace(scene, kind="object", **box)


def baked(field: Bakeable, scene: Scene, size: int = 256) -> FieldVolume:
    baking = Baking(field, size)
    assert baking.work(1e9)
    return baking.volume(scene, 1)


def view(field: VoxelGrid) -> tuple[Tensor, Tensor]:
    """Rays of a picture taken from beside the place where the scene was built."""
    pose = looking_at_blob(1)[0] if field.space.closed else torch.eye(3, 4)
    pose = pose.clone()
    pose[0, 3] += 0.05
    plane = (pixel_grid(36, 48) / torch.tensor([48, 36]) - 0.5) * torch.tensor([1.0, 0.75])
    origins, directions = rays_through(pose, plane.reshape(-1, 2))
    return origins.expand_as(directions).contiguous(), directions.contiguous()


@torch.no_grad()
@pytest.mark.parametrize("make", [relief, blob, room])
def test_ray_marching_a_volume_gives_the_picture_of_the_engine(make):
    field = make(samples=96)
    field.begin_stage(replace(field.stage, directional=True, proposals=False))
    field.grid.tint.voxels.normal_(std=0.5, generator=torch.Generator().manual_seed(0))
    volume, rays = baked(field, scene_of(field)), view(field)
    assert volume.tint is not None
    assert volume.voxels.dtype == volume.tint.dtype == np.float16
    engine = field.render(*rays).colour
    assert decibels(march(volume, *rays, volume.samples), engine) > 50
    untinted = replace(volume, tint=None)
    assert decibels(march(untinted, *rays, volume.samples), engine) < 35


@torch.no_grad()
@pytest.mark.parametrize("make", [relief, blob, room])
def test_a_smaller_volume_gives_a_similar_picture(make):
    field = make(samples=96)
    longest = max(field.grid.shape) * 2 // 3
    volume, rays = baked(field, scene_of(field), longest), view(field)
    assert max(volume.voxels.shape[:3]) == longest
    seen = march(volume, *rays, 96)
    assert decibels(seen, field.render(*rays).colour) > 24
    assert abs(float(seen.mean() - field.render(*rays).colour.mean())) < 0.01  # neither thinner nor thicker


def test_a_volume_is_made_plane_by_plane_and_never_changed():
    field = relief()
    baking = Baking(field, 256)
    assert not baking.work(0.0)
    pieces = 1
    while not baking.work(0.0):
        pieces += 1
    assert pieces == field.grid.shape[0] - 1
    volume = baking.volume(scene_of(field), 7)
    before = volume.voxels.copy()
    field.grid.voxels.add_(1.0)
    assert (volume.voxels == before).all()
    with pytest.raises(ValueError, match="read-only"):
        volume.voxels[0] = 0
    assert (volume.version, volume.field_version) == (7, field.version)


@torch.no_grad()
@pytest.mark.parametrize(("make", "outer"), [(relief, 0.8), (blob, 0.5), (room, 1.1)])
def test_a_field_in_blocks_has_all_its_detail(make, outer, monkeypatch):
    monkeypatch.setattr("engine.fields.baking.COPY", CopyOptions(longest=16))
    field = make(samples=96)
    field.begin_stage(replace(field.stage, directional=True, proposals=False))
    field.grid.tint.voxels.normal_(std=0.5, generator=torch.Generator().manual_seed(0))
    field = store_in_blocks(empty_outside_shell(field, 0.0, outer))
    volume, rays = baked(field, scene_of(field)), view(field)
    assert volume.detail is not None
    assert volume.detail.shape == field.grid.shape
    assert 0.05 < (volume.detail.table == 0).mean() < 0.9
    assert max(volume.voxels.shape[:3]) <= 24
    engine = field.render(*rays).colour
    assert decibels(march(volume, *rays, volume.samples), engine) > 50
    assert decibels(march(replace(volume, detail=None), *rays, volume.samples), engine) < 40


def test_blocks_are_made_piece_by_piece_and_never_changed():
    field = store_in_blocks(empty_outside_shell(blob()))
    count, baking, pieces = field.block_pieces().count, Baking(field, 256), 1
    while not baking.work(0.0):
        pieces += 1
    assert pieces == field.grid.shape[0] + math.ceil(count / PIECE)
    detail = baking.volume(scene_of(field), 7).detail
    assert detail.blocks.shape == (count, 9, 9, 9, 4)
    assert detail.blocks.dtype == np.float16
    before = detail.blocks.copy()
    field.grid.voxels.add_(1.0)
    assert (detail.blocks == before).all()
    for array in (detail.blocks, detail.table):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_the_dense_copy_of_a_large_cube_is_small_and_that_of_a_flat_volume_fine(monkeypatch):
    for make, size in ((blob, 12), (relief, 40)):
        monkeypatch.setattr("engine.fields.baking.COPY", CopyOptions(40, 12**3 if make is blob else 10**6))
        field = store_in_blocks(make())
        assert max(field.grid.shape) > size
        assert max(baked(field, scene_of(field)).voxels.shape[:3]) == size


def test_blocks_can_be_left_out():
    field = store_in_blocks(empty_outside_shell(blob()))
    baking = Baking(field, 256, detailed=False)
    assert baking.work(1e9)
    assert baking.coarse
    assert baking.volume(scene_of(field), 1).detail is None


def test_a_stage_that_begins_meanwhile_changes_no_volume():
    field = relief()
    shape, baking = field.grid.shape, Baking(field, 256)
    baking.work(0.0)
    field.begin_stage(replace(field.stage, planes=40, voxels=30, directional=True))
    baking.work(1e9)
    volume = baking.volume(scene_of(field), 1)
    assert volume.voxels.shape[:3] == shape
    assert np.isfinite(volume.voxels).all()


def test_a_network_is_baked_into_the_same_kind_of_volume():
    scene = tiny_scene()
    field = facing_field(extent=plane_extent(scene))
    assert field.volume_sizes(100) == (32, 64)
    volume = baked(field, scene, 32)
    assert volume.voxels.shape == (32, 24, 32, 4)
    assert (volume.space, volume.extent) == ("projective", plane_extent(scene))
    assert volume.tint is None
    assert volume.background == (0.0, 0.0, 0.0)
    torch.testing.assert_close(torch.from_numpy(volume.voxels.copy()), field.volume(32).half())
