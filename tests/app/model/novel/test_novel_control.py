"""The novel view's camera: where it starts, and that no way of moving makes it jump."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from app.model.novel.novel_control import NovelControl, change_mode, find_depth_range, make_orbit, make_orbit_from_pose
from app.model.state.state import NovelView
from engine.geometry.view_camera import centres, look_along
from tests.support.runs.fake_trainer import tiny_scene

UP = np.array([0.0, -1.0, 0.0])


def cameras(count: int = 5) -> np.ndarray:
    """A row of cameras that look ahead."""
    places = np.stack([np.linspace(-1, 1, count), np.zeros(count), np.zeros(count)], axis=1)
    return np.stack([look_along(place, np.array([0.0, 0.0, 1.0]), UP) for place in places])


def placed() -> tuple[NovelControl, NovelView]:
    control, view = NovelControl(), NovelView()
    control.place(view, tiny_scene(5), SimpleNamespace(poses=cameras(5)))  # type: ignore[arg-type]
    return control, view


def test_a_forward_facing_scene_is_first_seen_from_the_middle_of_its_cameras() -> None:
    _, view = placed()
    np.testing.assert_allclose(view.orbit.position, [0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(view.orbit.direction, [0, 0, 1], atol=1e-6)
    assert view.framed
    np.testing.assert_allclose(view.fly.pose, view.orbit.pose, atol=1e-6)


def test_an_unbounded_scene_is_first_seen_from_a_camera_towards_its_near_part() -> None:
    control, view, poses = NovelControl(), NovelView(), cameras(5)
    scene = replace(tiny_scene(5), kind="unbounded", box_centre=(0.3, 0.2, 4.0), box_half_extent=1.5)
    control.place(view, scene, SimpleNamespace(poses=poses))  # type: ignore[arg-type]
    np.testing.assert_allclose(view.orbit.position, centres(poses)[0], atol=1e-5)
    np.testing.assert_allclose(view.orbit.target, scene.box_centre, atol=1e-6)
    near, far = find_depth_range(scene)
    assert 0 < near < far < math.inf


@pytest.mark.parametrize("position", [(3.0, -1.0, 2.0), (0.0, 4.0, -1.0), (0.0, -5.0, 0.0)])
def test_an_orbit_stands_where_it_was_put_and_looks_at_its_target(position: tuple[float, float, float]) -> None:
    orbit = make_orbit(np.array(position), np.zeros(3), UP, 0.8)
    np.testing.assert_allclose(orbit.position, position, atol=1e-6)
    seen = orbit.pose @ np.array([0, 0, 0, 1.0])
    np.testing.assert_allclose(seen[:2], 0, atol=1e-5)
    assert seen[2] == pytest.approx(np.linalg.norm(position), rel=1e-5)


def test_changing_the_mode_leaves_the_view_where_it_is() -> None:
    control, view = placed()
    control.turn(view, 40.0, 25.0, 400, now=0.0)
    before = view.orbit.pose
    change_mode(view, "fly")
    np.testing.assert_allclose(view.fly.pose, before, atol=1e-6)
    control.fly(view, ["W", "D"], 0.5, now=0.0)
    flown = view.fly.pose
    assert np.abs(flown - before).max() > 0.01
    change_mode(view, "orbit")
    np.testing.assert_allclose(view.orbit.pose, flown, atol=1e-5)


def test_keys_fly_along_the_cameras_own_axes() -> None:
    control, view = placed()
    change_mode(view, "fly")
    for key, axis, sign in (("W", 2, 1), ("S", 2, -1), ("D", 0, 1), ("A", 0, -1), ("Q", 1, 1), ("E", 1, -1)):
        before = centres(view.fly.pose[None])[0]
        control.fly(view, [key], 0.1, now=0.0)
        step = view.fly.pose[:, :3] @ (centres(view.fly.pose[None])[0] - before)
        assert np.sign(step[axis]) == sign
        np.testing.assert_allclose(np.delete(step, axis), 0, atol=1e-6)


def test_keys_do_nothing_while_orbiting() -> None:
    control, view = placed()
    before = view.fly.pose
    control.fly(view, ["W"], 1.0, now=0.0)
    np.testing.assert_array_equal(view.fly.pose, before)


def test_a_drag_turns_as_far_whatever_the_size_of_the_view() -> None:
    control, one = placed()
    _, other = placed()
    control.turn(one, 30.0, 0.0, 300, now=0.0)
    control.turn(other, 90.0, 0.0, 900, now=0.0)
    assert one.orbit.azimuth == pytest.approx(other.orbit.azimuth)
    assert one.orbit.azimuth != 0


def test_an_orbit_from_a_pose_keeps_the_distance() -> None:
    _, view = placed()
    pose = look_along(np.array([2.0, -1.0, 0.5]), np.array([1.0, 0.2, 1.0]), UP)
    orbit = make_orbit_from_pose(pose, view.orbit)
    assert orbit.distance == pytest.approx(view.orbit.distance)
    np.testing.assert_allclose(orbit.pose, pose, atol=1e-5)


def test_the_depth_scale_of_an_endless_scene_ends() -> None:
    near, far = find_depth_range(tiny_scene(5))
    assert near > 0
    assert math.isfinite(far)
    assert far > near
