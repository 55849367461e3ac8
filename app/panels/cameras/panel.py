"""The cameras panel: all frusta in 3D, to look at, select and drag."""

from __future__ import annotations

import time
from pathlib import Path

import dearpygui.dearpygui as dpg
import numpy as np

from app.model.cameras.cameras_control import CamerasControl, Pointer
from app.model.cameras.frame_note import describe_frame
from app.model.cameras.pictures_of_run import CamerasPictures
from app.model.cameras.scene_scale import frame_points, make_first_view
from app.model.common.orbit import OrbitCamera
from app.model.common.pictures import CamerasPicture
from app.model.state.scene_kinds import get_posed_scene
from app.model.state.state import State
from app.panels.cameras.legend import CamerasLegend
from app.panels.widgets.canvas import Canvas
from app.panels.widgets.mouse import LEFT
from app.panels.widgets.parts import measure_size, set_text
from app.render.renderer import Renderer
from engine.geometry.view_camera import centres

VIEW = "cameras"


class CamerasPanel:
    """Asks the render thread for the picture of the cameras and passes the mouse to `CamerasControl`."""

    title = "Cameras"

    def __init__(self, state: State, renderer: Renderer) -> None:
        self._state, self._renderer = state, renderer
        self._canvas = Canvas()
        self._legend = CamerasLegend(state)
        self._pictures, self._control = CamerasPictures(), CamerasControl()
        self._asked: CamerasPicture | None = None
        self._serial = 0
        self._framed_for: tuple[OrbitCamera | None, tuple[int, int]] = (None, (0, 0))
        self._framed_scene: Path | None = None

    def build(self, parent: int | str) -> None:
        self._parent = parent
        with dpg.group(parent=parent):
            self._legend.build()
        self._canvas.build(parent)
        with dpg.tooltip(self._canvas.item, show=False) as self._tip:
            self._note = dpg.add_text("")

    def update(self, state: State) -> None:
        now = time.monotonic()
        self._canvas.look()
        self._legend.update(measure_size(self._parent)[0])
        self._frame_if_needed(state)
        if self._asked is not None:
            self._apply_mouse(state, self._asked, now)
        self._control.settle(state, now)
        self._asked = self._pictures.picture(state, self._canvas.size, self._control.preview(now))
        if self._asked is None:
            return
        self._renderer.request(VIEW, self._asked)
        drawn = self._renderer.latest(VIEW)
        if drawn is not None and drawn.serial != self._serial:
            self._serial = drawn.serial
            self._canvas.show(drawn.pixels)

    def frame_all(self) -> None:
        """Looks at all cameras and the near part of the scene, from the direction of a first view."""
        state, run = self._state, self._state.run
        scene = get_posed_scene(run)
        if run is None or scene is None or run.snapshot is None:
            return
        scale = self._pictures.scale(scene)
        points = [scale.landmarks, *(centres(poses) for poses in self._pictures.all_poses(state))]
        view = state.cameras
        view.orbit = frame_points(make_first_view(scale, view.orbit), np.concatenate(points), self._canvas.size)
        view.framed, self._framed_for = True, (view.orbit, self._canvas.size)
        self._framed_scene = scene.path

    def _frame_if_needed(self, state: State) -> None:
        """Frames a new scene, and again after the window changed its size, until the user moves the view."""
        orbit, size = self._framed_for
        untouched = state.cameras.orbit is orbit and self._canvas.size != size
        scene = get_posed_scene(state.run)
        other = scene is not None and scene.path != self._framed_scene
        if not state.cameras.framed or untouched or other:
            self.frame_all()

    def _apply_mouse(self, state: State, picture: CamerasPicture, now: float) -> None:
        """Applies what the mouse did since the last frame, in the picture that was asked for then."""
        mouse, control = self._canvas.mouse, self._control
        size = self._canvas.size
        pointer = Pointer(*mouse.place, size) if mouse.place is not None else None
        if pointer is not None and mouse.pressed:
            control.press(state, picture, pointer)
        if control.dragging:
            if pointer is not None:
                control.pull(state, picture, pointer, now)
            if mouse.released:
                control.release(state, now)
            self._show_note(None)
            return
        panned, left = mouse.panned, mouse.dragged(LEFT)
        if any(panned):
            control.pan(state, *panned, size[1], now)
        elif any(left):
            control.orbit(state, *left, size[1], now)
        if pointer is None:
            control.hover(state, picture, None)
            self._show_note(None)
            return
        if mouse.wheel:
            control.zoom(state, mouse.wheel, pointer, now)
        if mouse.double_clicked:
            control.double_click(state, picture, pointer)
        elif mouse.clicked:
            control.click(state, picture, pointer)
        control.hover(state, picture, pointer)
        self._show_note(control.hovered_frame)

    def _show_note(self, frame: int | None) -> None:
        """Shows name and errors of the frame under the mouse in a tool tip; None hides it."""
        text = "" if frame is None else describe_frame(self._state.run, self._pictures.moment(self._state), frame)
        if text:
            set_text(self._note, text)
        if dpg.get_item_configuration(self._tip)["show"] != bool(text):
            dpg.configure_item(self._tip, show=bool(text))
