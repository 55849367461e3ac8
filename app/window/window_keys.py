"""The keys of the window. The help overlay (`app/panels/bars/help.py`) lists the same."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from app.model.common.pictures import Channel
from app.model.novel.novel_control import change_mode
from app.model.state.excluding import toggle_exclusion
from app.model.state.state import NovelMode, State
from app.panels.bars.top_bar import Actions
from app.window.panel_sets import PanelSets
from app.window.shortcuts import Action, Keys
from engine.messages import Pause, Resume, Step


def make_keys(state: State, panels: PanelSets, actions: Actions, leave: Action) -> Keys:
    """The keys of the window: alone, with Ctrl, with Shift, and with both.

    Args:
        state: that they change.
        panels: of which the perturb panel and the view that are shown are asked.
        actions: also those of the buttons of the top bar.
        leave: asks whether to leave.
    """
    plain: dict[int, Action] = {
        dpg.mvKey_Spacebar: lambda: play_or_pause(state),
        dpg.mvKey_N: lambda: state.send_together(Step()),
        dpg.mvKey_Left: lambda: state.select(state.selected - 1),
        dpg.mvKey_Right: lambda: state.select(state.selected + 1),
        dpg.mvKey_F: panels.frame_all,
        dpg.mvKey_1: lambda: show_channel(state, "colour"),
        dpg.mvKey_2: lambda: show_channel(state, "depth"),
        dpg.mvKey_3: lambda: show_channel(state, "opacity"),
        dpg.mvKey_4: lambda: show_channel(state, "residual"),
        dpg.mvKey_O: lambda: change_view_mode(state, "orbit"),
        dpg.mvKey_P: lambda: change_view_mode(state, "fly"),
        dpg.mvKey_L: lambda: change_view_mode(state, "follow"),
        dpg.mvKey_K: lambda: panels.perturb.kick_this(),
        dpg.mvKey_X: lambda: toggle_exclusion(state),
        dpg.mvKey_F12: actions.screenshot,
        dpg.mvKey_F1: actions.help,
        dpg.mvKey_H: actions.help,
    }
    control: dict[int, Action] = {
        dpg.mvKey_S: actions.save,
        dpg.mvKey_O: actions.open,
        dpg.mvKey_A: actions.add,
        dpg.mvKey_Z: lambda: panels.perturb.undo(),
        dpg.mvKey_Q: leave,
    }
    shift: dict[int, Action] = {dpg.mvKey_K: lambda: panels.perturb.kick_all()}
    both: dict[int, Action] = {dpg.mvKey_Z: lambda: panels.perturb.redo()}
    return plain, control, shift, both


def play_or_pause(state: State) -> None:
    """Pauses the runs if the active one trains; else has them go on."""
    if state.run is not None and state.run.snapshot is not None:
        state.send_together(Pause() if state.run.snapshot.status == "running" else Resume())


def show_channel(state: State, channel: Channel) -> None:
    """Shows a channel of the novel view; the residual needs a frame, so the view then follows the selected one."""
    state.novel.channel = channel
    if channel == "residual":
        change_mode(state.novel, "follow")


def change_view_mode(state: State, mode: NovelMode) -> None:
    """Changes how the camera of the novel view moves."""
    change_mode(state.novel, mode)
