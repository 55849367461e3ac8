"""The font of the window, with all glyphs that it uses (λ ° σ ▶), at the scale of the user interface."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import dearpygui.dearpygui as dpg

SIZE = 14  # pixels at scale 1


def find_font_file() -> Path | None:
    """DejaVu Sans from matplotlib's files, found without importing matplotlib; None where it is missing."""
    found = importlib.util.find_spec("matplotlib")
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
    return path if path.is_file() else None


def bind_font(scale: float) -> None:
    """Sets DejaVu Sans for all text; Dear PyGui's own bitmap font, enlarged, where it is missing."""
    path = find_font_file()
    if path is None:
        dpg.set_global_font_scale(scale)
        return
    with dpg.font_registry():
        dpg.bind_font(dpg.add_font(str(path), round(SIZE * scale)))
