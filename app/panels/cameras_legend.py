"""Over the 3D view: what is shown, in which colours, and how errors are coloured."""

from __future__ import annotations

import dearpygui.dearpygui as dpg
import numpy as np

from app.error_colours import ACCENT, BEST_DEG, INITIAL, REFERENCE, WORST_DEG, blended, share
from app.panels.parts import MUTED, Colour, drawing, tool_tip
from app.state import State

COLUMNS = (76, 98, 76, 80, 78)  # pixels of each column of switches
SWATCH = (12, 14)
BAR, STEPS = 150, 30  # width of the error scale in pixels, and how many pieces it is made of
TICKS_DEG = (0.1, 0.3, 1.0, 3.0, 10.0)
AXES: tuple[Colour, ...] = ((230, 84, 79, 255), (112, 194, 82, 255), (79, 143, 237, 255))


def _colour(colour: tuple[float, ...], opacity: float = 1.0) -> Colour:
    red, green, blue = (round(255 * channel) for channel in colour[:3])
    return red, green, blue, round(255 * opacity)


def _errors(count: int) -> tuple[Colour, ...]:
    return tuple(_colour(tuple(colour)) for colour in blended(np.linspace(0.0, 1.0, count)).tolist())


AMBER, GREY = _colour(REFERENCE), _colour(INITIAL)

# layer, word, colours of its swatch, sentence
SWITCHES: tuple[tuple[str, str, tuple[Colour, ...], str], ...] = (
    (
        "fitted",
        "fitted",
        _errors(3),
        "The cameras as registration has them now, coloured by their rotation error where there is a reference.",
    ),
    ("reference", "reference", (AMBER,), "What the data set or COLMAP says, brought into the fitted cameras' world."),
    ("initial", "initial", (GREY,), "Where registration started."),
    ("links", "links", (_errors(3)[2], AMBER), "From each fitted camera to its reference: the shorter, the better."),
    (
        "trails",
        "trails",
        tuple(_colour(ACCENT, opacity) for opacity in (0.25, 0.5, 0.9)),
        "Where the cameras have been since the run began; older is fainter.",
    ),
    ("thumbnails", "photos", (), "The photos, in the image planes of the fitted cameras."),
    ("volume", "volume", (), "The field as it is now, among the cameras."),
    (
        "rays",
        "rays",
        _errors(3),
        "Local rays of the selected frame against its fitted frustum, coloured by their residual, 0.01 to 10 px.",
    ),
    ("ground", "ground", (), "A grid under the scene, and the axes of its world: x red, y green, z blue."),
    ("gizmo", "gizmo", AXES, "Arrows and rings to drag and turn the selected camera, also while training runs."),
)


class CamerasLegend:
    """Two rows of switches with swatches, and the error scale beside them."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._boxes: dict[str, int | str] = {}
        self._groups: dict[str, int | str] = {}
        self._scale: list[int | str] = []

    def build(self) -> None:
        """Into the container on top of the stack."""
        with dpg.table(header_row=False, policy=dpg.mvTable_SizingFixedFit, no_pad_outerX=True):
            for width in COLUMNS:
                dpg.add_table_column(width_fixed=True, init_width_or_weight=width)
            dpg.add_table_column(width_fixed=True, init_width_or_weight=BAR + 40)
            for row in (SWITCHES[:5], SWITCHES[5:]):
                with dpg.table_row():
                    for layer, word, swatch, _ in row:
                        self._build_switch(layer, word, swatch)
                    self._scale.append(_build_scale() if row[0][0] == "fitted" else _build_ticks())
        for layer, _, _, sentence in SWITCHES:  # tool tips are items too: inside a row they would take up columns
            tool_tip(self._groups[layer], sentence)

    def update(self, state: State, width: float) -> None:
        """Shows switches that were thrown elsewhere; the error scale only where the panel is wide enough for all."""
        room = width >= sum(COLUMNS) + BAR + 100
        for part in self._scale:
            if dpg.is_item_shown(part) != room:
                dpg.configure_item(part, show=room)
        for layer, box in self._boxes.items():
            wanted = getattr(state.cameras.layers, layer)
            if dpg.get_value(box) != wanted:
                dpg.set_value(box, wanted)

    def _build_switch(self, layer: str, word: str, swatch: tuple[Colour, ...]) -> None:
        with dpg.group(horizontal=True, horizontal_spacing=4) as self._groups[layer]:
            box = dpg.add_checkbox(default_value=True, callback=self._switch, user_data=layer)
            if swatch:
                with dpg.drawlist(*SWATCH):
                    width = SWATCH[0] / len(swatch)
                    for index, colour in enumerate(swatch):
                        left, right = index * width, (index + 1) * width
                        dpg.draw_rectangle((left, 6), (right, 11), color=(0, 0, 0, 0), fill=colour)
            dpg.add_text(word)
        self._boxes[layer] = box

    def _switch(self, _sender: int, value: bool, layer: str) -> None:
        setattr(self._state.cameras.layers, layer, value)


def _build_scale() -> int | str:
    group, scale = drawing(18)
    dpg.configure_item(scale, width=BAR + 40)
    tool_tip(group, "Rotation error of the fitted cameras, once the reference was aligned to them; logarithmic.")
    for step, colour in enumerate(_errors(STEPS)):
        left = 8 + step * BAR / STEPS
        dpg.draw_rectangle((left, 12), (left + BAR / STEPS, 17), color=colour, fill=colour, parent=scale)
    dpg.draw_text((8, -1), "rotation error", size=12, color=MUTED, parent=scale)
    return group


def _build_ticks() -> int | str:
    group, ticks = drawing(18)
    dpg.configure_item(ticks, width=BAR + 40)
    for degrees in TICKS_DEG:
        place = 8 + float(share(np.array(degrees), BEST_DEG, WORST_DEG)) * BAR
        dpg.draw_line((place, 0), (place, 3), color=MUTED, parent=ticks)
        dpg.draw_text((place - 6, 3), f"{degrees:g}°", size=12, color=MUTED, parent=ticks)
    return group
