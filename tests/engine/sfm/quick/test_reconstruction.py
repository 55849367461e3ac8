"""The quick reconstruction of small fern photos."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
from PIL import Image

from engine.geometry.pose_errors import pose_errors
from engine.scenes import SceneOptions, load_scene
from engine.scenes.scene import Scene
from engine.sfm import events as sfm
from engine.sfm.quick import pairs
from engine.sfm.quick.copies import CameraPrior, PhotoCopies
from engine.sfm.quick.lenses.own_lenses import PhotoLenses
from engine.sfm.quick.reconstruction import match_photos, reconstruct_quickly
from engine.sfm.quick.result import (
    QuickReconstruction,
    read_reconstruction,
    select_photos,
    turn_photos,
    write_reconstruction,
)
from engine.sfm.quick.sideways import Sideways
from engine.sfm.quick.workers import Workers
from tests.support.scenes.photos_on_disk import FERN, fern_photos

NUMBERS = (0, 3, 6, 9, 12, 15)
SIZE = (504, 378)


def copies(numbers: tuple[int, ...] = NUMBERS, focal: float = 400.0) -> PhotoCopies:
    images = [np.asarray(Image.open(fern_photos()[number]).convert("L")) for number in numbers]
    names = tuple(f"{number}.jpg" for number in numbers)
    return PhotoCopies(FERN, names, images, [CameraPrior(SIZE, focal, False)], [0] * len(names))


@pytest.fixture(scope="module")
def quick() -> tuple[QuickReconstruction, list[sfm.SfmEvent]]:
    told: list[sfm.SfmEvent] = []
    with Workers() as workers:
        return reconstruct_quickly(copies(), workers, told.append), told


def test_cameras_agree_with_the_published_ones(quick: tuple[QuickReconstruction, list[sfm.SfmEvent]]) -> None:
    found, _ = quick
    scene = load_scene(FERN.parent, SceneOptions())
    assert isinstance(scene, Scene)
    assert scene.reference_poses is not None
    assert found.registered.all()
    reference = scene.reference_poses[list(NUMBERS)]
    errors = pose_errors(torch.from_numpy(found.poses).float(), reference)
    assert errors.relative_rotation_deg.max() < 0.4
    assert errors.rotation_deg.max() < 1.0
    (lens,) = found.lenses
    assert lens is not None
    assert abs(lens.focal / 426 - 1) < 0.05
    assert 0 < found.error < 1
    assert found.matches.connected.all()
    np.testing.assert_allclose(found.matches.turned, 0, atol=0.2)


def test_points_project_onto_their_observations(quick: tuple[QuickReconstruction, list[sfm.SfmEvent]]) -> None:
    found, _ = quick
    tracks, (lens,) = found.matches.tracks, found.lenses
    assert lens is not None
    known = np.isfinite(tracks.points[tracks.track, 0])
    photo, point = tracks.photo[known], tracks.points[tracks.track[known]]
    seen = np.einsum("nij,nj->ni", found.poses[photo, :, :3], point) + found.poses[photo, :, 3]
    ideal = seen[:, :2] / seen[:, 2:]
    pixels = ideal * (1 + lens.radial * (ideal**2).sum(axis=1, keepdims=True)) * lens.focal + np.array(SIZE) / 2
    error = np.linalg.norm(pixels - tracks.pixels[known], axis=1)
    assert np.median(error) < 0.6
    assert (error < 4.5).mean() > 0.99
    assert known.sum() > 500
    assert (np.diff(tracks.track) >= 0).all()
    assert len(tracks.photo) == len(set(zip(tracks.photo.tolist(), tracks.track.tolist(), strict=True)))


def test_events_tell_of_every_stage(quick: tuple[QuickReconstruction, list[sfm.SfmEvent]]) -> None:
    found, told = quick
    assert isinstance(told[0], sfm.Started)
    features = [event for event in told if isinstance(event, sfm.FeaturesFound)]
    assert sorted(event.frame for event in features) == list(range(6))
    assert all(event.size == SIZE and (event.points <= np.array(SIZE)).all() for event in features)
    verified = [event for event in told if isinstance(event, sfm.PairVerified)]
    assert verified[-1].done == verified[-1].total == 15
    mapped = [event for event in told if isinstance(event, sfm.Mapped)]
    assert [len(event.frames) for event in mapped] == sorted(len(event.frames) for event in mapped)
    assert mapped[-1].what == "model"
    np.testing.assert_array_equal(mapped[-1].poses, found.poses)


def test_first_cameras_come_before_the_features_of_all_photos(
    quick: tuple[QuickReconstruction, list[sfm.SfmEvent]],
) -> None:
    told: list[sfm.SfmEvent] = []
    few = mock.patch.object(pairs, "OPTIONS", replace(pairs.OPTIONS, first_photos=4, first_from=6))
    with few, Workers() as workers:
        found = reconstruct_quickly(copies(), workers, told.append)
    kinds = [type(event) for event in told]
    mapped = [event for event in told if isinstance(event, sfm.Mapped)]
    assert kinds.index(sfm.Mapped) < kinds.index(sfm.PairVerified)
    assert mapped[0].frames[0] in range(4)
    assert {event.total for event in mapped} == {len(NUMBERS)}
    assert [len(event.frames) for event in mapped] == sorted(len(event.frames) for event in mapped)
    verified = [event for event in told if isinstance(event, sfm.PairVerified)]
    assert len({event.pair for event in verified}) == len(verified) == 15
    assert verified[-1].done == verified[-1].total == 15
    np.testing.assert_array_equal(found.matches.inliers, quick[0].matches.inliers)
    np.testing.assert_allclose(found.poses, quick[0].poses, atol=1e-6)


def test_a_second_time_gives_the_same(quick: tuple[QuickReconstruction, list[sfm.SfmEvent]]) -> None:
    with Workers(1) as workers:
        again = reconstruct_quickly(copies(), workers, lambda event: None)
    np.testing.assert_array_equal(again.matches.inliers, quick[0].matches.inliers)
    np.testing.assert_allclose(again.poses, quick[0].poses, atol=1e-6)


def test_an_unrelated_photo_and_one_that_is_upside_down_are_found() -> None:
    given = copies((0, 1, 2, 3, 4))
    images = list(given.images)
    images[1] = np.ascontiguousarray(images[1][::-1, ::-1])
    images[3] = np.random.default_rng(0).integers(0, 256, images[3].shape, dtype=np.uint8)
    with Workers() as workers:
        found = match_photos(
            PhotoCopies(FERN, given.names, images, given.cameras, given.camera_of), workers, lambda event: None
        )
    assert found.connected.tolist() == [True, True, True, False, True]
    np.testing.assert_allclose(np.degrees(np.abs(found.turned[[0, 1, 2, 4]])), [0, 180, 0, 0], atol=10)
    assert np.isnan(found.turned[3])
    assert 3 not in found.tracks.photo
    assert len(found.tracks.points) > 100
    assert np.isnan(found.tracks.points).all()


def test_features_are_found_only_where_they_count() -> None:
    given = copies((0, 3, 6))
    left = np.zeros(given.images[0].shape, dtype=bool)
    left[:, :250] = True
    told: list[sfm.SfmEvent] = []
    with Workers() as workers:
        masked = PhotoCopies(FERN, given.names, given.images, given.cameras, given.camera_of, [left, None, left])
        match_photos(masked, workers, told.append)
    points = {event.frame: event.points for event in told if isinstance(event, sfm.FeaturesFound)}
    assert points[0][:, 0].max() < 251
    assert points[1][:, 0].max() > 400
    assert len(points[0]) > 100


def test_a_result_is_kept_in_a_file(tmp_path: Path, quick: tuple[QuickReconstruction, list[sfm.SfmEvent]]) -> None:
    found, _ = quick
    write_reconstruction(found, tmp_path / "kept.npz")
    again = read_reconstruction(tmp_path / "kept.npz")
    np.testing.assert_array_equal(again.poses, found.poses)
    np.testing.assert_array_equal(again.matches.tracks.pixels, found.matches.tracks.pixels)
    np.testing.assert_array_equal(again.matches.tracks.photo, found.matches.tracks.photo)
    assert again.lenses[0] is not None
    assert found.lenses[0] is not None
    assert again.lenses[0].focal == found.lenses[0].focal
    assert again.error == found.error


def test_some_of_the_photos(quick: tuple[QuickReconstruction, list[sfm.SfmEvent]]) -> None:
    found, _ = quick
    some = select_photos(found, np.array([1, 4, 5]))
    np.testing.assert_array_equal(some.poses, found.poses[[1, 4, 5]])
    assert some.matches.inliers[0, 2] == found.matches.inliers[1, 5]
    tracks = some.matches.tracks
    assert set(tracks.photo.tolist()) == {0, 1, 2}
    assert np.bincount(tracks.track).min() >= 2
    assert len(tracks.points) == tracks.track.max() + 1


def test_turning_photos_turns_their_poses_and_pixels(
    quick: tuple[QuickReconstruction, list[sfm.SfmEvent]],
) -> None:
    found, _ = quick
    turned = turn_photos(found, np.array([2]), [SIZE] * len(found.poses))
    mine = found.matches.tracks.photo == 2
    np.testing.assert_allclose(
        turned.matches.tracks.pixels[mine], np.array(SIZE) - found.matches.tracks.pixels[mine], atol=1e-9
    )
    np.testing.assert_array_equal(turned.matches.tracks.pixels[~mine], found.matches.tracks.pixels[~mine])
    centre = [-pose[:, :3].T @ pose[:, 3] for pose in (found.poses[2], turned.poses[2])]
    np.testing.assert_allclose(centre[0], centre[1], atol=1e-9)
    assert np.linalg.det(turned.poses[2, :, :3]) == pytest.approx(1)
    assert abs(turned.matches.turned[2]) == pytest.approx(np.pi, abs=0.2)


def test_lenses_of_photos_are_kept_chosen_and_turned_with_them(
    tmp_path: Path, quick: tuple[QuickReconstruction, list[sfm.SfmEvent]]
) -> None:
    found, _ = quick
    centre = np.array(SIZE) / 2 + np.random.default_rng(0).uniform(-40, 40, (len(NUMBERS), 2))
    own = PhotoLenses(np.linspace(400, 450, len(NUMBERS)), np.zeros(len(NUMBERS)), centre, True, False, False)
    found = replace(found, own=own)
    write_reconstruction(found, tmp_path / "kept.npz")
    again = read_reconstruction(tmp_path / "kept.npz").own
    assert again is not None
    np.testing.assert_array_equal(again.centre, centre)
    assert (again.cropped, again.zoomed, again.certain) == (True, False, False)
    some = select_photos(found, np.array([1, 4])).own
    assert some is not None
    np.testing.assert_array_equal(some.focal, own.focal[[1, 4]])
    turned = turn_photos(found, np.array([2]), [SIZE] * len(NUMBERS)).own
    assert turned is not None
    np.testing.assert_allclose(turned.centre[2], np.array(SIZE) - centre[2])
    np.testing.assert_array_equal(turned.centre[3], centre[3])


def test_principal_points_of_photos_held_sideways_are_those_of_the_photos_as_they_are() -> None:
    wide, upright = np.zeros((30, 40), dtype=np.uint8), np.zeros((40, 30), dtype=np.uint8)
    sideways = Sideways(PhotoCopies(FERN, ("a", "b"), [wide, upright], [CameraPrior((40, 30), 30.0, False)], [0, 0]))
    own = PhotoLenses(np.full(2, 30.0), np.zeros(2), np.array([[25.0, 11.0], [25.0, 11.0]]), True, False)
    back = sideways.turn_lenses_back(own).centre
    np.testing.assert_allclose(back, [[25, 11], [11, 15]])  # x of the turned photo is 40 rows less the row


def test_photos_of_several_sizes_without_exif_may_be_crops_of_one_camera() -> None:
    images = [np.zeros(shape, dtype=np.uint8) for shape in ((600, 800), (450, 600), (500, 1000))]
    cameras = [CameraPrior((800, 600), 600.0, False), CameraPrior((600, 450), 450.0, False)]
    exif = CameraPrior((2000, 1000), 1400.0, True)
    given = PhotoCopies(FERN, ("a", "b", "c"), images, [*cameras, exif], [0, 1, 2])
    tried = given.shrink_cropped()
    assert tried is not None
    assert [(camera.focal, camera.nominal) for camera in tried] == [(600, True), (600, True), (700, True)]
    groups = given.group_photos()
    assert groups.group_of[0] == groups.group_of[1] != groups.group_of[2]
    np.testing.assert_allclose(groups.unit, [1, 1, 2])
    alike = replace(given, cameras=[cameras[0], exif], camera_of=[0, 0, 1])
    assert alike.shrink_cropped() is None
