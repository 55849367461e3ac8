"""What the mouse does in the 3D view: orbit, pan, zoom, select a frame, drag the gizmo. No Dear PyGui here."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass, replace

import numpy as np

from app.model.cameras.gizmo import Drag, find_part_at, grab_part
from app.model.cameras.nudges import Nudges
from app.model.cameras.picking import pick_frame
from app.model.cameras.pictures_of_run import Preview
from app.model.common.orbit import OrbitCamera
from app.model.common.pictures import CamerasPicture
from app.model.common.unchanged import Remembered
from app.model.common.view_rays import find_ray
from app.model.state.state import State


@dataclass(frozen=True)
class CamerasGestures:
    """How the 3D view follows the mouse.

    Attributes:
        turn_per_height: radians that the view turns when the mouse is dragged over the height of the view: a little
            more than half a turn, so that one drag reaches the other side.
        settled: seconds after the last movement until the view counts as resting and is drawn in full quality.
        confirmed: seconds after a drag of the gizmo during which the dragged pose is drawn: the engine's snapshot
            with it arrives within this time.
    """

    turn_per_height: float = math.radians(200.0)
    settled: float = 0.25
    confirmed: float = 0.4


GESTURES = CamerasGestures()
Size = tuple[int, int]


@dataclass(frozen=True)
class Pointer:
    """The mouse over the view, in pixels from its top left corner; `size` is the view's (width, height)."""

    x: float
    y: float
    size: Size


class CamerasControl:
    """Turns the mouse over one 3D view into changes of the state and commands for the engine.

    Attributes:
        hovered_frame: index of the training frame under the mouse, or None.
    """

    def __init__(self) -> None:
        self.hovered_frame: int | None = None
        self._drag: Drag | None = None
        self._frame = 0
        self._nudges = Nudges()
        self._released: tuple[float, Preview] | None = None
        self._moved_at = -math.inf
        self._choices: tuple[object, ...] = ()
        self._looked_at = Remembered()  # the last inputs of `hover`: it does nothing while they are the same

    @property
    def dragging(self) -> bool:
        """Whether the gizmo is being dragged."""
        return self._drag is not None

    def preview(self, now: float) -> Preview | None:
        """The dragged frame at its dragged pose, until the engine's snapshot shows it there; None else.

        Args:
            now: seconds, of any steady clock.
        """
        if self._drag is not None:
            return Preview(self._frame, self._drag.pose)
        if self._released is not None and now - self._released[0] < GESTURES.confirmed:
            return self._released[1]
        return None

    def hover(self, state: State, picture: CamerasPicture, pointer: Pointer | None) -> None:
        """Finds what is under the mouse while no button is held; `pointer` is None where it is not over the view."""
        if not self._looked_at.changed(pointer, picture.camera, picture.fitted, picture.frustum_depth, picture.gizmo):
            return
        self.hovered_frame = state.cameras.hovered_part = None
        if pointer is None:
            return
        x, y = _in_picture(picture, pointer)
        if picture.gizmo is not None:
            state.cameras.hovered_part = find_part_at(picture.gizmo, picture.camera, x, y)
        if state.cameras.hovered_part is None:
            self.hovered_frame = pick_frame(picture, pointer.x, pointer.y, pointer.size)

    def press(self, state: State, picture: CamerasPicture, pointer: Pointer) -> bool:
        """The left button goes down; returns whether a drag of the gizmo begins (the view then does not orbit)."""
        if picture.gizmo is None or picture.selected is None:
            return False
        x, y = _in_picture(picture, pointer)
        part = find_part_at(picture.gizmo, picture.camera, x, y)
        self._drag = grab_part(picture.gizmo, part, picture.camera, x, y) if part is not None else None
        if self._drag is None:
            return False
        state.cameras.hovered_part = part
        self._frame = picture.selected
        self._nudges.begin(self._frame, self._drag.part)
        return True

    def pull(self, state: State, picture: CamerasPicture, pointer: Pointer, now: float) -> None:
        """The mouse moves during a drag of the gizmo; a kick is sent to the engine at most every tenth of a second."""
        if self._drag is None:
            return
        self._drag = self._drag.to(picture.camera, *_in_picture(picture, pointer))
        self._moved_at = now
        run = state.run
        paused = run is not None and run.snapshot is not None and run.snapshot.status == "paused"
        # While the run is paused nothing trains in between: the whole motion is sent when the drag ends.
        command = None if paused else self._nudges.due(self._drag.amount, now)
        if run is not None and command is not None:
            state.send(command)

    def release(self, state: State, now: float) -> None:
        """The left button goes up: what is left of the motion is sent to the engine."""
        if self._drag is None:
            return
        command = self._nudges.rest(self._drag.amount)
        if state.run is not None and command is not None:
            state.send(command)
        self._released = (now, Preview(self._frame, self._drag.pose))
        self._drag = None

    def orbit(self, state: State, right: float, down: float, height: int, now: float) -> None:
        """Turns the view round its target after a drag of (`right`, `down`) pixels in a view of `height` pixels."""
        per_pixel = GESTURES.turn_per_height / max(height, 1)
        state.cameras.orbit = state.cameras.orbit.turned(right * per_pixel, down * per_pixel)
        self._moved_at = now

    def pan(self, state: State, right: float, down: float, height: int, now: float) -> None:
        """Moves the scene with the mouse after a drag of (`right`, `down`) pixels in a view of `height` pixels."""
        state.cameras.orbit = state.cameras.orbit.panned(right, down, height)
        self._moved_at = now

    def zoom(self, state: State, notches: float, pointer: Pointer, now: float) -> None:
        """Moves towards what is under the mouse by notches of the wheel; away from it where negative."""
        state.cameras.orbit = zoom_orbit_at(state.cameras.orbit, notches, pointer)
        self._moved_at = now

    def click(self, state: State, picture: CamerasPicture, pointer: Pointer) -> int | None:
        """Selects the frame under the mouse and returns its index; None, and nothing selected, where there is none."""
        frame = pick_frame(picture, pointer.x, pointer.y, pointer.size)
        if frame is not None:
            state.select(frame)
        return frame

    def double_click(self, state: State, picture: CamerasPicture, pointer: Pointer) -> None:
        """Selects the frame under the mouse, and the novel view follows it."""
        if self.click(state, picture, pointer) is not None:
            state.novel.mode = "follow"

    def settle(self, state: State, now: float) -> None:
        """Notes in the state whether the view is being moved; to be called once per frame of the window.

        Another layer or frame counts as a movement: the user waits for the picture.
        """
        choices = (astuple(state.cameras.layers), state.cameras.frustum_scale, state.selected)
        if choices != self._choices:
            self._moved_at = now if self._choices else self._moved_at
            self._choices = choices
        state.cameras.moving = self.dragging or now - self._moved_at < GESTURES.settled


def zoom_orbit_at(orbit: OrbitCamera, notches: float, pointer: Pointer) -> OrbitCamera:
    """The camera moved nearer by notches of the wheel.

    The point under the mouse, in the plane of the target, stays where it is on the screen.
    """
    camera = orbit.view(pointer.size)
    origin, direction = find_ray(camera, pointer.x, pointer.y)
    target = np.array(orbit.target)
    under = origin + orbit.distance / float(direction @ orbit.direction) * direction
    nearer = orbit.zoomed(notches)
    x, y, z = (under + (target - under) * (nearer.distance / orbit.distance)).tolist()
    return replace(nearer, target=(x, y, z))


def _in_picture(picture: CamerasPicture, pointer: Pointer) -> tuple[float, float]:
    """The pointer in pixels of the picture as it was rendered, which may be smaller than it is shown."""
    width, height = picture.camera.size
    return pointer.x * width / pointer.size[0], pointer.y * height / pointer.size[1]
