"""Photos that were cropped off their middle, or zoomed, have lenses of their own; others share one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from jaxtyping import Float

from engine.geometry.pose_errors import pose_errors
from engine.sfm.quick.lenses.own_lenses import PhotoGroups, PhotoLenses
from engine.sfm.quick.lenses.photo_lenses import adjust_photo_lenses, find_photo_lenses
from engine.sfm.quick.mapping import SmallModel, map_photos
from tests.engine.sfm.quick.matched_points import FOCAL, SIZE, MatchedPoints, camera, match_points

PHOTOS = 8
GROUPS = PhotoGroups.of_cameras([0] * PHOTOS)
OFFSETS = np.random.default_rng(1).uniform(-1, 1, (PHOTOS, 2)) * [70, 50]


def map_points(folder: Path, found: MatchedPoints) -> SmallModel:
    *_, model = map_photos(found.write(folder), [camera()], [0] * PHOTOS, found.pairs)
    assert isinstance(model, SmallModel)
    order = np.argsort(model.point, kind="stable")
    return replace(model, **{name: getattr(model, name)[order] for name in ("photo", "feature", "point", "pixels")})


def find_errors(model: SmallModel, found: MatchedPoints) -> Float[np.ndarray, " photos"]:
    """Rotation errors of the registered photos, degrees."""
    known = np.isfinite(model.poses[:, 0, 0])
    assert known.sum() >= 6
    errors = pose_errors(torch.from_numpy(model.poses[known]), torch.from_numpy(found.poses[known]))
    return errors.rotation_deg.numpy()


def test_cropped_photos_have_principal_points_of_their_own(tmp_path: Path) -> None:
    found = match_points(PHOTOS, 300, turned=0.25, noise=0.2, offsets=OFFSETS)
    model = map_points(tmp_path, found)
    assert find_errors(model, found).mean() > 2
    (own,) = find_photo_lenses(model, GROUPS)
    assert own is not None
    assert own.own is not None
    assert (own.own.cropped, own.own.zoomed, own.own.certain) == (True, False, True)
    registered = np.isfinite(own.own.focal)
    off = own.own.centre - np.array(SIZE) / 2 - OFFSETS
    assert np.abs(off[registered]).max() < 15
    assert len(set(own.own.focal[registered])) == 1
    assert find_errors(own, found).mean() < 0.4
    (again,) = adjust_photo_lenses(own, GROUPS)
    assert find_errors(again, found).mean() < 0.4


def test_zoomed_photos_have_focal_lengths_of_their_own(tmp_path: Path) -> None:
    zooms = np.array([1.0, 1.3, 1.1, 1.0, 1.4, 1.2, 1.0, 1.15])
    found = match_points(PHOTOS, 300, turned=0.25, noise=0.2, zooms=zooms)
    (own,) = find_photo_lenses(map_points(tmp_path, found), GROUPS)
    assert own is not None
    assert own.own is not None
    assert (own.own.cropped, own.own.zoomed) == (False, True)
    registered = np.isfinite(own.own.focal)
    assert own.own.focal[registered] == pytest.approx((FOCAL * zooms)[registered], rel=0.03)
    np.testing.assert_array_equal(
        own.own.centre[registered], np.broadcast_to(np.array(SIZE) / 2, (PHOTOS, 2))[registered]
    )
    assert find_errors(own, found).mean() < 0.4


@pytest.mark.parametrize("radial", [0.0, -0.05])
def test_photos_that_share_a_lens_keep_it(tmp_path: Path, radial: float) -> None:
    found = match_points(PHOTOS, 300, turned=0.25, noise=0.3, radial=radial, offsets=np.full((PHOTOS, 2), 8.0))
    assert list(find_photo_lenses(map_points(tmp_path, found), GROUPS)) == [None]


def test_of_a_wall_matches_do_not_tell_the_lenses_and_cameras_stay_as_they_were(tmp_path: Path) -> None:
    found = match_points(PHOTOS, 300, turned=0.25, noise=0.2, offsets=OFFSETS, flat=True)
    model = map_points(tmp_path, found)
    (own,) = find_photo_lenses(model, GROUPS)
    assert own is not None
    assert own.own is not None
    assert not own.own.certain
    np.testing.assert_array_equal(own.poses, model.poses)


def test_own_lenses_follow_the_size_and_the_choice_of_photos() -> None:
    own = PhotoLenses(np.array([500.0, np.nan, 520.0]), np.zeros(3), np.array([[1.0, 2], [3, 4], [5, 6]]), True, False)
    chosen = own.scaled(np.array([2.0, 1.0, 3.0])).select(np.array([0, 2]))
    np.testing.assert_array_equal(chosen.focal, [1000, 1560])
    np.testing.assert_array_equal(chosen.centre, [[2, 4], [15, 18]])
