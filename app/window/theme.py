"""The look of the window: dark, one accent colour, spacing in steps of four pixels."""

from __future__ import annotations

from collections.abc import Iterable

import dearpygui.dearpygui as dpg

from app.panels.widgets.parts import ACCENT, MUTED, TEXT

BACKGROUND = (20, 23, 28)
PANEL = (27, 31, 38)
RAISED = (38, 44, 53)
RAISED_MORE = (50, 58, 69)
LINE = (45, 52, 62)
DIALOG = (32, 37, 45)
ACCENT_DEEP = (30, 110, 102)
ACCENT_DARK = (27, 66, 66)
KNOB = (30, 104, 97)
KNOB_HELD = (40, 146, 135)

_COLOURS: dict[int, tuple[int, ...]] = {
    dpg.mvThemeCol_WindowBg: PANEL,
    dpg.mvThemeCol_ChildBg: PANEL,
    dpg.mvThemeCol_PopupBg: (24, 28, 34),
    dpg.mvThemeCol_Border: LINE,
    dpg.mvThemeCol_Text: TEXT,
    dpg.mvThemeCol_TextDisabled: MUTED,
    dpg.mvThemeCol_FrameBg: RAISED,
    dpg.mvThemeCol_FrameBgHovered: RAISED_MORE,
    dpg.mvThemeCol_FrameBgActive: RAISED_MORE,
    dpg.mvThemeCol_Button: RAISED,
    dpg.mvThemeCol_ButtonHovered: ACCENT_DEEP,
    dpg.mvThemeCol_ButtonActive: ACCENT,
    dpg.mvThemeCol_Header: ACCENT_DARK,
    dpg.mvThemeCol_HeaderHovered: ACCENT_DEEP,
    dpg.mvThemeCol_HeaderActive: ACCENT_DEEP,
    dpg.mvThemeCol_SliderGrab: KNOB,  # dark: the value of a slider is written across its grab
    dpg.mvThemeCol_SliderGrabActive: KNOB_HELD,
    dpg.mvThemeCol_CheckMark: ACCENT,
    dpg.mvThemeCol_TitleBg: BACKGROUND,
    dpg.mvThemeCol_TitleBgActive: BACKGROUND,
    dpg.mvThemeCol_TitleBgCollapsed: BACKGROUND,
    dpg.mvThemeCol_Tab: BACKGROUND,
    dpg.mvThemeCol_TabHovered: ACCENT_DEEP,
    dpg.mvThemeCol_TabActive: ACCENT_DARK,
    dpg.mvThemeCol_TabUnfocused: BACKGROUND,
    dpg.mvThemeCol_TabUnfocusedActive: ACCENT_DARK,
    dpg.mvThemeCol_Separator: LINE,
    dpg.mvThemeCol_SeparatorHovered: ACCENT_DEEP,
    dpg.mvThemeCol_SeparatorActive: ACCENT,
    dpg.mvThemeCol_ResizeGrip: LINE,
    dpg.mvThemeCol_ResizeGripHovered: ACCENT_DEEP,
    dpg.mvThemeCol_ResizeGripActive: ACCENT,
    dpg.mvThemeCol_ScrollbarBg: PANEL,
    dpg.mvThemeCol_ScrollbarGrab: RAISED_MORE,
    dpg.mvThemeCol_ScrollbarGrabHovered: MUTED,
    dpg.mvThemeCol_DockingEmptyBg: BACKGROUND,
    dpg.mvThemeCol_DockingPreview: ACCENT_DEEP,
    dpg.mvThemeCol_PlotHistogram: ACCENT,
    dpg.mvThemeCol_ModalWindowDimBg: (8, 10, 12, 160),
}

_STYLES: dict[int, tuple[float, ...]] = {
    dpg.mvStyleVar_WindowPadding: (8, 8),
    dpg.mvStyleVar_FramePadding: (8, 3),
    dpg.mvStyleVar_ItemSpacing: (8, 4),
    dpg.mvStyleVar_ItemInnerSpacing: (6, 4),
    dpg.mvStyleVar_FrameRounding: (3,),
    dpg.mvStyleVar_WindowRounding: (0,),
    dpg.mvStyleVar_PopupRounding: (4,),
    dpg.mvStyleVar_GrabMinSize: (4,),  # narrower than a digit: it must not be taken for a part of the value
    dpg.mvStyleVar_GrabRounding: (2,),
    dpg.mvStyleVar_TabRounding: (3,),
    dpg.mvStyleVar_ScrollbarSize: (11,),
    dpg.mvStyleVar_WindowBorderSize: (0,),
}


def bind_theme(scale: float) -> None:
    """Sets the theme of all windows, with spacing times `scale`."""
    with dpg.theme() as theme, dpg.theme_component(dpg.mvAll):
        for target, colour in _COLOURS.items():
            dpg.add_theme_color(target, colour)
        for target, values in _STYLES.items():
            dpg.add_theme_style(target, *(value * scale for value in values))
    dpg.bind_theme(theme)


def frame_dialogs(dialogs: Iterable[int]) -> None:
    """Gives windows that lie above the panels a frame, without which they would run into them."""
    with dpg.theme() as theme, dpg.theme_component(dpg.mvAll):
        dpg.add_theme_color(dpg.mvThemeCol_WindowBg, DIALOG)
        dpg.add_theme_color(dpg.mvThemeCol_Border, ACCENT_DEEP)
        dpg.add_theme_style(dpg.mvStyleVar_WindowBorderSize, 1)
        dpg.add_theme_style(dpg.mvStyleVar_WindowRounding, 4)
    for dialog in dialogs:
        dpg.bind_item_theme(dialog, theme)
