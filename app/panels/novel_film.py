"""The row of buttons under the novel view: pictures, and films along a path of the camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import dearpygui.dearpygui as dpg
import numpy as np
from jaxtyping import Float32

from app.camera_path import orbit, spiral, through
from app.novel_control import depth_range
from app.panels.parts import MUTED, set_text, tool_tip
from app.recording import Recording, frames_of, save_png
from app.render.pictures import NovelPicture, ViewCamera
from app.render.renderer import Renderer
from app.state import State
from engine.errors import UserError

BETWEEN = 1.5  # seconds from one recorded view to the next
ROUND = 6.0  # seconds of a flight round the scene
FILM_SIZE = (640, 480)

Pixels = Float32[np.ndarray, "height width 4"]


class NovelFilm:
    """Writes pictures and films into the folder of the run, under names that are not taken."""

    def __init__(self, state: State, renderer: Renderer) -> None:
        self._state, self._renderer = state, renderer
        self._views: list[ViewCamera] = []
        self._recording: Recording | None = None
        self._said = ""

    def build(
        self, pixels: Callable[[], Pixels | None], camera: Callable[[], ViewCamera | None], reset: Callable[[], None]
    ) -> None:
        """Makes the buttons in the group under construction.

        Args:
            pixels: of the picture that is shown.
            camera: that is looked through.
            reset: goes back to the first view.
        """
        self._pixels, self._camera = pixels, camera
        tool_tip(dpg.add_button(label="Reset", callback=lambda: reset()), "Back to the first view of the scene.")
        tool_tip(
            dpg.add_button(label="Picture", callback=self._save_picture),
            "Writes this view as a PNG file into the folder of the run.",
        )
        self._add = dpg.add_button(label="+ View", callback=self._keep_view)
        tool_tip(self._add, "Keeps this view as a station of the film's path.")
        self._record = dpg.add_button(label="Film", callback=self._start_or_stop)
        tool_tip(
            self._record,
            "Writes a film (mp4) through the views that were kept, or round the scene where there are none.",
        )
        self._text = dpg.add_text("", color=MUTED)

    def update(self, state: State) -> None:
        film = self._recording
        if film is not None and film.finished:
            self._recording = None
            self._said = f"{film.path.name} written"
            if film.error is not None:
                self._said, state.banner = "", film.error
        elif film is not None:
            self._said = f"{film.done} of {film.total} pictures"
        dpg.set_item_label(self._record, "Stop" if self._recording else "Film")
        dpg.set_item_label(self._add, f"+ View ({len(self._views)})" if self._views else "+ View")
        set_text(self._text, self._said)

    def close(self) -> None:
        """Gives up a film that is being written."""
        if self._recording is not None:
            self._recording.stop()

    def _keep_view(self) -> None:
        camera = self._camera()
        if camera is not None:
            self._views.append(camera)

    def _save_picture(self) -> None:
        pixels = self._pixels()
        if pixels is None:
            return
        try:
            path = self._free("view", ".png")
            save_png(pixels, path)
        except (UserError, OSError) as error:
            self._state.banner = str(error)
        else:
            self._said = f"{path.name} written"

    def _start_or_stop(self) -> None:
        if self._recording is not None:
            self._recording.stop()
            self._recording, self._said = None, "no film written"
            return
        camera, run = self._camera(), self._state.run
        if camera is None or run is None or run.scene is None or run.snapshot is None:
            return
        if self._views:
            count = frames_of(BETWEEN * max(len(self._views) - 1, 1))
            cameras = through(self._views, count)
        else:
            count, poses, scene = frames_of(ROUND), run.snapshot.poses, run.scene
            flight = (
                spiral(poses, 2 * scene.near, count)
                if scene.kind == "forward-facing"
                else orbit(poses, scene.box_centre, count)
            )
            cameras = [replace(camera, world_to_camera=pose.astype(np.float32)) for pose in flight]
        pictures = [
            NovelPicture(
                resized(one, FILM_SIZE), channel=self._state.novel.channel, depth_range=depth_range(run.scene)
            )
            for one in cameras
        ]
        try:
            self._recording = Recording(self._renderer, pictures, self._free("film", ".mp4"))
        except OSError as error:
            self._state.banner = str(error)
        self._views = []

    def _free(self, stem: str, suffix: str) -> Path:
        """A path in the run's folder that is not taken."""
        run = self._state.run
        folder = run.opened.folder if run is not None and run.opened is not None else Path()
        folder.mkdir(parents=True, exist_ok=True)
        return next(path for i in range(1, 100_000) if not (path := folder / f"{stem}-{i:03d}{suffix}").exists())


def resized(camera: ViewCamera, size: tuple[int, int]) -> ViewCamera:
    """The same camera for a picture of another (width, height), which sees as much from top to bottom."""
    scale = size[1] / camera.size[1]
    focal = (camera.focal[0] * scale, camera.focal[1] * scale)
    return ViewCamera(camera.world_to_camera, focal, (size[0] / 2, size[1] / 2), size)
