"""The cameras panel: all frusta in 3D, to look at, select and drag."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import dearpygui.dearpygui as dpg
import numpy as np

from app.model.cameras.cameras_control import CamerasControl, Pointer
from app.model.cameras.frame_note import describe_frame
from app.model.cameras.opening_view import LOOK, GrowingModel, OpeningView, carry_points, carry_view, fade_points
from app.model.cameras.picking import pick_frame
from app.model.cameras.pictures_of_run import CamerasPictures
from app.model.cameras.scene_scale import frame_points, make_first_view
from app.model.common.kept import Kept
from app.model.common.orbit import OrbitCamera
from app.model.common.pictures import CamerasPicture, PointCloud
from app.model.state.scene_kinds import get_posed_scene
from app.model.state.state import State
from app.model.state.viewed_run import ViewedRun
from app.panels.cameras.frame_menu import FrameMenu
from app.panels.cameras.legend import CamerasLegend
from app.panels.cameras.opening import OpeningHeader, OpeningSheet
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
        self._legend, self._menu = CamerasLegend(state), FrameMenu(state)
        self._pictures, self._control, self._kept = CamerasPictures(), CamerasControl(), Kept()
        self._asked: CamerasPicture | None = None
        self._serial = 0
        self._framed_for: tuple[OrbitCamera | None, tuple[int, int]] = (None, (0, 0))
        self._framed_scene: Path | None = None
        self._header, self._sheet, self._opening = OpeningHeader(), OpeningSheet(), OpeningView()
        self._opened: ViewedRun | None = None  # the run to which the two above belong
        self._points: PointCloud | None = None  # of its quick reconstruction, in the world of its scene
        self._legend_height = 0

    def build(self, parent: int | str) -> None:
        self._parent = parent
        with dpg.group(parent=parent):
            with dpg.group() as self._legend_group:
                self._legend.build()
            self._header.build()
        self._canvas.build(parent)
        with dpg.tooltip(self._canvas.item, show=False) as self._tip:
            self._note = dpg.add_text("")
        self._menu.build()

    def update(self, state: State) -> None:
        now = time.monotonic()
        self._canvas.look()
        width = measure_size(self._parent)[0]
        self._legend.update(width, self._pictures.error_scale(state), state.race.race is not None)
        run = state.run
        opening = run is not None and (run.opened is None or run.snapshot is None)
        self._begin_opening(run)
        self._show_header(run if opening else None, width)
        if self._asked is not None:
            self._apply_mouse(state, self._asked, now)
        self._control.settle(state, now)
        if run is not None and opening:
            self._asked = self._show_opening(state, run, now)
        else:
            self._take_over(state)
            self._frame_if_needed(state)
            self._asked = self._with_points(
                state, self._pictures.picture(state, self._canvas.size, self._control.preview(now))
            )
        if self._asked is None:
            return
        self._renderer.request(VIEW, self._asked)
        drawn = self._renderer.latest(VIEW)
        if drawn is not None and drawn.serial != self._serial:
            self._serial = drawn.serial
            self._canvas.show(drawn.pixels)

    def frame_all(self, from_anew: bool = True) -> None:
        """Looks at all cameras and the near part of the scene.

        Args:
            from_anew: from the direction of a first view; else from where the view looks now.
        """
        state, run = self._state, self._state.run
        scene = get_posed_scene(run)
        if run is None or scene is None or run.snapshot is None:
            return
        scale = self._pictures.scale(scene)
        points = [scale.landmarks, *(centres(poses) for poses in self._pictures.all_poses(state))]
        view = state.cameras
        orbit = make_first_view(scale, view.orbit) if from_anew else view.orbit
        view.orbit = frame_points(orbit, np.concatenate(points), self._canvas.size)
        view.framed, self._framed_for = True, (view.orbit, self._canvas.size)
        self._framed_scene = scene.path

    # ------------------------------------------------------------------ while a scene is being opened

    def _begin_opening(self, run: ViewedRun | None) -> None:
        if run is not self._opened:
            self._opened, self._points = run, None
            self._canvas.clear()
            self._sheet, self._opening = OpeningSheet(), OpeningView()

    def _show_header(self, run: ViewedRun | None, width: float) -> None:
        """Shows how far the opening of a run is in the place of the legend; None shows the legend."""
        if dpg.is_item_shown(self._legend_group):
            self._legend_height = int(measure_size(self._legend_group)[1])
        opening = run is not None and self._legend_height > 0
        if dpg.is_item_shown(self._legend_group) == opening:
            dpg.configure_item(self._legend_group, show=not opening)
        self._header.show(opening, self._legend_height)
        if run is not None:
            self._header.update(run, width)

    def _show_opening(self, state: State, run: ViewedRun, now: float) -> CamerasPicture | None:
        """The cameras so far; before the first of them, shows the photos and returns None."""
        view, size = state.cameras, self._canvas.size
        if self._opening.see(run.opening) is not None:
            view.orbit = self._opening.follow(view.orbit, size, now)
            return self._opening.picture(run.opening, view.orbit, size, view.layers, view.frustum_scale)
        pixels = self._sheet.update(run.opening, size, now)
        if pixels is not None:
            self._canvas.show(pixels)
        return None

    def _take_over(self, state: State) -> None:
        """When the first snapshot is there: the same view of the same cameras, now of the run."""
        model, run, scene = self._opening.model, state.run, get_posed_scene(state.run)
        if model is None or scene is None or run is None or run.snapshot is None:
            return
        self._opening = OpeningView()
        frames = list(scene.training_frames)
        if len(model.poses) != len(scene.names) or len(run.snapshot.poses) != len(frames):
            return  # photos were left out since
        self._carry(state, replace(model, poses=model.poses[frames]), run.snapshot.poses, scene.path)

    def _carry(self, state: State, model: GrowingModel, poses: np.ndarray, path: Path) -> None:
        scene, view = get_posed_scene(state.run), state.cameras
        assert scene is not None
        scale = self._pictures.scale(scene)
        axes = [tuple(axis.tolist()) for axis in (scale.up, scale.ahead)]
        carried = carry_view(view.orbit, model.poses, poses, *axes)
        if carried is None:
            return
        view.orbit, view.framed, self._framed_scene = carried, True, path
        self._framed_for = (carried, self._canvas.size)
        self._points = carry_points(model, poses)

    def _with_points(self, state: State, picture: CamerasPicture | None) -> CamerasPicture | None:
        """The picture with the points of the quick reconstruction, which fade as the field takes their place."""
        snapshot = state.run.snapshot if state.run is not None else None
        if picture is None or snapshot is None or self._points is None or picture.points is not None:
            return picture
        opacity = round(20 * (1 - snapshot.iteration / LOOK.fading)) / 20  # in steps: each is uploaded anew
        if opacity <= 0 or not state.timeline.live:
            return picture
        return replace(picture, points=self._kept.get("points", fade_points, self._points, opacity))

    def _frame_if_needed(self, state: State) -> None:
        """Frames a new scene, and again after the window changed its size, until the user moves the view."""
        orbit, size = self._framed_for
        untouched = state.cameras.orbit is orbit and self._canvas.size != size
        scene = get_posed_scene(state.run)
        other = scene is not None and scene.path != self._framed_scene
        if not state.cameras.framed or other:
            self.frame_all()
        elif untouched:
            self.frame_all(from_anew=False)

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
        elif mouse.right_clicked:
            frame = pick_frame(picture, pointer.x, pointer.y, pointer.size)
            if frame is not None:
                self._menu.open(frame)
        control.hover(state, picture, pointer)
        self._show_note(control.hovered_frame)

    def _show_note(self, frame: int | None) -> None:
        """Shows name and errors of the frame under the mouse in a tool tip; None hides it."""
        run, text = self._state.run, ""
        if frame is not None and run is not None and run.snapshot is None:
            photos = run.opening.photos
            text = photos.names[frame] if photos is not None and frame < len(photos.names) else ""
        elif frame is not None:
            text = describe_frame(run, self._pictures.moment(self._state), frame)
        if text:
            set_text(self._note, text)
        if dpg.get_item_configuration(self._tip)["show"] != bool(text):
            dpg.configure_item(self._tip, show=bool(text))
