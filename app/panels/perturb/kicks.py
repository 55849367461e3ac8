"""What the perturb panel needs to know of the things that are kicked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import dearpygui.dearpygui as dpg

from app.model.perturb.recovery_measures import Measure
from app.panels.widgets.parts import tool_tip
from engine.messages import Snapshot

GAP = 6  # pixels between items of a row


class Kicks(Protocol):
    """Sliders for cameras or for patches, and the commands that they stand for.

    Attributes:
        thing: what is kicked.
        measure: what counts as its error.
        obstacle: why the selected one cannot be kicked, or empty.
        note: how far the sliders go, in a few words; `note_tip` explains it.
    """

    thing: str
    measure: Measure
    note_tip: str

    @property
    def obstacle(self) -> str: ...

    @property
    def note(self) -> str: ...

    def build_exact(self) -> None:
        """Sliders for a kick of a chosen size."""
        ...

    def build_random(self) -> None:
        """Sliders for the size of a random one."""
        ...

    def see(self, snapshot: Snapshot) -> None:
        """Takes a snapshot in."""
        ...

    def follow(self) -> None:
        """What a drag of the sliders does at once; once per frame."""
        ...

    def resize(self, width: int) -> None:
        """How wide its rows are, pixels."""
        ...

    def kick(self) -> None:
        """Moves the selected one by what the sliders say."""
        ...

    def kick_this(self) -> None:
        """Moves the selected one at random."""
        ...

    def kick_all(self) -> None:
        """Moves all of them at random."""
        ...


class SliderRow:
    """Sliders beside each other that share the width."""

    def __init__(self) -> None:
        self.items: list[int | str] = []
        with dpg.group(horizontal=True, horizontal_spacing=GAP) as self._group:
            pass

    def add(self, text: str, low: float, high: float, value: float, tip: str, moved: Callable[[], None]) -> int | str:
        """One more; Dear PyGui's format, its limits, and what is called when it is moved."""
        slider = dpg.add_slider_float(
            parent=self._group, min_value=low, max_value=high, default_value=value, format=text, callback=moved
        )
        tool_tip(slider, tip + " Ctrl-click types.")
        self.items.append(slider)
        return slider

    def resize(self, width: int) -> None:
        """Shares so many pixels out among those that are shown."""
        shown = [item for item in self.items if dpg.is_item_shown(item)]
        for item in shown:
            dpg.configure_item(item, width=(width - (len(shown) - 1) * GAP) // len(shown))
