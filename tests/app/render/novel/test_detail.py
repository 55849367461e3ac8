"""Volumes whose detail is stored in blocks, against the engine's own pictures of dense lattices that hold the same."""

from __future__ import annotations

import ctypes
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from app.model.common.pictures import NovelPicture
from app.render.gl import brick_atlas
from app.render.gl.brick_atlas import BrickAtlas
from app.render.gl.pieces import Pieces
from app.render.gl.transport import HostPieces
from app.render.renderer import Renderer
from app.render.scheduling.effort import COMPLETE
from app.render.studio import Pixels, Studio
from engine.fields.baking import FieldVolume, FineVolume
from engine.fields.spaces import Space
from engine.fields.voxel_grid.field import VoxelGrid
from engine.geometry.rays import rays_through
from tests.support.worlds import fields
from tests.support.worlds.blocks import EMPTY, cut_into_blocks, empty_outside_shell, fine_volume

PICTURE = NovelPicture(fields.camera())


def upload(studio: Studio, volume: FieldVolume) -> None:
    for _ in studio.upload(volume):
        pass


def drawn(studio: Studio, picture: NovelPicture = PICTURE) -> Pixels:
    for _ in studio.march("novel", picture, COMPLETE, 1):
        pass
    return studio.show("novel", picture)[..., :3]


def agreement(pixels: Pixels, other: object) -> float:
    """dB."""
    return -10 * math.log10(max(float(((pixels - np.asarray(other)) ** 2).mean()), 1e-12))


def shell(space: Space, tinted: bool = False, proposals: bool = False, seed: int = 0) -> VoxelGrid:
    """A field of which a part is empty: inside and outside, or, of all of space, around the middle only."""
    field = fields.grid(space, tinted, proposals, seed)
    return empty_outside_shell(field, 0.75, 9.0) if space is fields.UNBOUNDED else empty_outside_shell(field)


def in_blocks(field: VoxelGrid, version: int = 1) -> FieldVolume:
    """A volume whose dense copy is blurred to a few voxels, and whose detail is the field."""
    coarse = torch.nn.functional.interpolate(field.grid.voxels.permute(3, 0, 1, 2)[None], (6, 6, 6))[0]
    dense = fields.volume_of(field, version)
    voxels = coarse.permute(1, 2, 3, 0).contiguous().half().numpy()
    return replace(dense, voxels=voxels, detail=fine_volume(field.grid.voxels))


def count_textures(studio: Studio) -> int:
    is_texture = ctypes.CFUNCTYPE(ctypes.c_ubyte, ctypes.c_uint)(studio._context.mglo._context.load("glIsTexture"))
    return sum(is_texture(name) for name in range(1, 3000))


@pytest.mark.parametrize("proposals", [False, True], ids=["even", "proposals"])
@pytest.mark.parametrize("tinted", [False, True], ids=["plain", "tinted"])
@pytest.mark.parametrize(
    "space", [fields.PROJECTIVE, fields.BOX, fields.UNBOUNDED], ids=["projective", "box", "unbounded"]
)
def test_blocks_look_as_the_dense_lattice_does(studio: Studio, space: Space, tinted: bool, proposals: bool) -> None:
    field = shell(space, tinted, proposals)
    volume = in_blocks(field)
    assert volume.detail is not None
    assert 0.03 < (volume.detail.table == 0).mean() < 0.8
    upload(studio, volume)
    for at in (fields.camera(), fields.camera((50, 61), turn=-0.2, step=(-0.4, 0.3, 0.4))):
        engine = fields.seen_by_engine(field, at)
        assert engine.opacity.max() > 0.9
        assert agreement(drawn(studio, NovelPicture(at)), engine.colour) > 50


@pytest.mark.parametrize("space", [fields.BOX, fields.UNBOUNDED], ids=["box", "unbounded"])
def test_a_grid_that_stores_blocks_looks_as_the_engine_renders_it(studio: Studio, space: Space) -> None:
    field = shell(space, tinted=True, proposals=True)
    dense, at = fields.volume_of(field), fields.camera()
    pixels = np.stack(np.meshgrid(*[np.arange(size) + 0.5 for size in at.size]), axis=-1).reshape(-1, 2)
    points = torch.from_numpy((pixels - at.centre) / at.focal).float()
    origins, directions = rays_through(torch.from_numpy(at.world_to_camera), points)
    field.render(origins.expand_as(directions).contiguous(), directions.contiguous())  # notes what is seen
    field.begin_stage(replace(field.stage, voxels=80, sparse=True))
    assert field.grid.tint is not None
    field.grid.tint.voxels.normal_(generator=torch.Generator().manual_seed(1))
    made, pooled = field.block_pieces(), field.proposal_density()
    assert made is not None
    assert pooled is not None
    detail = FineVolume(made.shape, made.table.numpy(), torch.cat(list(made.pieces)).half().numpy())
    assert 0.1 < (detail.table == 0).mean() < 0.95
    tint = field.grid.tint.voxels.half().numpy()
    upload(studio, replace(dense, tint=tint, proposal_density=pooled.half().numpy(), detail=detail))
    assert agreement(drawn(studio), fields.seen_by_engine(field, at).colour) > 45


def test_the_detail_is_seen_and_not_the_coarse_copy(studio: Studio) -> None:
    field = shell(fields.BOX)
    volume = in_blocks(field)
    engine = fields.seen_by_engine(field, fields.camera()).colour
    upload(studio, replace(volume, detail=None))
    assert agreement(drawn(studio), engine) < 25
    upload(studio, volume)
    assert agreement(drawn(studio), engine) > 50


def test_what_begins_in_a_missing_block_is_empty(studio: Studio) -> None:
    """Of 2 x 2 x 2 blocks one is stored, at the far right below: opaque from voxel 8 on, and nothing before it."""
    whole = fields.even_volume("box", 20.0, size=16)
    table, blocks = cut_into_blocks(torch.from_numpy(whole.voxels.astype(np.float32)))
    table[:, :, 0] = table[:, 0] = table[0] = 0
    upload(studio, replace(whole, detail=FineVolume((16, 16, 16), table.numpy(), blocks.half().numpy())))
    straight = fields.camera((60, 60), turn=0.0, step=(0.0, 0.0, 0.0))
    pose = np.eye(3, 4, dtype=np.float32)
    camera = replace(straight, world_to_camera=pose, focal=(90.0, 90.0), centre=(30.0, 30.0))
    opacity = drawn(studio, NovelPicture(camera, channel="opacity"))[..., 0]
    edge = 30 + 90 * (8 / 15 * 2 - 1) / 5  # voxel 8 of 0 to 15 on the farther face of the box, at most
    first = int(np.floor(edge)) - 2
    assert opacity[:, :first].max() == opacity[:first].max() == 0.0
    assert opacity[35:44, 35:44].min() > 0.99


class TestUploads:
    def test_a_volume_of_other_blocks_replaces_the_one_before(self, studio: Studio) -> None:
        for seed in range(4):
            field = shell(fields.BOX, seed=seed)
            upload(studio, in_blocks(empty_outside_shell(field, 0.3 + 0.1 * seed, 1.0 - 0.1 * seed)))
            engine = fields.seen_by_engine(field, fields.camera()).colour
            assert agreement(drawn(studio), engine) > 50

    def test_blocks_keep_their_places_and_the_texture_is_kept(self, studio: Studio) -> None:
        field = shell(fields.BOX)
        upload(studio, in_blocks(field))
        atlas = studio.volumes.of(None)._atlas
        bricks, slots = atlas._bricks, atlas._slots
        assert slots is not None
        upload(studio, in_blocks(empty_outside_shell(field, 0.6, 0.93), version=2))
        assert atlas._bricks is bricks
        assert atlas._slots is not None
        still = atlas._slots > 0
        assert 0 < still.sum() < (slots > 0).sum()
        np.testing.assert_array_equal(atlas._slots[still], slots[still])

    def test_while_the_next_one_is_uploaded_nothing_is_in_a_wrong_place(
        self, studio: Studio, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The next volume has the same values, but some blocks less and some more: what is drawn lies in between."""
        monkeypatch.setattr(brick_atlas, "OPTIONS", replace(brick_atlas.OPTIONS, across=2))
        monkeypatch.setattr(Pieces, "bytes_of", lambda *_: 1)
        field = shell(fields.BOX)
        table, blocks = cut_into_blocks(field.grid.voxels)
        stored = table.flatten().nonzero()[:, 0]
        some = in_blocks(field)
        assert some.detail is not None

        def without(numbers: torch.Tensor) -> FieldVolume:
            left = table.clone()
            left.view(-1)[numbers] = 0
            return replace(some, detail=FineVolume((40, 40, 40), left.numpy(), blocks.half().numpy()))

        studio.volumes.of(None)._atlas.release()
        upload(studio, without(stored[::5]))
        uploading = studio.upload(without(stored[2::5]))
        both = without(torch.cat([stored[::5], stored[2::5]]))
        steps = [drawn(studio) for _ in uploading]
        assert len(steps) > 10
        upload(studio, both)
        expected = drawn(studio)
        for pixels in steps[-8:]:
            np.testing.assert_allclose(pixels, expected, atol=1e-3)

    def test_an_abandoned_one_leaves_the_volume_before(self, studio: Studio) -> None:
        upload(studio, in_blocks(shell(fields.BOX)))
        before, textures = drawn(studio), count_textures(studio)
        leaving = studio.upload(in_blocks(shell(fields.PROJECTIVE), version=2))  # three parts
        for _ in range(3):
            next(leaving)
        leaving.close()
        assert count_textures(studio) == textures
        np.testing.assert_array_equal(drawn(studio), before)

    def test_textures_are_reused_and_released(self, studio: Studio) -> None:
        upload(studio, fields.volume_of(shell(fields.BOX)))
        without = count_textures(studio)
        volumes = [in_blocks(shell(space)) for space in (fields.BOX, fields.PROJECTIVE, fields.BOX)]
        for volume in volumes * 10:
            upload(studio, volume)
            assert count_textures(studio) == without + 2
        upload(studio, fields.volume_of(shell(fields.BOX)))
        assert count_textures(studio) == without
        assert studio.problem is None


class TestTooLarge:
    @pytest.fixture(autouse=True)
    def _no_room(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(brick_atlas, "choose_layout", lambda bricks, largest: None)

    def test_the_coarse_copy_is_drawn_and_a_sentence_says_so(self, studio: Studio) -> None:
        volume = in_blocks(shell(fields.BOX))
        upload(studio, replace(volume, detail=None))
        coarse = drawn(studio)
        upload(studio, volume)
        assert "coarser copy" in (studio.problem or "")
        np.testing.assert_array_equal(drawn(studio), coarse)

    def test_the_window_is_told_until_it_fits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        volume = in_blocks(shell(fields.BOX))
        renderer = Renderer()
        renderer.start()
        try:
            renderer.set_volume(volume)
            renderer.wait_for("novel", PICTURE)
            assert "coarser copy" in (renderer.error or "")
            monkeypatch.undo()
            renderer.set_volume(replace(volume, version=2))
            renderer.wait_for("novel", NovelPicture(fields.camera((30, 20))))
            for turn in range(100):
                if renderer.error is None:
                    break
                renderer.wait_for("novel", NovelPicture(fields.camera((30, 20 + turn))))
            assert renderer.error is None
        finally:
            renderer.close()


class TestLayout:
    @pytest.mark.parametrize("bricks", [1, 2, 700, 20_000, 150_000])
    @pytest.mark.parametrize("largest", [256, 2048, 16384])
    def test_there_is_room_within_the_texture_s_limits(self, bricks: int, largest: int) -> None:
        layout = brick_atlas.choose_layout(bricks, largest)
        if bricks > (largest // 9) ** 3:
            assert layout is None
            return
        assert layout is not None
        assert layout.capacity >= bricks
        assert max(layout.across, layout.layers) * 9 <= largest

    def test_every_brick_has_a_place_of_its_own(self) -> None:
        layout = brick_atlas.Layout(3, 7)
        slots = np.arange(3 * 3 * 7, dtype=np.int32).reshape(3, 3, 7)
        packed = layout.pack(slots)
        places = np.stack([packed >> shift & 1023 for shift in (0, 10, 20)], axis=-1).reshape(-1, 3)
        assert packed.flat[0] == 0
        assert len(np.unique(places, axis=0)) == len(places)
        assert (places.max(axis=0) == [2, 2, 6]).all()

    def test_more_than_any_texture_holds_does_not_fit(self) -> None:
        assert brick_atlas.choose_layout(28**3 + 1, 256) is None


def test_an_atlas_gives_its_memory_back_when_few_blocks_are_left(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brick_atlas, "OPTIONS", replace(brick_atlas.OPTIONS, across=2))
    field = fields.grid(fields.BOX)
    atlas, transport = BrickAtlas(studio._context, Pieces(studio.driver.finish)), HostPieces(studio.driver)
    for _ in atlas.upload(fine_volume(field.grid.voxels), transport):
        pass
    layout = atlas._layout
    field.grid.voxels[:, :, 12:, 0] = EMPTY
    field.grid.voxels[:, 12:, :, 0] = EMPTY
    for _ in atlas.upload(fine_volume(field.grid.voxels), transport):
        pass
    assert layout is not None
    assert atlas._layout is not None
    assert atlas._layout.capacity < layout.capacity
    atlas.release()
