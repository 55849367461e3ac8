"""The cameras panel while a scene is being opened: what happens, photos with features, then cameras and points."""

from __future__ import annotations

import dearpygui.dearpygui as dpg
import numpy as np
from jaxtyping import Float32, UInt8

from app.model.colmap.contact_sheet import ContactSheet
from app.model.common.aside import ComputedAside
from app.model.state.opening import PHASES, Opening, Phase
from app.model.state.viewed_run import ViewedRun
from app.panels.widgets.parts import ACCENT, ACCENT_DIM, AMBER, MUTED, add_tool_tip, set_text, shorten_text
from engine.scenes.progress import PhotosRead

PERIOD = 0.25  # seconds between two sheets, at least: each takes some hundredths of a second beside the window
NAMES: dict[Phase, str] = {"photos": "photos", "features": "features", "pairs": "pairs", "cameras": "cameras"}
BAR = 260  # width of the progress bar, pixels

Pixels = Float32[np.ndarray, "height width 4"]


class OpeningHeader:
    """Two lines in the place of the legend: what is being done, how far it is, and why."""

    def __init__(self) -> None:
        self._height, self._least = 0, 0

    def build(self) -> None:
        """Adds it to the container that is open, hidden."""
        with dpg.child_window(height=50, border=False, no_scrollbar=True, show=False) as self._window:
            with dpg.group(horizontal=True, horizontal_spacing=10):
                self._bar = dpg.add_progress_bar(width=BAR, height=18)
                self._title = dpg.add_text("", color=ACCENT)
                self._steps = dpg.add_text("", color=MUTED)
            self._sentence = dpg.add_text("", color=MUTED)
            self._whole = add_tool_tip(self._sentence, "")
        with dpg.theme() as theme, dpg.theme_component(dpg.mvProgressBar):  # dim: numbers are written on it
            dpg.add_theme_color(dpg.mvThemeCol_PlotHistogram, ACCENT_DIM)
        dpg.bind_item_theme(self._bar, theme)

    def show(self, shown: bool, height: int) -> None:
        """Shows or hides it, as high as the legend, so that nothing moves when that takes its place."""
        if dpg.is_item_shown(self._window) != shown:
            dpg.configure_item(self._window, show=shown)
        height = max(height, self._least)
        if shown and height > 0 and height != self._height:
            self._height = height
            dpg.configure_item(self._window, height=height)

    def update(self, run: ViewedRun, width: float) -> None:
        """Brings it up to date, for a panel `width` pixels wide."""
        opening = run.opening
        failed = run.error is not None
        self._least = FAILED_HEIGHT if failed else 0
        dpg.configure_item(self._bar, show=not failed)
        dpg.configure_item(self._title, color=AMBER if failed else ACCENT)
        room = max(int(width) - 20, 100)
        dpg.configure_item(self._sentence, wrap=room if failed else -1)
        if failed:
            set_text(self._title, "This scene could not be opened")
            set_text(self._steps, "")
            set_text(self._sentence, run.error or "")
            return
        ready = run.opened is not None
        share = 1.0 if ready else opening.done / opening.total if opening.total else 0.0
        dpg.set_value(self._bar, share)
        dpg.configure_item(self._bar, overlay=describe_amount(opening, ready))
        set_text(self._title, READY if ready else opening.text.title)
        steps = describe_steps(opening) if opening.progress is not None and width > LEAST_FOR_STEPS else ""
        set_text(self._steps, steps)
        sentence = READY_SENTENCE if ready else opening.text.sentence
        set_text(self._sentence, shorten_text(sentence, room))
        set_text(self._whole, sentence)


class OpeningSheet:
    """Photos and features in one picture, drawn in a thread of its own."""

    def __init__(self) -> None:
        self._sheet = ContactSheet()
        self._aside: ComputedAside[Pixels] = ComputedAside()
        self._key: tuple[object, ...] = ()
        self._begun_at = -PERIOD
        self._shown: Pixels | None = None
        self._photos: PhotosRead | None = None
        self._images: list[UInt8[np.ndarray, "height width 3"]] = []

    def update(self, opening: Opening, size: tuple[int, int], now: float) -> Pixels | None:
        """A new picture of (width, height) pixels, where there is one since the last call."""
        photos, progress = opening.photos, opening.progress
        if photos is None or progress is None:
            return None
        if photos is not self._photos:
            self._photos, self._images = photos, list(photos.images)
        key = (id(photos), opening.version, size)
        if key != self._key and not self._aside.busy and now - self._begun_at >= PERIOD:
            self._key, self._begun_at = key, now
            # copies: the progress goes on while they are drawn
            features, counts, agreeing = dict(progress.features), progress.counts.copy(), progress.agreeing.copy()
            self._aside.begin(lambda: self._sheet.draw(self._images, features, counts, agreeing, size))
        newest = self._aside.newest
        if newest is None or newest is self._shown:
            return None
        self._shown = newest
        return newest


def describe_amount(opening: Opening, ready: bool = False) -> str:
    """How far the phase is, for the bar."""
    if ready:
        return f"{opening.seconds:.0f} s"
    amount = f"{opening.done:,} of {opening.total:,}   " if opening.total else ""
    return f"{amount}{opening.seconds:.0f} s"


def describe_steps(opening: Opening) -> str:
    """All phases in a line, with marks for those that have ended and the one under way."""
    marks = ("✓" if opening.has_passed(phase) else "▸" if phase == opening.phase else "·" for phase in PHASES)
    return "   ".join(f"{mark} {NAMES[phase]}" for mark, phase in zip(marks, PHASES, strict=True))


FAILED_HEIGHT = 160  # pixels: the reason may be long, and there is nothing else to see
LEAST_FOR_STEPS = 760  # width of a panel that has room for all phases, pixels
READY = "Preparing the training"
READY_SENTENCE = "The cameras have their first poses; the field begins to learn in a moment."
