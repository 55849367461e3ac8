"""The mouse in the 3D view, and the commands that it sends."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.model.cameras.cameras_control import GESTURES, CamerasControl, Pointer, zoom_orbit_at
from app.model.cameras.frame_note import describe_frame
from app.model.cameras.gizmo import make_arrow
from app.model.cameras.nudges import Nudges
from app.model.cameras.picking import find_screen_place
from app.model.cameras.pictures_of_run import CamerasPictures
from app.model.common.orbit import OrbitCamera
from app.model.common.pictures import CamerasPicture
from app.model.common.view_rays import project_to_screen, transform_to_view
from app.model.state.state import State
from engine.geometry.view_camera import centres
from engine.messages import Command, PerturbPose
from tests.support.runs.registered_scene import forward_facing, state_of

SIZE = (800, 600)


@pytest.fixture
def scene() -> tuple[State, list[Command], CamerasPicture]:
    """A run whose cameras stand apart, seen from behind, with the gizmo on frame 1."""
    state, sent = state_of(forward_facing(), share=1.0)
    state.cameras.orbit = OrbitCamera((0.0, 0.0, 0.0), 2.0, 0.3, 0.3)
    state.selected, state.cameras.layers.gizmo = 1, True
    picture = CamerasPictures().picture(state, SIZE)
    assert picture is not None
    return state, sent, picture


def pointer(x: float, y: float) -> Pointer:
    return Pointer(x, y, SIZE)


def over(picture: CamerasPicture, frame: int) -> Pointer:
    place = find_screen_place(picture, frame)
    assert place is not None
    return pointer(*place)


def on_arrow(picture: CamerasPicture, part: str, share: float = 0.6) -> Pointer:
    assert picture.gizmo is not None
    foot, tip = make_arrow(picture.gizmo, part)  # type: ignore[arg-type]
    x, y = project_to_screen(picture.camera, transform_to_view(picture.camera, foot + share * (tip - foot)))
    return pointer(float(x), float(y))


def test_a_click_selects_and_a_double_click_looks_through_the_frame(
    scene: tuple[State, list[Command], CamerasPicture],
) -> None:
    state, _, picture = scene
    control = CamerasControl()
    assert control.click(state, picture, over(picture, 4)) == 4
    assert (state.selected, state.novel.mode) == (4, "orbit")
    assert control.click(state, picture, pointer(1, 1)) is None
    assert state.selected == 4
    control.double_click(state, picture, over(picture, 2))
    assert (state.selected, state.novel.mode) == (2, "follow")


def test_hovering_names_the_frame_or_the_part(scene: tuple[State, list[Command], CamerasPicture]) -> None:
    state, _, picture = scene
    control = CamerasControl()
    control.hover(state, picture, over(picture, 5))
    assert control.hovered_frame == 5
    moment = CamerasPictures().moment(state)
    note = describe_frame(state.run, moment, 5)
    assert "photo_5.png" in note
    assert "°" in note
    assert describe_frame(state.run, moment, 99) == describe_frame(None, moment, 0) == ""
    control.hover(state, picture, on_arrow(picture, "move y"))
    assert (control.hovered_frame, state.cameras.hovered_part) == (None, "move y")
    control.hover(state, picture, None)
    assert (control.hovered_frame, state.cameras.hovered_part) == (None, None)


def test_a_drag_of_the_gizmo_is_seen_at_once_and_reaches_the_engine_in_few_pieces(
    scene: tuple[State, list[Command], CamerasPicture],
) -> None:
    state, sent, picture = scene
    control, start = CamerasControl(), on_arrow(picture, "move x")
    assert control.press(state, picture, start)
    before = centres(picture.fitted.poses)[1]
    now, previous = 0.0, 0.0
    for step in range(1, 31):  # a second of a hand at 30 Hz
        now = step / 30
        control.pull(state, picture, pointer(start.x + 3 * step, start.y), now)
        shown = control.preview(now)
        assert shown is not None
        assert shown.frame == 1
        went = float(centres(shown.pose[None])[0] @ picture.fitted.poses[1, 0, :3]) - before[0]
        assert went > previous
        previous = went
    assert 7 <= len(sent) <= 11
    control.release(state, now)
    kicks = [command for command in sent if isinstance(command, PerturbPose)]
    assert all(kick.frame == 1 and kick.rotation == (0, 0, 0) for kick in kicks)
    assert len({kick.gesture for kick in kicks}) == 1
    assert -sum(kick.translation[0] for kick in kicks) == pytest.approx(previous, rel=1e-3)
    assert control.preview(now + 0.5 * GESTURES.confirmed) is not None
    assert control.preview(now + 2 * GESTURES.confirmed) is None
    assert not control.dragging


def test_while_paused_a_drag_is_one_kick(scene: tuple[State, list[Command], CamerasPicture]) -> None:
    """Nothing trains in between, so only the whole motion is sent."""
    state, sent, picture = scene
    assert state.run is not None
    assert state.run.snapshot is not None
    state.run.snapshot = dataclasses.replace(state.run.snapshot, status="paused")
    control, start = CamerasControl(), on_arrow(picture, "move x")
    control.press(state, picture, start)
    for step in range(1, 31):
        control.pull(state, picture, pointer(start.x + 3 * step, start.y), step / 30)
    assert sent == []
    control.release(state, 1.0)
    assert len(sent) == 1


def test_a_press_without_a_motion_kicks_nothing(scene: tuple[State, list[Command], CamerasPicture]) -> None:
    state, sent, picture = scene
    control, start = CamerasControl(), on_arrow(picture, "move x")
    control.press(state, picture, start)
    control.pull(state, picture, start, 1.0)
    control.release(state, 2.0)
    assert sent == []


def test_a_press_beside_the_gizmo_begins_no_drag(scene: tuple[State, list[Command], CamerasPicture]) -> None:
    state, sent, picture = scene
    control = CamerasControl()
    assert not control.press(state, picture, pointer(2, 2))
    control.pull(state, picture, pointer(50, 50), 0.0)
    control.release(state, 0.1)
    assert sent == []
    assert control.preview(0.1) is None


def test_the_view_counts_as_moving_until_it_has_rested(scene: tuple[State, list[Command], CamerasPicture]) -> None:
    state, _, _ = scene
    control = CamerasControl()
    control.settle(state, 10.0)
    assert not state.cameras.moving
    before = state.cameras.orbit
    control.orbit(state, 30, 10, SIZE[1], 10.0)
    control.settle(state, 10.01)
    assert state.cameras.moving
    assert state.cameras.orbit.azimuth != before.azimuth
    assert state.cameras.orbit.target == before.target
    control.settle(state, 10.0 + 2 * GESTURES.settled)
    assert not state.cameras.moving
    state.cameras.layers.ground = not state.cameras.layers.ground
    control.settle(state, 10.9)
    assert state.cameras.moving, "the user waits for another layer as for another view"
    control.pan(state, 30, 10, SIZE[1], 11.0)
    assert state.cameras.orbit.target != before.target


@given(st.floats(0, 800), st.floats(0, 600), st.integers(-6, 6), st.floats(-3, 3), st.floats(-1.2, 1.2))
def test_what_is_under_the_mouse_stays_there_when_zooming(
    x: float, y: float, notches: int, azimuth: float, elevation: float
) -> None:
    orbit = OrbitCamera((0.3, -0.2, 0.5), 3.0, azimuth, elevation)
    nearer = zoom_orbit_at(orbit, notches, pointer(x, y))
    camera = orbit.view(SIZE)
    rotation = camera.world_to_camera[:, :3].astype(np.float64)
    across, down = (x - camera.centre[0]) / camera.focal[0], (y - camera.centre[1]) / camera.focal[1]
    point = orbit.position + orbit.distance * np.array([across, down, 1.0]) @ rotation
    found = project_to_screen(nearer.view(SIZE), transform_to_view(nearer.view(SIZE), point))
    assert np.allclose(found, [x, y], atol=0.5)
    assert nearer.distance == pytest.approx(3.0 * 1.15**-notches)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=20), st.floats(0.01, 0.2))
def test_nudges_add_up_whatever_the_pace(amounts: list[float], pace: float) -> None:
    nudges = Nudges()
    nudges.begin(2, "turn z")
    commands = [nudges.due(amount, index * pace) for index, amount in enumerate(amounts)]
    commands.append(nudges.rest(amounts[-1]))
    total = sum(command.rotation[2] for command in commands if command is not None)
    assert total == pytest.approx(-amounts[-1], abs=1e-5)
    assert len([command for command in commands[:-1] if command is not None]) <= len(amounts) * pace / 0.1 + 1
