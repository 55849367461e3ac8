"""Small parts that several panels use: colours, tool tips, texts, sizes, themes of items."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import dearpygui.dearpygui as dpg

Colour = tuple[int, int, int, int]  # RGBA, 0 to 255

ACCENT: Colour = (53, 196, 181, 255)
ACCENT_DIM: Colour = (53, 196, 181, 110)
AMBER: Colour = (232, 163, 61, 255)
RED: Colour = (232, 90, 79, 255)
GREEN: Colour = (120, 200, 90, 255)
TEXT: Colour = (215, 220, 226, 255)
MUTED: Colour = (138, 148, 160, 255)
FAINT: Colour = (58, 66, 76, 255)
GROOVE: Colour = (32, 38, 46, 255)
VIOLET: Colour = (190, 140, 255, 255)
CLEAR: Colour = (0, 0, 0, 0)

TIP_WIDTH = 340  # pixels at which the text of tool tips breaks
TIPS_AT_ONCE = 16  # that are looked at in a frame of the window: all of them would take milliseconds
PADDING = 8  # pixels between the border of a panel and its content
SCROLL_BAR = 14  # pixels


def read_colour(colour: str) -> Colour:
    """Of a colour such as `#56b4e9`."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return red, green, blue, 255


def add_tool_tip(item: int | str, text: str) -> int | str:
    """Adds a text that appears while the mouse rests on an item; returns the text item."""
    with dpg.tooltip(item, delay=0.4) as tip:
        _tips.append(ToolTip(item, tip))
        return dpg.add_text(text, wrap=TIP_WIDTH)


@dataclass
class ToolTip:
    """The tool tip of an item, and whether it may appear."""

    item: int | str
    tip: int | str
    shown: bool = True


_tips: deque[ToolTip] = deque()


def match_tool_tips(count: int = TIPS_AT_ONCE) -> None:
    """Hides the tool tips of hidden items, which Dear PyGui would show for the item before; `count` at a time.

    To be called once per frame of the window.
    """
    for _ in range(min(count, len(_tips))):
        one = _tips.popleft()
        if not dpg.does_item_exist(one.item):
            continue
        shown = dpg.is_item_shown(one.item)
        if shown != one.shown:
            one.shown = shown
            dpg.configure_item(one.tip, show=shown)
        _tips.append(one)


def add_step_button(step: int, tip: str, go: Callable[[int], None]) -> None:
    """Adds an arrow button that calls `go` with `step`: -1 to the previous one, 1 to the next one."""
    label, direction = ("before", dpg.mvDir_Left) if step < 0 else ("next", dpg.mvDir_Right)
    button = dpg.add_button(label=label, arrow=True, direction=direction, callback=lambda: go(step))
    add_tool_tip(button, tip)


def add_muted_text(text: str = "", wrap: int = -1) -> int | str:
    """Adds a text in a pale colour; `wrap` in pixels, -1 for none."""
    return dpg.add_text(text, color=MUTED, wrap=wrap)


def add_heading(text: str) -> int | str:
    """Adds the title of a section of a panel."""
    dpg.add_spacer(height=2)
    return dpg.add_text(text, color=ACCENT)


def add_drawing(height: int) -> tuple[int | str, int | str]:
    """Adds a group with a drawlist, of so many pixels in height; both items. Only the group can have a tool tip."""
    with dpg.group() as group:
        drawlist = dpg.add_drawlist(width=200, height=height)
    return group, drawlist


def measure_inner_width(parent: int | str, least: int = 120) -> int:
    """Width in pixels of a panel's content, with room for a scroll bar whether there is one or not.

    For content whose height depends on its width: it would otherwise make the scroll bar come and go.
    """
    width = measure_size(parent)[0]
    return max(int(width) - 2 * PADDING - SCROLL_BAR, least)


def measure_full_width(parent: int | str, least: int = 120) -> int:
    """Width in pixels of a panel's content, up to the scroll bar where there is one."""
    scrolls = dpg.does_item_exist(parent) and dpg.get_y_scroll_max(parent) > 0
    return measure_inner_width(parent, least) + (0 if scrolls else SCROLL_BAR)


def measure_size(item: int | str) -> tuple[float, float]:
    """(width, height) in pixels of an item; zeros before it was drawn, when Dear PyGui does not know it."""
    if not dpg.does_item_exist(item):
        return 0.0, 0.0
    width, height = dpg.get_item_state(item).get("rect_size", (0.0, 0.0))
    return float(width), float(height)


def show_centred(window: int | str, width: int, height: int) -> None:
    """Shows a window in the middle of the viewport and in front; its size in pixels."""
    across, down = dpg.get_viewport_client_width(), dpg.get_viewport_client_height()
    dpg.configure_item(window, show=True, pos=(max((across - width) // 2, 0), max((down - height) // 2, 0)))
    dpg.focus_item(window)


def set_text(item: int | str, text: str) -> None:
    """Sets a text if it is not set already: otherwise Dear PyGui would copy it in every frame."""
    if dpg.get_value(item) != text:
        dpg.set_value(item, text)


def shorten_text(text: str, room: float) -> str:
    """As much of a text, from its beginning, as fits into so many pixels, with "…" for the rest.

    All of it without a window, where nothing is measured.
    """
    if not dpg.is_viewport_ok() or measure_text(text) <= room:
        return text
    low, high = 0, len(text)  # beginnings of these lengths fit, and do not
    while high - low > 1:
        middle = (low + high) // 2
        fits = measure_text(f"{text[:middle].rstrip()}…") <= room
        low, high = (middle, high) if fits else (low, middle)
    return f"{text[:low].rstrip()}…"


def measure_text(text: str) -> float:
    """Width in pixels; 0 before the font is known."""
    return (dpg.get_text_size(text) or [0.0])[0]


def measure_line() -> float:
    """Height of the font, pixels, at the scale of the window; that of scale 1 before the font is known."""
    return (dpg.get_text_size("x") or [0.0, 14.0])[1]


def centre_text(selectable: int | str) -> None:
    """Puts the text of a selectable in the middle of its height, as those beside it in a table are."""
    with dpg.theme() as theme, dpg.theme_component(dpg.mvSelectable):
        dpg.add_theme_style(dpg.mvStyleVar_SelectableTextAlign, 0.0, 0.5)
    dpg.bind_item_theme(selectable, theme)


def dim_when_disabled(*buttons: int | str) -> None:
    """Makes buttons pale while they are disabled."""
    with dpg.theme() as theme, dpg.theme_component(dpg.mvButton, enabled_state=False):
        dpg.add_theme_color(dpg.mvThemeCol_Text, (88, 96, 106, 255))
        for part in (dpg.mvThemeCol_Button, dpg.mvThemeCol_ButtonHovered, dpg.mvThemeCol_ButtonActive):
            dpg.add_theme_color(part, GROOVE)
    for button in buttons:
        dpg.bind_item_theme(button, theme)


def paint_series(item: int | str, colour: Colour, weight: float) -> None:
    """Sets the colour of a series of a plot, and the width of its line in pixels."""
    with dpg.theme() as theme, dpg.theme_component(dpg.mvAll):
        dpg.add_theme_color(dpg.mvPlotCol_Line, colour, category=dpg.mvThemeCat_Plots)
        dpg.add_theme_style(dpg.mvPlotStyleVar_LineWeight, weight, category=dpg.mvThemeCat_Plots)
    dpg.bind_item_theme(item, theme)
