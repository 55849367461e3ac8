"""What the mouse does in the 3D view: orbit, pan, zoom, point, drag the gizmo. It is told where the mouse is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

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

TURN_PER_HEIGHT = math.radians(200.0)  # of a drag over the height of the view
SETTLED = 0.25  # seconds after the last movement until the view counts as resting
CONFIRMED = 0.4  # seconds after a drag during which the hand's pose is shown, until the engine's has arrived

Size = tuple[int, int]


@dataclass(frozen=True)
class Pointer:
    """The mouse over the view: pixels of the picture as it is shown, which is `size` large."""

    x: float
    y: float
    size: Size


class CamerasControl:
    """The gestures of one 3D view.

    Attributes:
        hovered_frame: under the mouse, or None.
    """

    def __init__(self) -> None:
        self.hovered_frame: int | None = None
        self._drag: Drag | None = None
        self._frame = 0
        self._nudges = Nudges()
        self._released: tuple[float, Preview] | None = None
        self._moved_at = -math.inf
        self._looked_at = Remembered()  # what was under the mouse, for as long as neither moves

    @property
    def dragging(self) -> bool:
        """Whether the gizmo is in the hand."""
        return self._drag is not None

    def preview(self, now: float) -> Preview | None:
        """The frame as the hand has it, until the engine's own picture of it has come."""
        if self._drag is not None:
            return Preview(self._frame, self._drag.pose)
        if self._released is not None and now - self._released[0] < CONFIRMED:
            return self._released[1]
        return None

    def hover(self, state: State, picture: CamerasPicture, pointer: Pointer | None) -> None:
        """The mouse rests or moves with no button held; None: it is elsewhere."""
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
        """The left button goes down; whether it took hold of the gizmo (then nothing orbits until it is released)."""
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
        """The mouse moves with the gizmo in the hand; the engine hears of it now and then."""
        if self._drag is None:
            return
        self._drag = self._drag.to(picture.camera, *_in_picture(picture, pointer))
        self._moved_at = now
        run = state.run
        paused = run is not None and run.snapshot is not None and run.snapshot.status == "paused"
        # While the run is paused nothing would come of it but many steps to undo: it hears of the whole at the end.
        command = None if paused else self._nudges.due(self._drag.amount, now)
        if run is not None and command is not None:
            run.send(command)

    def release(self, state: State, now: float) -> None:
        """The left button goes up: the engine hears what it has not heard yet."""
        if self._drag is None:
            return
        command = self._nudges.rest(self._drag.amount)
        if state.run is not None and command is not None:
            state.run.send(command)
        self._released = (now, Preview(self._frame, self._drag.pose))
        self._drag = None

    def orbit(self, state: State, right: float, down: float, height: int, now: float) -> None:
        """A drag by so many pixels in a view so many pixels high turns round the target."""
        per_pixel = TURN_PER_HEIGHT / max(height, 1)
        state.cameras.orbit = state.cameras.orbit.turned(right * per_pixel, down * per_pixel)
        self._moved_at = now

    def pan(self, state: State, right: float, down: float, height: int, now: float) -> None:
        """A drag by so many pixels in a view so many pixels high takes the scene along."""
        state.cameras.orbit = state.cameras.orbit.panned(right, down, height)
        self._moved_at = now

    def zoom(self, state: State, notches: float, pointer: Pointer, now: float) -> None:
        """Nearer to what is under the mouse; farther where negative."""
        state.cameras.orbit = zoom_orbit_at(state.cameras.orbit, notches, pointer)
        self._moved_at = now

    def click(self, state: State, picture: CamerasPicture, pointer: Pointer) -> int | None:
        """Selects the frame that is pointed at, and gives it; nothing happens beside them all."""
        frame = pick_frame(picture, pointer.x, pointer.y, pointer.size)
        if frame is not None:
            state.select(frame)
        return frame

    def double_click(self, state: State, picture: CamerasPicture, pointer: Pointer) -> None:
        """Has the novel view look through the frame that is pointed at."""
        if self.click(state, picture, pointer) is not None:
            state.novel.mode = "follow"

    def settle(self, state: State, now: float) -> None:
        """Says whether the view is being moved; once per frame of the window."""
        state.cameras.moving = self.dragging or now - self._moved_at < SETTLED


def zoom_orbit_at(orbit: OrbitCamera, notches: float, pointer: Pointer) -> OrbitCamera:
    """Nearer by notches of the wheel; the point of the target's plane that is under the mouse stays there."""
    camera = orbit.view(pointer.size)
    origin, direction = find_ray(camera, pointer.x, pointer.y)
    target = np.array(orbit.target)
    under = origin + orbit.distance / float(direction @ orbit.direction) * direction
    nearer = orbit.zoomed(notches)
    x, y, z = (under + (target - under) * (nearer.distance / orbit.distance)).tolist()
    return replace(nearer, target=(x, y, z))


def _in_picture(picture: CamerasPicture, pointer: Pointer) -> tuple[float, float]:
    """Pixels of the picture as it was asked for."""
    width, height = picture.camera.size
    return pointer.x * width / pointer.size[0], pointer.y * height / pointer.size[1]
