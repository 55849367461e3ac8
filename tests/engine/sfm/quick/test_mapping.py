"""Mapping of synthetic points whose cameras are known: poses, lens and its covariance."""

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.geometry.pose_errors import pose_errors
from engine.sfm.events import Mapped
from engine.sfm.quick import mapping
from engine.sfm.quick.mapping import SmallModel, map_photos
from tests.engine.sfm.quick.matched_points import FOCAL, MatchedPoints, camera, match_points


def map_points(folder: Path, found: MatchedPoints, focal: float = FOCAL) -> SmallModel | None:
    *steps, result = map_photos(found.write(folder), [camera(focal)], [0] * len(found.features), found.pairs)
    assert all(isinstance(step, Mapped) for step in steps)
    assert not isinstance(result, Mapped)
    return result


@pytest.mark.parametrize("radial", [0.0, 0.04])
def test_poses_are_found_and_a_wrong_guess_of_the_lens_is_corrected(tmp_path: Path, radial: float) -> None:
    found = match_points(8, 250, turned=0.25, radial=radial)
    model = map_points(tmp_path, found, 1.1 * FOCAL)
    assert model is not None
    known = np.isfinite(model.poses[:, 0, 0])
    assert known.sum() >= 7  # one looks past most of the points
    errors = pose_errors(torch.from_numpy(model.poses[known]), torch.from_numpy(found.poses[known]))
    assert errors.rotation_deg.max() < 0.2
    assert errors.translation.max() < 0.02
    assert 0.1 < model.error < 0.6
    (lens,) = model.lenses
    assert lens is not None
    off = np.array([np.log(lens.focal / FOCAL), lens.radial - radial])
    assert np.abs(off).max() < 0.01
    assert off @ np.linalg.solve(lens.covariance, off) < 12
    assert np.sqrt(lens.covariance[0, 0]) < 0.01


def test_observations_name_the_features_of_their_points(tmp_path: Path) -> None:
    found = match_points(5, 200, turned=0.2)
    model = map_points(tmp_path, found)
    assert model is not None
    shown = np.array([found.seen[photo][feature] for photo, feature in zip(model.photo, model.feature, strict=True)])
    for point in range(len(model.points)):
        assert len(set(shown[model.point == point])) == 1
    assert len(model.points) > 100


def test_two_cameras_have_lenses_of_their_own(tmp_path: Path) -> None:
    found = match_points(8, 250, turned=0.25)
    folder = found.write(tmp_path)
    *_, model = map_photos(folder, [camera(1.05 * FOCAL), camera(0.95 * FOCAL)], [0, 1] * 4, found.pairs)
    assert isinstance(model, SmallModel)
    assert [lens.focal / FOCAL for lens in model.lenses if lens is not None] == pytest.approx([1, 1], abs=0.01)


def test_cameras_that_never_turn_give_a_large_covariance(tmp_path: Path) -> None:
    turning = map_points(tmp_path / "turning", match_points(6, 150, turned=0.25))
    still = map_points(tmp_path / "still", match_points(6, 150, turned=0.003))
    assert turning is not None
    assert turning.lenses[0] is not None
    lens = None if still is None else still.lenses[0]
    assert lens is None or lens.covariance[0, 0] > 9 * turning.lenses[0].covariance[0, 0]


def test_without_matches_there_is_no_model(tmp_path: Path) -> None:
    found = match_points(3, 200, turned=0.25)
    assert list(map_photos(found.write(tmp_path), [camera()], [0] * 3, [])) == [None]


def test_a_focal_length_of_exif_that_is_wrong_by_a_factor_of_two_is_dismissed(tmp_path: Path) -> None:
    wrong = camera(2 * FOCAL, nominal=True)
    found = match_points(8, 250, turned=0.25, start=wrong)
    *_, model = map_photos(found.write(tmp_path), [wrong], [0] * 8, found.pairs)
    assert isinstance(model, SmallModel)
    (lens,) = model.lenses
    assert lens is not None
    assert lens.focal / FOCAL == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("misled", [True, False])
def test_a_poor_model_gives_way_to_one_from_the_guessed_focal_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, misled: bool
) -> None:
    """Two photos whose axes meet tell no focal length; a model that begins with a wrong one stays small."""
    begun = []
    whole = mapping._map_once

    def begin(folder, cameras, camera_of, pairs, *most):
        begun.append(cameras[0].nominal)
        few = misled and not cameras[0].nominal
        return whole(
            folder, cameras, camera_of, [pair for pair in pairs if max(pair.pair) < 3] if few else pairs, *most
        )

    monkeypatch.setattr(mapping, "_map_once", begin)
    found = match_points(8, 250, turned=0.25)
    model = map_points(tmp_path, found, 1.05 * FOCAL)
    assert model is not None
    assert begun == ([False, True] if misled else [False])
    assert np.isfinite(model.poses[:, 0, 0]).sum() >= 7
    (lens,) = model.lenses
    assert lens is not None
    assert lens.focal == pytest.approx(FOCAL, rel=0.01)
