"""Adjustment of a model to keypoints, some of which are wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.geometry.pose_errors import pose_errors
from engine.sfm.quick.mapping import SmallModel, map_photos
from engine.sfm.quick.refinement import adjust_model
from tests.engine.sfm.quick.matched_points import FOCAL, MatchedPoints, camera, match_points


def map_points(folder: Path, found: MatchedPoints) -> SmallModel:
    *_, model = map_photos(found.write(folder), [camera()], [0] * len(found.features), found.pairs)
    assert isinstance(model, SmallModel)
    order = np.argsort(model.point, kind="stable")
    return replace(model, **{name: getattr(model, name)[order] for name in ("photo", "feature", "point", "pixels")})


def largest_error(model: SmallModel, found: MatchedPoints) -> float:
    known = np.isfinite(model.poses[:, 0, 0])
    errors = pose_errors(torch.from_numpy(model.poses[known]), torch.from_numpy(found.poses[known]))
    return float(errors.rotation_deg.max())


def test_exact_keypoints_give_exact_cameras_and_wrong_ones_among_them_do_no_harm(tmp_path: Path) -> None:
    found = match_points(8, 250, turned=0.25, noise=0.3)
    exact = match_points(8, 250, turned=0.25, noise=0.0)
    model = map_points(tmp_path, found)
    place = [{point: number for number, point in enumerate(row)} for row in exact.seen]
    pixels = model.pixels.copy()
    for index, (photo, feature) in enumerate(zip(model.photo, model.feature, strict=True)):
        point = found.seen[photo][feature]
        if point in place[photo]:
            pixels[index] = exact.features[photo].points[place[photo][point]]
    wrong = np.random.default_rng(0).random(len(pixels)) < 0.05
    pixels[wrong] += np.random.default_rng(1).normal(scale=4, size=(int(wrong.sum()), 2))
    (adjusted,) = adjust_model(replace(model, pixels=pixels), [0] * len(found.features))
    assert largest_error(adjusted, found) < 0.01
    assert largest_error(adjusted, found) < largest_error(model, found) / 5
    (lens,) = adjusted.lenses
    assert lens is not None
    assert lens.focal / FOCAL == pytest.approx(1, abs=5e-4)


def test_photos_without_a_pose_stay_without(tmp_path: Path) -> None:
    found = match_points(6, 200, turned=0.2)
    model = map_points(tmp_path, found)
    poses = model.poses.copy()
    poses[5] = np.nan
    kept = model.photo != 5
    part = replace(model, poses=poses, **{n: getattr(model, n)[kept] for n in ("photo", "feature", "point", "pixels")})
    (adjusted,) = adjust_model(part, [0] * 6)
    assert np.isnan(adjusted.poses[5]).all()
    assert np.isfinite(adjusted.poses[:5]).all()
    assert adjusted.points.shape == model.points.shape
