"""Cameras and points of a scene that is being opened, and how the run takes their place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.model.cameras.drawn_reference import move_points, move_poses
from app.model.cameras.opening_view import (
    GrowingModel,
    OpeningView,
    blend_orbits,
    carry_points,
    carry_view,
    frame_model,
    place_growing_model,
)
from app.model.cameras.scene_scale import level_direction
from app.model.common.orbit import OrbitCamera
from app.model.common.view_rays import transform_to_view
from app.model.state.opening import Opening
from app.model.state.state import Layers
from engine.geometry.view_camera import ViewCamera, centres
from engine.sfm.events import Mapped
from tests.app.model.cameras.test_colmap_alignment import random_gauge
from tests.app.model.state.test_opening import PHOTOS, read, taken
from tests.support.runs.sfm_events import SIZE, mapped, whole_run

VIEW = (640, 400)


def elsewhere(model: Mapped, seed: int) -> Mapped:
    """The same model in another world."""
    gauge = random_gauge(seed)
    poses = move_poses(model.poses, gauge).astype(np.float64)
    return replace(model, poses=poses, points=move_points(model.points, gauge))


def places_in_picture(camera: ViewCamera, points: np.ndarray) -> np.ndarray:
    x, y, z = transform_to_view(camera, points).T
    return np.stack([x / z * camera.focal[0] + camera.centre[0], y / z * camera.focal[1] + camera.centre[1]], axis=1)


@given(seed=st.integers(0, 1000))
def test_a_growing_model_stays_where_it_is_whatever_world_colmap_gives_it(seed: int) -> None:
    first = place_growing_model(mapped(PHOTOS, 3), SIZE, None)
    second = place_growing_model(elsewhere(mapped(PHOTOS, 4), seed), SIZE, first)
    unit = np.linalg.norm(np.ptp(centres(first.poses[:3]), axis=0))
    assert np.allclose(centres(second.poses[:3]), centres(first.poses[:3]), atol=2e-3 * unit)
    assert second.newest == 3
    assert not np.isfinite(second.poses[4:]).any()


def test_all_cameras_and_the_points_are_in_view() -> None:
    model = place_growing_model(mapped(PHOTOS, PHOTOS), SIZE, None)
    camera = frame_model(model, VIEW).view(VIEW)
    seen = places_in_picture(camera, np.concatenate([centres(model.poses), model.scale.landmarks]))
    assert (seen > 0).all()
    assert (seen < VIEW).all()
    assert np.ptp(seen, axis=0).max() > 0.5 * min(VIEW), "and they fill it"


def test_the_view_follows_the_model_in_small_steps_until_it_is_moved() -> None:
    view, opening = OpeningView(), taken(read(), *whole_run(PHOTOS)[:-4])
    assert view.see(opening) is not None
    first = view.follow(OrbitCamera(), VIEW, 0.0)
    opening.tell(elsewhere(mapped(PHOTOS, PHOTOS, seed=3), 5))
    opening.refresh()
    before = view.see(opening)
    orbit, moves = first, []
    for step in range(1, 60):
        after = view.follow(orbit, VIEW, step / 30)
        moves.append(float(np.linalg.norm(after.position - orbit.position)) / after.distance)
        orbit = after
    assert before is not None
    assert orbit == frame_model(before, VIEW)
    assert max(moves) < 0.25
    moved = orbit.turned(0.3, 0.0)
    assert view.follow(moved, VIEW, 3.0) is moved
    assert view.follow(moved, VIEW, 4.0) is moved


def test_the_picture_has_the_cameras_found_so_far_with_their_photos_and_points() -> None:
    view = OpeningView()
    assert view.picture(taken(read()), OrbitCamera(), VIEW, Layers(), 1.0) is None
    opening = taken(read(), *whole_run(PHOTOS, registered=4))
    picture = view.picture(opening, OrbitCamera(), VIEW, Layers(), 1.0)
    assert picture is not None
    assert np.isfinite(picture.fitted.poses).all(axis=(1, 2)).tolist() == [True] * 4 + [False] * 2
    assert picture.thumbnails is not None
    assert len(picture.thumbnails.pixels) == PHOTOS
    assert picture.points is not None
    assert len(picture.points.places) > 100
    assert picture.image_plane == (SIZE[0] / 80, SIZE[1] / 80)  # a focal length of 40 pixels
    assert view.picture(opening, OrbitCamera(), VIEW, Layers(), 1.0).fitted is picture.fitted  # type: ignore[union-attr]


@given(seed=st.integers(0, 1000))
def test_the_run_takes_over_where_the_cameras_were_seen(seed: int) -> None:
    model = place_growing_model(mapped(PHOTOS, PHOTOS), SIZE, None)
    gauge = random_gauge(seed)
    found = move_poses(model.poses, gauge)
    orbit = frame_model(model, VIEW)
    up = gauge.turn @ np.array(orbit.up)
    ahead = level_direction(gauge.turn @ np.array([0.3, 0.1, 1.0]), up)
    carried = carry_view(orbit, model.poses, found, tuple(up.tolist()), tuple(ahead.tolist()))
    assert carried is not None
    before = places_in_picture(orbit.view(VIEW), centres(model.poses))
    after = places_in_picture(carried.view(VIEW), centres(found))
    assert np.allclose(before, after, atol=0.5)
    points = carry_points(model, found)
    assert points is not None
    before = places_in_picture(orbit.view(VIEW), model.points.places)
    assert np.allclose(before, places_in_picture(carried.view(VIEW), points.places), atol=0.5)


def test_a_run_that_starts_from_the_identity_has_a_view_of_its_own() -> None:
    model: GrowingModel = place_growing_model(mapped(PHOTOS, PHOTOS), SIZE, None)
    same = np.tile(np.eye(3, 4), (PHOTOS, 1, 1))
    assert carry_view(OrbitCamera(), model.poses, same, (0.0, -1.0, 0.0), (0.0, 0.0, 1.0)) is None
    assert carry_points(model, same) is None


def test_blended_views_begin_and_end_where_they_should() -> None:
    one, other = OrbitCamera(), OrbitCamera((1.0, 2.0, 0.5), 2.0, 0.4, 0.1, (0.0, 0.0, 1.0), (0.0, 1.0, 0.0))
    assert np.allclose(blend_orbits(one, other, 0.0).pose, one.pose, atol=1e-6)
    assert blend_orbits(one, other, 1.0) is other
    between = blend_orbits(one, other, 0.5)
    assert abs(np.dot(between.up, between.ahead)) < 1e-9


def test_an_opening_without_cameras_has_no_model() -> None:
    assert OpeningView().see(Opening()) is None
