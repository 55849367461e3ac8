"""COLMAP's model in the world of a run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.model.cameras.colmap_alignment import LIMITS, choose_points, find_gauge_of_model, place_model
from app.model.cameras.drawn_reference import Gauge, move_points, move_poses
from engine.geometry.view_camera import centres
from engine.sfm.events import Mapped
from tests.support.runs.sfm_events import cameras, mapped

FRAMES = 6
ALL = tuple(range(FRAMES))


def random_gauge(seed: int) -> Gauge:
    numbers = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(numbers.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    return Gauge(float(np.exp(numbers.uniform(-3, 3))), turn, numbers.normal(size=3))


def in_other_gauge(model: Mapped, seed: int) -> Mapped:
    gauge = random_gauge(seed)
    poses = move_poses(model.poses, gauge).astype(np.float64)
    return replace(model, poses=poses, points=move_points(model.points, gauge))


@given(seed=st.integers(0, 1000), registered=st.integers(3, FRAMES))
def test_a_model_in_any_gauge_lies_on_the_cameras_that_have_found_their_places(seed: int, registered: int) -> None:
    model, fitted = mapped(FRAMES, registered), cameras(FRAMES)
    placed = place_model(in_other_gauge(model, seed), ALL, fitted, None, near=2.0)
    assert placed is not None
    assert np.allclose(placed.cameras.poses, fitted[:registered], atol=1e-3)
    assert np.allclose(placed.points.places, model.points, atol=1e-2)


def test_before_the_cameras_move_it_stands_upright_among_them_at_the_scene_s_size() -> None:
    model = in_other_gauge(mapped(FRAMES, FRAMES), 7)
    fitted = np.tile(np.eye(3, 4), (FRAMES, 1, 1))
    placed = place_model(model, ALL, fitted, None, near=1.0)
    assert placed is not None
    assert np.allclose(placed.cameras.poses[:, :, :3], fitted[:, :, :3], atol=1e-4)
    depths = placed.points.places[:, 2]
    assert np.quantile(depths, 0.05) == pytest.approx(1.0, rel=0.1)
    assert np.ptp(centres(placed.cameras.poses)[:, 0]) > 0.2


def test_where_there_is_a_reference_it_is_laid_upon_that() -> None:
    """Its photos may be held out, and the fitted cameras may still stand in one place."""
    reference = cameras(FRAMES)
    training = (0, 2, 4, 5)
    placed = place_model(
        in_other_gauge(mapped(FRAMES, FRAMES), 3), training, reference[list(training)], reference, 1.0
    )
    assert placed is not None
    assert np.allclose(placed.cameras.poses, reference, atol=1e-3)


def test_without_a_photo_in_common_there_is_nothing_to_show() -> None:
    assert find_gauge_of_model(mapped(FRAMES, 2), (3, 4, 5), cameras(3), None, 1.0) is None


def test_its_mesh_goes_where_its_points_go() -> None:
    model = in_other_gauge(mapped(FRAMES, FRAMES), 5)
    placed = place_model(model, ALL, cameras(FRAMES), None, 2.0)
    assert placed is not None
    moved = model.points @ placed.placing[:3, :3].T + placed.placing[:3, 3]
    assert np.allclose(moved[choose_points(model.points)], placed.points.places, atol=1e-3)


def test_few_points_are_drawn_and_no_stray_ones() -> None:
    points = np.random.default_rng(0).normal(size=(3 * LIMITS.most, 3))
    points[5], points[7] = 1e6, np.nan
    chosen = choose_points(points)
    assert len(chosen) == LIMITS.most
    assert not {5, 7} & set(chosen.tolist())
    assert not len(choose_points(np.zeros((0, 3))))
