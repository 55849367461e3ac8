"""The perturb panel: kicks of cameras or patches, by hand or at random, undo and redo, and how they recover."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from app.model.state.state import State
from app.model.state.viewed_run import describe_absence
from app.panels.perturb.kicks import GAP, Kicks
from app.panels.perturb.recovery import RecoveryView
from app.panels.widgets.parts import (
    AMBER,
    add_muted_text,
    add_tool_tip,
    dim_when_disabled,
    measure_full_width,
    set_text,
)
from engine.messages import RedoPerturbation, Snapshot, UndoPerturbation


class PerturbPanel:
    """Sliders of the things that are kicked, random kicks, undo, and the read-out of the recovery."""

    title = "Perturb"

    def __init__(self, state: State, kicks: Kicks) -> None:
        self._state, self.kicks = state, kicks
        self._recovery = RecoveryView(kicks.measure, kicks.thing)
        self._width = 0
        self._snapshot: Snapshot | None = None
        self._parent: int | str = 0
        self._pairs: list[int | str] = []

    def build(self, parent: int | str) -> None:
        self._parent = parent
        kicks = self.kicks
        with dpg.group(parent=parent):
            with dpg.group(horizontal=True):
                self._name = dpg.add_text("")
                self._note = add_muted_text("")
            add_tool_tip(self._note, kicks.note_tip)
            kicks.build_exact()
            self._obstacle = dpg.add_text("", color=AMBER, wrap=260, show=False)
            dpg.add_spacer(height=2)
            kicks.build_random()
            with dpg.group(horizontal=True, horizontal_spacing=GAP):
                this = dpg.add_button(label="Kick this", callback=self.kick_this)
                add_tool_tip(this, f"Kicks the selected {kicks.thing} at random, each time differently (K).")
                everyone = dpg.add_button(label="Kick all", callback=self.kick_all)
                add_tool_tip(everyone, f"Kicks every {kicks.thing} at random, each time differently (Shift-K).")
            with dpg.group(horizontal=True, horizontal_spacing=GAP):
                self._undo = dpg.add_button(label="Undo", callback=self.undo)
                add_tool_tip(self._undo, "Undoes the last kick, or the last drag as a whole.")
                self._redo = dpg.add_button(label="Redo", callback=self.redo)
                add_tool_tip(self._redo, f"Applies the undone kick again, from where each {kicks.thing} is now.")
            dim_when_disabled(self._undo, self._redo)
            self._pairs = [this, everyone, self._undo, self._redo]
            dpg.add_spacer(height=2)
            self._recovery.build()

    def update(self, state: State) -> None:
        self._resize(measure_full_width(self._parent))
        run = state.run
        snapshot = run.snapshot if run is not None else None
        if run is None or run.scene is None or snapshot is None or not self.kicks.measure.frames(snapshot):
            set_text(self._name, describe_absence(run))
            return
        names = [run.scene.names[frame] for frame in run.scene.training_frames]
        self._recovery.see(snapshot)
        if snapshot is not self._snapshot:
            self._snapshot = snapshot
            self.kicks.see(snapshot)
            for item, word, count in (
                (self._undo, "Undo", snapshot.undoable),
                (self._redo, "Redo", snapshot.redoable),
            ):
                dpg.set_item_label(item, f"{word} ({count})###{word}")
                dpg.configure_item(item, enabled=count > 0)
        frame = names[state.selected]
        set_text(self._name, frame if self.kicks.thing == "patch" else f"Frame {state.selected + 1}: {frame}")
        set_text(self._note, self.kicks.note)
        obstacle = self.kicks.obstacle
        set_text(self._obstacle, obstacle)
        dpg.configure_item(self._obstacle, show=bool(obstacle), wrap=self._width)
        self.kicks.follow()
        self._recovery.update(state.selected, names, self._width)

    def kick_this(self) -> None:
        """Kicks the selected one by random noise of the chosen size."""
        self.kicks.kick_this()

    def kick_all(self) -> None:
        """Kicks all of them by random noise of the chosen size."""
        self.kicks.kick_all()

    def undo(self) -> None:
        """Undoes the last kick, or the last drag as a whole."""
        if self._state.run is not None and self._snapshot is not None and self._snapshot.undoable:
            self._state.send(UndoPerturbation())

    def redo(self) -> None:
        """Applies again what was undone last."""
        if self._state.run is not None and self._snapshot is not None and self._snapshot.redoable:
            self._state.send(RedoPerturbation())

    def _resize(self, width: int) -> None:
        if width == self._width:
            return
        self._width = width
        self.kicks.resize(width)
        for item in self._pairs:
            dpg.configure_item(item, width=(width - GAP) // 2)
