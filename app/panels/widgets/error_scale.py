"""The colours of errors as a bar with ticks, in two lines of a legend."""

from __future__ import annotations

from collections.abc import Sequence

import dearpygui.dearpygui as dpg
import numpy as np

from app.model.common.error_colours import ErrorScale, blend_stops, find_scale_place
from app.panels.widgets.parts import MUTED, Colour, add_drawing, add_tool_tip

BAR, STEPS = 150, 30  # width in pixels; rectangles that it is made of
BESIDE = 40  # pixels beside the bar, for the outermost ticks and gaps
LINE = 18  # height of each of the two lines, pixels


def make_error_colours(count: int) -> tuple[Colour, ...]:
    """`count` colours from the smallest error to the largest."""
    return tuple(to_bytes(tuple(colour)) for colour in blend_stops(np.linspace(0.0, 1.0, count)).tolist())


def to_bytes(colour: tuple[float, ...], opacity: float = 1.0) -> Colour:
    """A colour and an opacity in [0, 1] as Dear PyGui's RGBA in 0 to 255."""
    red, green, blue = (round(255 * channel) for channel in colour[:3])
    return red, green, blue, round(255 * opacity)


def build_scale(title: str, sentence: str, bar: int = BAR) -> int | str:
    """Adds the title and the bar, `bar` pixels wide; `sentence` is its tool tip. The group that holds them."""
    group, scale = add_drawing(LINE)
    dpg.configure_item(scale, width=bar + BESIDE)
    add_tool_tip(group, sentence)
    for step, colour in enumerate(make_error_colours(STEPS)):
        left = 8 + step * bar / STEPS
        dpg.draw_rectangle((left, 12), (left + bar / STEPS, 17), color=colour, fill=colour, parent=scale)
    dpg.draw_text((8, -1), title, size=12, color=MUTED, parent=scale)
    return group


def build_ticks(values: Sequence[float], unit: str, limits: ErrorScale, bar: int = BAR) -> int | str:
    """Adds ticks for below the bar, whose ends are `limits` (logarithmic). The group that holds them."""
    group, ticks = add_drawing(LINE)
    dpg.configure_item(ticks, width=bar + BESIDE)
    for value in values:
        place = 8 + float(find_scale_place(np.array(value), limits)) * bar
        dpg.draw_line((place, 0), (place, 3), color=MUTED, parent=ticks)
        dpg.draw_text((place - 6, 3), f"{value:g}{unit}", size=12, color=MUTED, parent=ticks)
    return group
