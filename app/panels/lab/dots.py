"""Marks in a plot."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from app.panels.widgets.parts import CLEAR, Colour


def add_dots(colour: Colour, marker: int, size: float, filled: bool = True) -> int | str:
    """Adds marks of one kind to the y axis that is open; `size` in pixels."""
    item = dpg.add_scatter_series([], [])
    with dpg.theme() as theme, dpg.theme_component(dpg.mvScatterSeries):
        plots = dpg.mvThemeCat_Plots
        dpg.add_theme_color(dpg.mvPlotCol_MarkerFill, colour if filled else CLEAR, category=plots)
        dpg.add_theme_color(dpg.mvPlotCol_MarkerOutline, colour, category=plots)
        dpg.add_theme_style(dpg.mvPlotStyleVar_Marker, marker, category=plots)
        dpg.add_theme_style(dpg.mvPlotStyleVar_MarkerSize, size, category=plots)
        dpg.add_theme_style(dpg.mvPlotStyleVar_MarkerWeight, 2, category=plots)
    dpg.bind_item_theme(item, theme)
    return item
