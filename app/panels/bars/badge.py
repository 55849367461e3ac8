"""The verdict on the run as a badge in the top bar."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from app.model.frame.frame_errors import choose_verdict
from app.model.state.state import State
from app.panels.widgets.parts import AMBER, GREEN, RED, TIP_WIDTH, Colour, set_text
from engine.evidence.verdict import Verdict, VerdictState
from engine.messages import Snapshot

COLOURS: dict[VerdictState, Colour] = {"registered": GREEN, "doubtful": AMBER, "failed": RED}
MARKS: dict[VerdictState, str] = {"registered": "✓", "doubtful": "?", "failed": "!"}
FILL = 0.28  # opacity of the badge
MOST = 8  # frames that its tool tip names


class VerdictBadge:
    """Green, amber or red; its tool tip has the reason, and a click shows it for a while."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._shown: Verdict | None = None

    def build(self) -> None:
        """Adds it to the container that is open, hidden."""
        self._themes = {state: _make_theme(colour) for state, colour in COLOURS.items()}
        self._button = dpg.add_button(label="verdict", show=False, callback=self._clicked)
        with dpg.tooltip(self._button, delay=0.2):
            self._tip = dpg.add_text("", wrap=TIP_WIDTH)

    def update(self, snapshot: Snapshot | None) -> None:
        """Shows the verdict of a snapshot; nothing without one."""
        verdict = choose_verdict(snapshot)
        if verdict is self._shown:
            return
        self._shown = verdict
        dpg.configure_item(self._button, show=verdict is not None)
        if verdict is not None:
            dpg.configure_item(self._button, label=f"{MARKS[verdict.state]} {verdict.state}###verdict")
            dpg.bind_item_theme(self._button, self._themes[verdict.state])
            set_text(self._tip, describe_verdict(verdict))

    def _clicked(self) -> None:
        if self._shown is not None:
            self._state.notice = f"{self._shown.state.capitalize()}: {self._shown.reason}"


def describe_verdict(verdict: Verdict) -> str:
    """The reason, and the frames that are not registered, in lines."""
    lines = [verdict.reason]
    odd = [frame for frame in verdict.frames if frame.state != "registered"]
    lines += [f"{frame.name}: {frame.state}, {frame.reason}" for frame in odd[:MOST]]
    if len(odd) > MOST:
        lines.append(f"and {len(odd) - MOST} more frames")
    return "\n".join(lines)


def _make_theme(colour: Colour) -> int | str:
    red, green, blue = colour[:3]
    with dpg.theme() as theme, dpg.theme_component(dpg.mvButton):
        dpg.add_theme_color(dpg.mvThemeCol_Text, colour)
        for part, opacity in (("Button", FILL), ("ButtonHovered", 1.6 * FILL), ("ButtonActive", 2 * FILL)):
            dpg.add_theme_color(getattr(dpg, f"mvThemeCol_{part}"), (red, green, blue, round(255 * opacity)))
        dpg.add_theme_style(dpg.mvStyleVar_FrameRounding, 9)
    return theme
