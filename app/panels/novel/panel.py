"""The novel view panel: the field as it is now, from any camera."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import dearpygui.dearpygui as dpg
import numpy as np

from app.model.common.pictures import Drawn
from app.model.novel.film import make_film
from app.model.novel.novel_control import MOVES, NovelControl, change_mode
from app.model.state.scene_kinds import get_posed_scene
from app.model.state.state import NovelMode, State
from app.model.state.viewed_run import describe_absence
from app.panels.novel.comparison import ComparisonView
from app.panels.widgets.canvas import Canvas
from app.panels.widgets.mouse import LEFT
from app.panels.widgets.parts import MUTED, SCROLL_BAR, add_tool_tip, measure_inner_width, measure_size, set_text
from app.render.recording import Recording, count_pictures, save_png
from app.render.renderer import Renderer
from engine.errors import UserError

VIEW = "novel"
MODES: tuple[NovelMode, ...] = ("orbit", "fly", "follow")
CHANNELS = ("colour", "depth", "opacity", "residual")
SLIDER = (64, 106)  # width of the slider: least, for its value to be read, and where there is room; pixels
FILM_SECONDS = 6.0
RATE_PICTURES = 16  # the last ones, from which the frames per second are counted
SMALLEST_PICTURE = (1, 1)  # before the first
LONGEST_STEP = 0.1  # seconds of flight at once, at most: after a slow frame the camera must not jump


class NovelViewPanel:
    """Asks the render thread for the picture of the field and passes mouse and keys to `NovelControl`."""

    title = "Novel view"

    def __init__(self, state: State, renderer: Renderer, ask_path: Callable[[str, str, Callable[[Path], None]], None]):
        """`ask_path(title, default, act)` asks the user for the path of a file, and calls `act` with it."""
        self._state, self._renderer, self._ask_path = state, renderer, ask_path
        self._canvas, self._control = Canvas(), NovelControl()
        self._comparison = ComparisonView(self._canvas)
        self._picture = SMALLEST_PICTURE
        self._parent: int | str = 0
        self._drawn: Drawn | None = None
        self._shown = False  # whether it is of the scene that is open
        self._before = time.monotonic()
        self._times: list[float] = []
        self._recording: Recording | None = None

    def build(self, parent: int | str) -> None:
        self._parent = parent
        with dpg.group(parent=parent):
            with dpg.group(horizontal=True) as self._row:
                self._mode = dpg.add_combo(MODES, default_value="orbit", width=84, callback=self._choose_mode)
                add_tool_tip(
                    self._mode, "Orbit a point, fly with WASD and QE, or follow the selected frame (O, P, L)."
                )
                self._channel = dpg.add_combo(CHANNELS, default_value="colour", width=92, callback=self._choose)
                add_tool_tip(
                    self._channel,
                    "What is shown of the field (keys 1 to 4). The residual, the difference to the photo, exists only "
                    "while a frame is followed.",
                )
                self._slider = dpg.add_slider_float(
                    width=SLIDER[1], min_value=10, max_value=110, format="view %.0f°", callback=self._slide
                )
                self._slider_tip = add_tool_tip(self._slider, "")
                dpg.add_button(label="PNG", callback=self._save_picture)
                add_tool_tip(dpg.last_item(), "Writes this picture to a PNG file.")
                dpg.add_button(label="Key", callback=self._add_keyframe)
                add_tool_tip(dpg.last_item(), "Adds this view to the camera path of the film.")
                self._film = dpg.add_button(label="Film", callback=self._record)
                add_tool_tip(
                    self._film,
                    "Writes an mp4 film along the path of the keys, or around the scene if there are none. In a race "
                    "it shows both contestants as this view does, with their names. The training goes on meanwhile: "
                    "pause it for a film of one moment.",
                )
            self._comparison.build_choices(self._state)
            self._note = dpg.add_text("", color=MUTED)
        self._canvas.build(parent)
        self._comparison.build(parent)

    def update(self, state: State) -> None:
        now = time.monotonic()
        passed, self._before = now - self._before, now
        view = state.novel
        self._canvas.look()
        if self._comparison.drag(state, self._picture):
            self._control.touch(now)
        else:
            self._apply_mouse(now)
        if self._canvas.mouse.hovered and view.mode == "fly":
            held = [key for key in MOVES if dpg.is_key_down(getattr(dpg, f"mvKey_{key}"))]
            self._control.fly(view, held, min(passed, LONGEST_STEP), now)
        picture = self._control.picture(state, self._canvas.size, now)
        self._watch_film()
        self._show_choices()
        self._comparison.offer(state)
        self._fit_row()
        self._picture = self._picture if picture is None else picture.camera.size
        self._comparison.update(state, self._picture)
        if picture is None:
            self._show_nothing(describe_absence(state.run))
            return
        self._renderer.request(VIEW, picture)
        drawn = self._renderer.latest(VIEW)
        if drawn is not None and drawn is not self._drawn:
            self._times = [*self._times[1 - RATE_PICTURES :], now]
            self._drawn, self._shown = drawn, True
            self._canvas.show(letterbox(drawn.pixels, self._canvas.size))
        self._write_note(self._drawn if self._shown else None, now)

    def _show_nothing(self, why: str) -> None:
        """Empties the view of the scene before; what the render thread drew of it is not shown again."""
        self._canvas.clear()
        self._drawn, self._shown = self._renderer.latest(VIEW), False
        set_text(self._note, why)

    def _fit_row(self) -> None:
        """Makes the slider as narrow as it must be for all buttons to be seen."""
        others = measure_size(self._row)[0] - dpg.get_item_width(self._slider)
        width = int(min(max(measure_inner_width(self._parent) + SCROLL_BAR - others, SLIDER[0]), SLIDER[1]))
        if others > 0 and dpg.get_item_width(self._slider) != width:
            dpg.configure_item(self._slider, width=width)

    # ------------------------------------------------------------------ what the user does

    def _apply_mouse(self, now: float) -> None:
        mouse, view = self._canvas.mouse, self._state.novel
        height = self._canvas.size[1]
        panned, left = mouse.panned, mouse.dragged(LEFT)
        if any(panned):
            self._control.pan(view, *panned, height, now)
        elif any(left):
            self._control.turn(view, *left, height, now)
        if mouse.wheel:
            self._control.zoom(view, mouse.wheel, now)

    def _choose_mode(self, _: int, mode: str) -> None:
        change_mode(self._state.novel, next(known for known in MODES if known == mode))

    def _choose(self, _: int, channel: str) -> None:
        self._state.novel.channel = channel  # type: ignore[assignment]

    def _slide(self, _: int, value: float) -> None:
        if self._state.novel.mode == "follow":
            self._set_wipe(value)
        else:
            self._state.novel.field_of_view_deg = value
        self._control.touch(time.monotonic())

    def _save_picture(self) -> None:
        drawn = self._drawn
        if drawn is not None and self._shown:
            self._ask_path("Write the picture to", "view.png", lambda path: self._write_picture(drawn, path))

    def _write_picture(self, drawn: Drawn, path: Path) -> None:
        save_png(drawn.pixels, path)
        self._state.notice = f"Written: {path}"

    def _add_keyframe(self) -> None:
        run, scene = self._state.run, get_posed_scene(self._state.run)
        if run is not None and scene is not None and self._shown:
            self._state.novel.keyframes.append(self._control.camera(self._state, run, scene, self._canvas.size))

    def _record(self) -> None:
        if self._recording is not None and not self._recording.finished:
            self._recording.stop()
            return
        self._ask_path("Write the film to", "film.mp4", self._start_film)

    def _start_film(self, path: Path) -> None:
        film = make_film(self._state, count_pictures(FILM_SECONDS))
        if film is None:
            raise UserError("There is nothing to film before a scene is open.")
        self._state.novel.filmed = film.runs
        self._recording = Recording(self._renderer, film.pictures, path, film.captions)

    def _watch_film(self) -> None:
        """Ends a film whose runs have been closed; those of one that has ended are not kept for it any more."""
        recording, view = self._recording, self._state.novel
        if recording is None or not view.filmed:
            return
        if not recording.finished and set(view.filmed) - {run.key for run in self._state.runs}:
            recording.stop()
            self._state.banner = f"{recording.output} was not written: a run that it shows was closed."
        if recording.finished:
            view.filmed = ()

    def close(self) -> None:
        """Stops a film that is being written."""
        if self._recording is not None:
            self._recording.stop()

    # ------------------------------------------------------------------ what is shown

    def _show_choices(self) -> None:
        view = self._state.novel
        for item, value in ((self._mode, view.mode), (self._channel, view.channel)):
            if dpg.get_value(item) != value:
                dpg.set_value(item, value)
        following = view.mode == "follow"
        if following != (dpg.get_item_configuration(self._slider)["max_value"] == 1):
            limits = (0.0, 1.0) if following else (10.0, 110.0)
            words = "wipe %.2f" if following else "view %.0f°"
            dpg.configure_item(self._slider, min_value=limits[0], max_value=limits[1], format=words)
        tip = (
            "From the left: the photo, or in a race the first contestant, as far as this, then the rendering."
            if following
            else "Vertical field of view."
        )
        set_text(self._slider_tip, tip)
        if not dpg.is_item_active(self._slider):
            dpg.set_value(self._slider, self._get_wipe() if following else view.field_of_view_deg)
        shown = not (following and self._state.beside is not None and self._state.race.apart)
        if dpg.is_item_shown(self._slider) != shown:
            dpg.configure_item(self._slider, show=shown)

    def _get_wipe(self) -> float:
        """Of the photo, or of the contestant that is compared."""
        return self._state.novel.wipe if self._state.beside is None else self._state.race.divider

    def _set_wipe(self, value: float) -> None:
        if self._state.beside is None:
            self._state.novel.wipe = value
        else:
            self._state.race.divider = value

    def _write_note(self, drawn: Drawn | None, now: float) -> None:
        recording = self._recording
        busy = recording is not None and not recording.finished
        label = "Stop" if busy else "Film"
        if dpg.get_item_label(self._film) != label:
            dpg.configure_item(self._film, label=label)
        if recording is not None and busy:
            set_text(self._note, f"filming {recording.done} of {recording.total} pictures")
            return
        if recording is not None:
            if recording.error:
                self._state.banner, recording.error = recording.error, None
            elif recording.progress == 1:
                self._state.notice = f"Written: {recording.output}"
            self._recording, self._state.novel.filmed = None, ()
        if drawn is None:
            set_text(self._note, "waiting for the field")
            return
        height, width = drawn.pixels.shape[:2]
        quality = "full quality" if drawn.complete else "quick"
        keys = f"   {len(self._state.novel.keyframes)} keys" if self._state.novel.keyframes else ""
        recent = [moment for moment in self._times if now - moment < 1.0]
        rate = f"{len(recent):2d} fps" if len(recent) > 1 else "at rest"
        set_text(self._note, f"{width} x {height}   {1e3 * drawn.seconds:4.0f} ms   {rate}   {quality}{keys}")


def letterbox(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture between dark bars, so that it is not stretched in a space of `size` (width, height)."""
    height, width = pixels.shape[:2]
    wanted = size[0] / size[1]
    if abs(width / height / wanted - 1) < 0.01:
        return pixels
    wide, high = (round(height * wanted), height) if width / height < wanted else (width, round(width / wanted))
    framed = np.zeros((max(high, height), max(wide, width), 4), np.float32)
    framed[..., :3], framed[..., 3] = 0.08, 1.0
    top, left = (framed.shape[0] - height) // 2, (framed.shape[1] - width) // 2
    framed[top : top + height, left : left + width] = pixels
    return framed
