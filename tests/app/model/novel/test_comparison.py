"""Two contestants in one picture: seen from the same place, whatever worlds they live in."""

from __future__ import annotations

import numpy as np

from app.model.cameras.drawn_reference import move_points
from app.model.common.pictures import NovelPicture
from app.model.novel.comparison import Comparison, measure_view
from app.model.state.state import State
from engine.geometry.view_camera import ViewCamera, centres, look_along, pinhole
from tests.app.model.novel.conftest import WORLD, poses
from tests.support.runs.history_rows import snapshot

SIZE = (120, 80)


def view(state: State, size: tuple[int, int] = SIZE) -> NovelPicture:
    """The picture of the run that is shown."""
    at = look_along(np.array([0.5, 0.2, -1.0]), np.array([0, 0.1, 1.0]), np.array([0, -1.0, 0]))
    assert state.run is not None
    return NovelPicture(pinhole(at, 0.8, measure_view(state, size)), depth_range=(1.0, 8.0), volume=state.run.key)


def see(camera: ViewCamera, point: np.ndarray) -> np.ndarray:
    """Where a point of the world lies in a picture, pixels."""
    x, y, z = camera.world_to_camera @ np.append(point, 1.0)
    return np.array([camera.centre[0] + camera.focal[0] * x / z, camera.centre[1] + camera.focal[1] * y / z])


def test_both_are_seen_from_the_same_place(state: State) -> None:
    picture = view(state)
    both = Comparison().combine(state, picture, now=0.0)
    assert both.second is not None
    assert (both.volume, both.second.volume) == tuple(run.key for run in state.runs)
    np.testing.assert_array_equal(both.camera.world_to_camera, picture.camera.world_to_camera)
    point = np.array([0.7, 0.4, 3.0])
    there = see(both.second.camera, move_points(point[None], WORLD)[0])
    np.testing.assert_allclose(there, see(picture.camera, point), atol=1e-2)
    np.testing.assert_allclose(both.second.depth_range, (1.7, 8 * 1.7), rtol=1e-4)


def test_the_first_contestant_stays_left_whichever_is_shown(state: State) -> None:
    state.show(1)
    assert (state.active, state.race.beside) == (1, 0)
    both = Comparison().combine(state, view(state), now=0.0)
    assert both.second is not None
    assert (both.volume, both.second.volume) == tuple(run.key for run in state.runs)
    np.testing.assert_allclose(both.depth_range, (1 / 1.7, 8 / 1.7), rtol=1e-4)


def test_side_by_side_each_has_a_half(state: State) -> None:
    state.race.apart = True
    both = Comparison().combine(state, view(state, (121, 80)), now=0.0)
    assert both.second is not None
    assert both.camera.size == both.second.camera.size == (120, 80)
    assert (both.second.begins, both.second.apart) == (0.5, True)
    point = np.array([0.6, 0.3, 3.0])
    left = see(both.camera, point)
    right = see(both.second.camera, move_points(point[None], WORLD)[0])
    np.testing.assert_allclose(right - left, (60, 0), atol=1e-2)


def test_while_a_frame_is_followed_each_is_seen_from_its_own_pose(state: State) -> None:
    state.novel.mode, state.selected = "follow", 2
    both = Comparison().combine(state, view(state), now=0.0)
    assert both.second is not None
    other = state.runs[1].snapshot
    assert other is not None
    np.testing.assert_allclose(centres(both.second.camera.world_to_camera[None]), centres(other.poses[2:3]), atol=1e-5)


def test_the_alignment_is_kept_for_a_while(state: State) -> None:
    made = Comparison()
    first = made.combine(state, view(state), now=0.0)
    state.runs[1].snapshot = snapshot(21, poses=poses())
    assert first.second is not None
    kept, renewed = (made.combine(state, view(state), now=now).second for now in (0.2, 1.0))
    assert kept is not None
    assert renewed is not None
    np.testing.assert_array_equal(kept.camera.world_to_camera, first.second.camera.world_to_camera)
    np.testing.assert_allclose(renewed.camera.world_to_camera, view(state).camera.world_to_camera, atol=1e-4)


def test_alone_the_picture_stays_as_it_is(state: State) -> None:
    picture = view(state)
    for place in (None, 0, 5):
        state.race.beside = place
        assert Comparison().combine(state, picture, now=0.0) is picture
    state.race.beside = 1
    state.runs[1].snapshot = None
    assert Comparison().combine(state, picture, now=0.0) is picture
    state.race.end()
    assert state.beside is None
