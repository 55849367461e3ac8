"""Which key does what. The help overlay (`app/panels/bars/help.py`) lists the same."""

from __future__ import annotations

from typing import Protocol

import dearpygui.dearpygui as dpg

from app.model.common.pictures import Channel
from app.model.export import saving
from app.model.novel.novel_control import change_mode
from app.model.state.state import NovelMode, State
from app.panels.perturb.panel import PerturbPanel
from app.window.shortcuts import Action, Keys
from engine.messages import Pause, Resume, Step


class KeyTarget(Protocol):
    """What keys ask of the window."""

    @property
    def state(self) -> State: ...

    @property
    def perturb(self) -> PerturbPanel: ...

    def frame_all(self) -> None: ...

    def ask_for_screenshot(self) -> None: ...

    def toggle_help(self) -> None: ...

    def ask_for_scene(self) -> None: ...

    def ask_for_photos(self) -> None: ...

    def ask_to_leave(self) -> None: ...


def keys(window: KeyTarget) -> Keys:
    """Keys alone, with Ctrl, with Shift, and with both."""
    state = window.state
    plain: dict[int, Action] = {
        dpg.mvKey_Spacebar: lambda: play_or_pause(state),
        dpg.mvKey_N: lambda: state.send_all(Step()),
        dpg.mvKey_Left: lambda: state.select(state.selected - 1),
        dpg.mvKey_Right: lambda: state.select(state.selected + 1),
        dpg.mvKey_F: window.frame_all,
        dpg.mvKey_1: lambda: show(state, "colour"),
        dpg.mvKey_2: lambda: show(state, "depth"),
        dpg.mvKey_3: lambda: show(state, "opacity"),
        dpg.mvKey_4: lambda: show(state, "residual"),
        dpg.mvKey_O: lambda: look(state, "orbit"),
        dpg.mvKey_P: lambda: look(state, "fly"),
        dpg.mvKey_L: lambda: look(state, "follow"),
        dpg.mvKey_K: lambda: window.perturb.kick_this(),
        dpg.mvKey_F12: window.ask_for_screenshot,
        dpg.mvKey_F1: window.toggle_help,
        dpg.mvKey_H: window.toggle_help,
    }
    control: dict[int, Action] = {
        dpg.mvKey_S: lambda: saving.save(state),
        dpg.mvKey_O: window.ask_for_scene,
        dpg.mvKey_A: window.ask_for_photos,
        dpg.mvKey_Z: lambda: window.perturb.undo(),
        dpg.mvKey_Q: window.ask_to_leave,
    }
    shift: dict[int, Action] = {dpg.mvKey_K: lambda: window.perturb.kick_all()}
    both: dict[int, Action] = {dpg.mvKey_Z: lambda: window.perturb.redo()}
    return plain, control, shift, both


def play_or_pause(state: State) -> None:
    """Pauses a run that trains; has any other go on."""
    if state.run is not None and state.run.snapshot is not None:
        state.send_all(Pause() if state.run.snapshot.status == "running" else Resume())


def show(state: State, channel: Channel) -> None:
    """A channel of the novel view; the residual is that of a frame."""
    state.novel.channel = channel
    if channel == "residual":
        change_mode(state.novel, "follow")


def look(state: State, mode: NovelMode) -> None:
    """A way of moving in the novel view."""
    change_mode(state.novel, mode)
