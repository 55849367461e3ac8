"""The choice of a stage of the schedule, whose band limit an experiment uses."""

from __future__ import annotations

from collections.abc import Callable

import dearpygui.dearpygui as dpg

from app.panels.widgets.parts import add_tool_tip


class StageChoice:
    """A list of the stages of the run. Creating one adds it to the container that is open."""

    def __init__(self, others: str, width: int, tip: str, choose: Callable[[int | None], None]) -> None:
        """`others` is what stands first, for no single stage; `choose` is called with a stage's index, or None for
        that."""
        self._others, self._choose = others, choose
        self._stages: tuple[str, ...] = ()
        self._combo = dpg.add_combo([others], default_value=others, width=width, callback=self._chosen)
        add_tool_tip(self._combo, tip)

    def offer(self, stages: tuple[str, ...]) -> bool:
        """Lists these stages; where they are other ones than before none is chosen, and the answer is True."""
        if stages == self._stages:
            return False
        self._stages = stages
        dpg.configure_item(self._combo, items=[self._others, *stages])
        dpg.set_value(self._combo, self._others)
        return True

    def _chosen(self, _: int, name: str) -> None:
        self._choose(self._stages.index(name) if name in self._stages else None)
