"""Two pictures that would look the same are the same."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from app.model.common.pictures import CameraSet, CamerasPicture, NovelPicture, Photo
from app.render.scheduling.sameness import estimate_shift, is_same, is_same_march
from tests.support.worlds import fields

PIXELS = np.zeros((4, 4, 3), np.uint8)


def cameras(**changes: object) -> CamerasPicture:
    poses = CameraSet(np.zeros((2, 3, 4), np.float32), np.ones((2, 4), np.float32))
    return CamerasPicture(
        **({"camera": fields.camera(), "fitted": poses, "image_plane": (1, 1), "frustum_depth": 1} | changes)
    )  # type: ignore[arg-type]


def test_equal_arrays_are_the_same_and_others_are_not() -> None:
    assert is_same(NovelPicture(fields.camera()), NovelPicture(fields.camera()))
    assert not is_same(NovelPicture(fields.camera()), NovelPicture(fields.camera(turn=0.1)))
    assert is_same(cameras(), cameras())
    assert not is_same(cameras(), cameras(selected=1))
    assert not is_same(cameras(), NovelPicture(fields.camera()))


def test_photos_are_known_by_their_keys() -> None:
    one, other = (NovelPicture(fields.camera(), photo=Photo(key, PIXELS + index)) for index, key in enumerate("aa"))
    assert is_same(one, other)
    assert not is_same(one, replace(other, photo=Photo("b", PIXELS)))
    assert not is_same(one, replace(other, photo=None))


def test_only_what_changes_the_volumes_look_needs_a_march() -> None:
    picture = NovelPicture(fields.camera())
    assert is_same_march(picture, replace(picture, channel="depth", wipe=0.5, moving=True))
    assert not is_same_march(picture, NovelPicture(fields.camera((10, 10))))
    assert is_same_march(cameras(), cameras(selected=1, links=False))
    assert not is_same_march(cameras(), cameras(volume_opacity=0.5))


def test_a_shift_is_in_pixels() -> None:
    camera = fields.camera((100, 80))
    assert estimate_shift(camera, camera) == pytest.approx(0, abs=0.1)
    assert estimate_shift(camera, fields.camera((100, 81))) == math.inf
    turned = fields.camera((100, 80), turn=0.18)
    assert estimate_shift(camera, turned) == pytest.approx(0.1 * camera.focal[0], rel=0.15)
    pose = camera.world_to_camera.copy()
    pose[0, 3] += 0.5
    assert estimate_shift(camera, replace(camera, world_to_camera=pose)) == pytest.approx(
        0.5 * camera.focal[0], rel=0.01
    )
