"""Two fields in one picture: each where it belongs, as it is alone, and in two kinds of spaces."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from app.model.common.pictures import Drawn, NovelPicture, Photo, SecondField
from app.model.novel.comparison import widen_camera
from app.render.gl import volume_textures
from app.render.gl.volume_textures import MEMORY, choose_most_bytes
from app.render.renderer import Renderer
from app.render.scheduling.effort import COMPLETE
from app.render.studio import Pixels, Studio
from engine.fields.baking import FieldVolume
from tests.support.worlds import fields
from tests.support.worlds.blocks import fine_volume

BLACK, WHITE = (fields.even_volume("projective", density=30.0, colour=colour) for colour in (-6.0, 6.0))
AT = fields.camera((80, 60))


def drawn(studio: Studio, picture: NovelPicture, bands: int = 1) -> Pixels:
    for _ in studio.march("novel", picture, COMPLETE, bands):
        pass
    return studio.show("novel", picture)[..., :3]


def upload(studio: Studio, volume: FieldVolume, key: Hashable) -> None:
    for _ in studio.upload(volume, key):
        pass


@pytest.fixture
def two(studio: Studio) -> Iterator[Studio]:
    upload(studio, fields.volume_of(fields.grid(fields.PROJECTIVE, tinted=True)), "left")
    upload(studio, fields.volume_of(fields.grid(fields.BOX, proposals=True)), "right")
    yield studio
    for key in ("left", "right"):
        studio.forget_volume(key)


def test_each_field_is_what_it_is_alone_on_its_side_of_the_line(two: Studio) -> None:
    other = fields.camera((80, 60), step=(0.1, 0.0, 0.0))
    left, right = drawn(two, NovelPicture(AT, volume="left")), drawn(two, NovelPicture(other, volume="right"))
    both = drawn(two, NovelPicture(AT, volume="left", second=SecondField(other, "right", 0.4)), bands=3)
    np.testing.assert_allclose(both[:, :31], left[:, :31], atol=1e-6)
    np.testing.assert_allclose(both[:, 33:], right[:, 33:], atol=1e-6)
    assert np.abs(left - right).max() > 0.1


def test_side_by_side_each_has_all_that_its_camera_sees(two: Studio) -> None:
    other = fields.camera((80, 60), step=(0.1, 0.0, 0.0))
    left, right = drawn(two, NovelPicture(AT, volume="left")), drawn(two, NovelPicture(other, volume="right"))
    second = SecondField(widen_camera(other, 1), "right", 0.5, apart=True)
    both = drawn(two, NovelPicture(widen_camera(AT, 0), volume="left", second=second))
    assert both.shape[:2] == (60, 160)
    np.testing.assert_allclose(both[:, :79], left[:, :79], atol=1e-4)
    np.testing.assert_allclose(both[:, 81:], right[:, 1:], atol=1e-4)


def test_depths_have_the_colours_of_each_one_s_own_scale(studio: Studio) -> None:
    for key in ("left", "right"):
        upload(studio, fields.even_volume("box", 30.0), key)
    second = SecondField(AT, "right", 0.5, depth_range=(1.0, 4.0))
    picture = NovelPicture(AT, "depth", depth_range=(1.0, 8.0), volume="left", second=second)
    both, one = drawn(studio, picture), drawn(studio, replace(picture, second=None))
    np.testing.assert_allclose(both[:, :38], one[:, :38], atol=1e-6)
    assert np.abs(both[30, 45] - one[30, 45]).max() > 0.05
    for key in ("left", "right"):
        studio.forget_volume(key)


def test_differences_are_those_to_the_photo_in_both_halves(two: Studio) -> None:
    left = drawn(two, NovelPicture(AT, volume="left"))
    photo = Photo("as rendered", (255 * left + 0.5).astype(np.uint8))
    second = SecondField(widen_camera(AT, 1), "left", 0.5, apart=True)
    shown = drawn(two, NovelPicture(widen_camera(AT, 0), "residual", photo, volume="left", second=second))
    same = drawn(two, NovelPicture(AT, "residual", photo, volume="left"))
    np.testing.assert_allclose(shown[2:-2, 2:77], same[2:-2, 2:77], atol=0.05)
    np.testing.assert_allclose(shown[2:-2, 83:-2], same[2:-2, 3:-2], atol=0.05)


class TestInTheThread:
    @pytest.fixture
    def renderer(self) -> Iterator[Renderer]:
        made = Renderer()
        made.start()
        yield made
        made.close()
        assert made.error is None

    def wait(self, renderer: Renderer, picture: NovelPicture, left: float, right: float) -> Drawn:
        """Until the two halves are so bright."""
        ends = time.monotonic() + 60.0
        while time.monotonic() < ends:
            renderer.request("novel", picture)
            found = renderer.latest("novel")
            if found is not None and found.picture is picture:
                halves = found.pixels[30, 20, :3].mean(), found.pixels[30, 60, :3].mean()
                if abs(halves[0] - left) < 0.1 and abs(halves[1] - right) < 0.1:
                    return found
            time.sleep(0.01)
        raise AssertionError("never drawn so")

    def test_volumes_come_go_and_change_places_on_their_own(self, renderer: Renderer) -> None:
        picture = NovelPicture(AT, volume=1, second=SecondField(AT, 2, 0.5))
        renderer.set_volumes({1: BLACK})
        self.wait(renderer, picture, left=0.0, right=0.08)
        renderer.set_volumes({1: BLACK, 2: WHITE})
        self.wait(renderer, picture, left=0.0, right=1.0)
        changed = NovelPicture(AT, volume=2, second=SecondField(AT, 1, 0.5))
        renderer.set_volumes({2: WHITE, 1: BLACK})
        self.wait(renderer, changed, left=1.0, right=0.0)
        alone = NovelPicture(AT, volume=2)
        renderer.request("novel", alone)
        renderer.set_volumes({2: WHITE})
        self.wait(renderer, alone, left=1.0, right=1.0)
        renderer.set_volumes({3: None})
        self.wait(renderer, NovelPicture(AT, volume=3), left=0.08, right=0.08)


def test_where_two_take_too_much_the_second_is_drawn_without_its_detail(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    field = fields.grid(fields.BOX)
    volume = replace(fields.volume_of(field), detail=fine_volume(field.grid.voxels))
    wanted = {1: volume, 2: replace(volume, version=2)}
    assert choose_most_bytes(1, wanted) is None
    monkeypatch.setattr(volume_textures, "MEMORY", replace(MEMORY, most_bytes=1000))
    most = choose_most_bytes(2, wanted)
    for key in wanted:
        for _ in studio.upload(wanted[key], key, choose_most_bytes(key, wanted)):
            pass
        assert ("finest detail" in (studio.problem or "")) == (key == 2)
    assert most is not None
    assert most < 1000
    for key in wanted:
        studio.forget_volume(key)
