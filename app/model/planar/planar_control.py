"""What the mouse does on the image of a planar scene: pan, zoom, select a patch, drag it. No Dear PyGui here."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from app.model.common.gestures import begin_gesture
from app.model.common.throttle import Throttle
from app.model.planar.patch_handles import (
    Corners,
    Drag,
    Family,
    Part,
    find_part_at,
    find_patch_at,
    grab_part,
    make_perturb_command,
)
from app.model.planar.planar_moments import PlanarMoment
from app.model.state.state import State
from app.model.state.viewed_run import ViewedRun
from engine.messages import PerturbPatch


@dataclass(frozen=True)
class PatchGestures:
    """Attributes:
    period: seconds between the kicks of one drag, at least.
    confirmed: seconds after a drag during which the dragged corners are drawn: the engine's snapshot with them arrives
        within this time.
    still: pixels of the screen that the mouse may move in a click.
    """

    period: float = 0.1
    confirmed: float = 0.4
    still: float = 3.0


GESTURES = PatchGestures()


@dataclass(frozen=True)
class Pointer:
    """The mouse over a pane of (width, height), pixels from its upper left corner."""

    x: float
    y: float
    size: tuple[int, int]

    @property
    def place(self) -> tuple[float, float]:
        return self.x, self.y


@dataclass(frozen=True)
class Preview:
    """A patch that is being dragged, and its dragged corners, which are drawn before the engine confirms them."""

    patch: int
    corners: Corners


class PlanarControl:
    """Turns the mouse over one pane into changes of the state and commands for the engine.

    Attributes:
        hovered_patch: index of the patch under the mouse, or None.
        hovered_part: of the selected patch, under the mouse or being dragged, or None.
    """

    def __init__(self) -> None:
        self.hovered_patch: int | None = None
        self.hovered_part: Part | None = None
        self._drag: Drag | None = None
        self._patch = 0
        self._gesture = 0
        self._pressed_at = (0.0, 0.0)
        self._moved = False
        self._nudges: Throttle[PerturbPatch] = Throttle(GESTURES.period)
        self._released: tuple[float, Preview] | None = None

    @property
    def dragging(self) -> bool:
        """Whether a patch is being dragged."""
        return self._drag is not None

    def preview(self, now: float) -> Preview | None:
        """The dragged patch with its dragged corners, until the engine's snapshot shows them; None else."""
        if self._drag is not None:
            return Preview(self._patch, self._drag.corners) if self._moved else None
        if self._released is not None and now - self._released[0] < GESTURES.confirmed:
            return self._released[1]
        return None

    def hover(self, state: State, moment: PlanarMoment, movable: bool, pointer: Pointer | None) -> None:
        """Finds what is under the mouse while no button is held; `pointer` is None where it is not over the pane."""
        self.hovered_patch = self.hovered_part = None
        if pointer is None:
            return
        view = state.planar.plane
        self.hovered_patch = find_patch_at(moment.corners, view.in_image(np.array(pointer.place), pointer.size))
        if movable:
            self.hovered_part = find_part_at(moment.corners[state.selected], view, pointer.size, pointer.place)

    def press(self, state: State, moment: PlanarMoment, family: Family, movable: bool, pointer: Pointer) -> bool:
        """The left button goes down; returns whether a drag of the patch begins (the pane then does not pan)."""
        self.hover(state, moment, movable, pointer)
        if self.hovered_part is None:
            return False
        point = state.planar.plane.in_image(np.array(pointer.place), pointer.size)
        self._drag = grab_part(self.hovered_part, family, moment.corners[state.selected], point)
        self._patch, self._pressed_at, self._moved = state.selected, pointer.place, False
        self._nudges, self._gesture = Throttle(GESTURES.period), begin_gesture()
        return True

    def pull(self, state: State, run: ViewedRun, pointer: Pointer, now: float) -> None:
        """The mouse moves during a drag of the patch; a kick is sent at most once per `PatchGestures.period`."""
        if self._drag is None:
            return
        self._moved = self._moved or math.dist(pointer.place, self._pressed_at) > GESTURES.still
        if not self._moved:
            return
        before = self._drag.corners
        self._drag = self._drag.to(state.planar.plane.in_image(np.array(pointer.place), pointer.size))
        if not np.array_equal(before, self._drag.corners):
            self._nudges.offer(make_perturb_command(self._patch, self._drag.corners, self._gesture))
        # While the run is paused nothing trains in between: only the end of the drag is sent.
        paused = run.snapshot is not None and run.snapshot.status != "running"
        due = None if paused else self._nudges.take(now)
        if due is not None:
            run.send(due)

    def release(self, run: ViewedRun, now: float) -> None:
        """The left button goes up: the final corners are sent to the engine."""
        if self._drag is not None and self._moved:
            run.send(make_perturb_command(self._patch, self._drag.corners, self._gesture))
            self._released = (now, Preview(self._patch, self._drag.corners))
        self._drag = None

    def click(self, state: State, moment: PlanarMoment, pointer: Pointer) -> int | None:
        """Selects the patch under the mouse and returns its index; None, and nothing selected, where there is none."""
        patch = find_patch_at(moment.corners, state.planar.plane.in_image(np.array(pointer.place), pointer.size))
        if patch is not None:
            state.select(patch)
        return patch


def apply_preview(
    moment: PlanarMoment, preview: Preview | None, reference: Float[np.ndarray, "patches 4 2"]
) -> PlanarMoment:
    """The moment with the dragged patch at its dragged corners, and its error there."""
    if preview is None or preview.patch >= len(moment.corners):
        return moment
    corners, error = moment.corners.copy(), moment.corner_error_px.copy()
    corners[preview.patch] = preview.corners
    error[preview.patch] = np.linalg.norm(preview.corners - reference[preview.patch], axis=-1).mean()
    return moment._replace(corners=corners, corner_error_px=error)
