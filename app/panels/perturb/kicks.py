"""What the perturb panel needs of the things that are kicked, cameras or patches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import dearpygui.dearpygui as dpg

from app.model.perturb.recovery_measures import Measure
from app.panels.widgets.parts import add_tool_tip
from engine.messages import Snapshot

GAP = 6  # pixels between items of a row


class Kicks(Protocol):
    """Sliders for cameras or for patches, and the commands that they send.

    Attributes:
        thing: what is kicked: camera, patch.
        measure: of its errors.
        note_tip: explains `note`.
    """

    thing: str
    measure: Measure
    note_tip: str

    @property
    def obstacle(self) -> str:
        """Why the selected one cannot be kicked; empty if it can."""
        ...

    @property
    def note(self) -> str:
        """A short number beside the name of the selected one."""
        ...

    def build_exact(self) -> None:
        """Adds the sliders for a kick of a chosen size."""
        ...

    def build_random(self) -> None:
        """Adds the sliders for the size of random kicks."""
        ...

    def see(self, snapshot: Snapshot) -> None:
        """Takes note of a new snapshot."""
        ...

    def follow(self) -> None:
        """Applies a drag of the sliders; to be called once per frame of the window."""
        ...

    def resize(self, width: int) -> None:
        """Sets the width of its rows in pixels."""
        ...

    def kick(self) -> None:
        """Kicks the selected one as the sliders say."""
        ...

    def kick_this(self) -> None:
        """Kicks the selected one at random."""
        ...

    def kick_all(self) -> None:
        """Kicks all of them at random."""
        ...


class SliderRow:
    """Sliders side by side that share the width of the panel.

    Attributes:
        items: the sliders.
    """

    def __init__(self) -> None:
        self.items: list[int | str] = []
        with dpg.group(horizontal=True, horizontal_spacing=GAP) as self._group:
            pass

    def add(self, text: str, low: float, high: float, value: float, tip: str, moved: Callable[[], None]) -> int | str:
        """Adds a slider: Dear PyGui's format, limits, value, tool tip, and what is called when it moves."""
        slider = dpg.add_slider_float(
            parent=self._group, min_value=low, max_value=high, default_value=value, format=text, callback=moved
        )
        add_tool_tip(slider, tip + " Ctrl-click to type a value.")
        self.items.append(slider)
        return slider

    def resize(self, width: int) -> None:
        """Divides so many pixels among the sliders that are shown."""
        shown = [item for item in self.items if dpg.is_item_shown(item)]
        for item in shown:
            dpg.configure_item(item, width=(width - (len(shown) - 1) * GAP) // len(shown))
