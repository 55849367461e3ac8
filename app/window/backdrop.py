"""The ground behind the panels: the colour with which the window is cleared.

Dear ImGui fills the whole window for its dock space, and again for the panels that are docked in it. Where the CPU
draws (llvmpipe), each filling costs time: 22 of 45 ms for a frame of 1600 x 1000. Clearing costs nothing. So the dock
space is transparent, and panels are while they lie beside each other. A panel that is taken out of the dock space
covers others; all panels are filled for as long as any two overlap.
"""

from __future__ import annotations

import ctypes
from collections.abc import Collection
from itertools import combinations

import dearpygui._dearpygui
import dearpygui.dearpygui as dpg

from app.window.theme import PANEL

_CONTEXT, _COLOUR = "_ZN5ImGui17GetCurrentContextEv", "_ZN5ImGui17GetStyleColorVec4Ei"  # of Dear ImGui

Box = tuple[float, float, float, float]  # left, top, width, height; pixels


class Backdrop:
    """Makes panels transparent while none of them overlap, and opaque again."""

    def __init__(self, panels: Collection[int]) -> None:
        """`panels` are the tags of their windows; a viewport must have been shown."""
        self._panels = tuple(panels)
        self._filled, self._clear = _window_colour((*PANEL, 255)), _window_colour((*PANEL, 0))
        self._possible = _clear_dock_space()
        self._through = False
        dpg.set_viewport_clear_color([*PANEL, 255])

    def update(self) -> None:
        """Looks whether panels overlap; to be called once per frame."""
        shown = [_box(panel) for panel in self._panels if dpg.is_item_visible(panel)]
        through = self._possible and not any_overlap(shown)
        if through != self._through:
            self._through = through
            for panel in self._panels:
                dpg.bind_item_theme(panel, self._clear if through else self._filled)


def any_overlap(boxes: Collection[Box]) -> bool:
    """Whether any two boxes overlap; boxes that share an edge do not."""
    return any(
        one[0] < other[0] + other[2]
        and other[0] < one[0] + one[2]
        and one[1] < other[1] + other[3]
        and other[1] < one[1] + one[3]
        for one, other in combinations(boxes, 2)
    )


def _box(panel: int) -> Box:
    state = dpg.get_item_state(panel)
    (left, top), (width, height) = state["pos"], state["rect_size"]
    return left, top, width, height


def _window_colour(colour: tuple[int, int, int, int]) -> int | str:
    with dpg.theme() as theme, dpg.theme_component(dpg.mvAll):
        dpg.add_theme_color(dpg.mvThemeCol_WindowBg, colour)
    return theme


def _clear_dock_space() -> bool:
    """Makes the dock space transparent and the title of the focused panel like the others; False where that fails.

    Dear PyGui's themes do not apply to them: the style of Dear ImGui is changed, where the library exports it.
    """
    try:
        library = ctypes.CDLL(dearpygui._dearpygui.__file__)
        context, colour = library[_CONTEXT], library[_COLOUR]
    except (OSError, AttributeError):
        return False
    context.restype, colour.restype, colour.argtypes = ctypes.c_void_p, ctypes.POINTER(ctypes.c_float), [ctypes.c_int]
    if not context():
        return False
    colour(dpg.mvThemeCol_WindowBg)[3] = 0.0
    for channel in range(4):
        colour(dpg.mvThemeCol_TitleBgActive)[channel] = colour(dpg.mvThemeCol_TitleBg)[channel]
    return True
