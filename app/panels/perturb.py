"""The perturb panel: knock cameras off by hand or by noise, take it back, and watch them return."""

from __future__ import annotations

import time

import dearpygui.dearpygui as dpg
import numpy as np

from app.camera_motion import between, motion, random_twist, spread, twist
from app.kick_gestures import gestures
from app.panels.parts import dims_when_disabled, inner_width, muted, see_through, set_text, tool_tip
from app.panels.recovery_view import RecoveryView
from app.state import State
from app.throttle import Throttle
from engine.messages import PerturbAll, PerturbPose, RedoPerturbation, Snapshot, UndoPerturbation

GAP = 6
TURNS = (("rx", "tilts up"), ("ry", "pans right"), ("rz", "rolls clockwise"))
SHIFTS = (("tx", "right"), ("ty", "down"), ("tz", "forward"))


class PerturbPanel:
    """Sliders in the selected camera's own axes, noise, undo, and the recovery read-out."""

    title = "Perturb"

    def __init__(self, state: State) -> None:
        self._state = state
        self._recovery = RecoveryView()
        self._live_due: Throttle[np.ndarray] = Throttle(1 / 15)
        self._applied = motion((0, 0, 0), (0, 0, 0))
        self._seed = 0
        self._spread = 1.0
        self._width = 0
        self._was_held = False
        self._snapshot: Snapshot | None = None
        self._parent: int | str = 0
        self._turns: list[int | str] = []
        self._shifts: list[int | str] = []
        self._pairs: list[int | str] = []

    def build(self, parent: int | str) -> None:
        self._parent = parent
        chosen = self._state.perturbation
        with dpg.group(parent=parent):
            with dpg.group(horizontal=True):
                self._name = dpg.add_text("")
                self._units = muted("")
            tool_tip(
                self._units,
                "How far the shift below goes, in scene units; 100 % is the cameras' spread, the root mean square "
                "distance from their middle.",
            )
            with dpg.group(horizontal=True, horizontal_spacing=GAP):
                self._turns = [
                    self._slider(f"{n} %.1f°", 30.0, f"{n}: the camera {what}, degrees.") for n, what in TURNS
                ]
            with dpg.group(horizontal=True, horizontal_spacing=GAP):
                self._shifts = [
                    self._slider(
                        f"{n} %.0f%%", 100.0, f"{n}: the camera moves {what}, per cent of the cameras' spread."
                    )
                    for n, what in SHIFTS
                ]
            with dpg.group(horizontal=True, horizontal_spacing=GAP):
                kick = dpg.add_button(label="Kick this frame", callback=self._kick_by_sliders)
                tool_tip(kick, "Moves the selected camera by what the sliders say, in its own axes; training goes on.")
                zero = dpg.add_button(label="Zero", callback=self._zero)
                tool_tip(zero, "Sliders back to zero; no camera moves.")
                self._live = dpg.add_checkbox(label="live")
                tool_tip(
                    self._live, "While you drag a slider the camera follows at once; let go, and it finds its way."
                )
            dpg.add_spacer(height=2)
            with dpg.group(horizontal=True, horizontal_spacing=GAP):
                sigma_turn = dpg.add_slider_float(
                    default_value=chosen.sigma_rotation_deg, max_value=45.0, format="σ %.1f°", callback=self._sigmas
                )
                tool_tip(sigma_turn, "Standard deviation of each component of the random rotation vector.")
                sigma_shift = dpg.add_slider_float(
                    default_value=chosen.sigma_translation_percent,
                    max_value=100.0,
                    format="σ %.0f%%",
                    callback=self._sigmas,
                )
                tool_tip(sigma_shift, "Standard deviation of each component of the shift, per cent of the spread.")
            self._sigma = (sigma_turn, sigma_shift)
            with dpg.group(horizontal=True, horizontal_spacing=GAP):
                this = dpg.add_button(label="Kick this", callback=self.kick_this)
                tool_tip(this, "Random noise on the selected camera; every press draws another (K).")
                everyone = dpg.add_button(label="Kick all", callback=self.kick_all)
                tool_tip(everyone, "Random noise on every camera; every press draws another (Shift+K).")
            with dpg.group(horizontal=True, horizontal_spacing=GAP):
                self._undo = dpg.add_button(label="Undo", callback=self.undo)
                tool_tip(self._undo, "Puts cameras back where they stood before the last kick, or the last drag.")
                self._redo = dpg.add_button(label="Redo", callback=self.redo)
                tool_tip(self._redo, "Kicks again what was taken back, from where the cameras are now.")
            dims_when_disabled(self._undo, self._redo)
            see_through(*self._turns, *self._shifts, *self._sigma)
            self._pairs = [*self._sigma, this, everyone, self._undo, self._redo]
            dpg.add_spacer(height=2)
            self._recovery.build()

    def update(self, state: State) -> None:
        self._resize(inner_width(self._parent))
        run = state.run
        if run is None or run.scene is None or run.snapshot is None or not len(run.snapshot.poses):
            set_text(self._name, "No run yet")
            return
        snapshot = run.snapshot
        names = [run.scene.names[frame] for frame in run.scene.training_frames]
        self._recovery.see(snapshot, names)
        if snapshot is not self._snapshot:
            self._snapshot = snapshot
            self._spread = spread(snapshot.poses, run.scene.near)
            dpg.set_item_label(self._undo, f"Undo ({snapshot.undoable})###undo")
            dpg.set_item_label(self._redo, f"Redo ({snapshot.redoable})###redo")
            dpg.configure_item(self._undo, enabled=snapshot.undoable > 0)
            dpg.configure_item(self._redo, enabled=snapshot.redoable > 0)
        set_text(self._name, f"Frame {state.selected + 1}: {names[state.selected]}")
        shift = np.linalg.norm(self._translation())
        set_text(self._units, f"{shift:.4f} units")
        self._drag_live()
        self._recovery.update(state.selected, names, self._width)

    # ------------------------------------------------------------------ what the sliders say

    def _slider(self, text: str, reach: float, tip: str) -> int | str:
        slider = dpg.add_slider_float(min_value=-reach, max_value=reach, format=text, callback=self._moved)
        tool_tip(slider, tip + " Ctrl-click types.")
        return slider

    def _translation(self) -> list[float]:
        return [percent / 100 * self._spread for percent in self._state.perturbation.translation_percent]

    def _motion(self) -> np.ndarray:
        return motion(self._state.perturbation.rotation_deg, self._translation())

    def _moved(self) -> None:
        chosen = self._state.perturbation
        chosen.rotation_deg = [dpg.get_value(slider) for slider in self._turns]
        chosen.translation_percent = [dpg.get_value(slider) for slider in self._shifts]
        if dpg.get_value(self._live):
            self._live_due.offer(self._motion())

    def _zero(self) -> None:
        for slider in (*self._turns, *self._shifts):
            dpg.set_value(slider, 0.0)
        chosen = self._state.perturbation
        chosen.rotation_deg, chosen.translation_percent = [0.0] * 3, [0.0] * 3
        self._applied = motion((0, 0, 0), (0, 0, 0))

    def _sigmas(self) -> None:
        chosen = self._state.perturbation
        chosen.sigma_rotation_deg, chosen.sigma_translation_percent = (dpg.get_value(item) for item in self._sigma)

    # ------------------------------------------------------------------ commands

    def _kick(self, moved: np.ndarray) -> None:
        run = self._state.run
        if run is not None and not np.allclose(moved, np.eye(3, 4), atol=1e-7):
            rotation, translation = twist(moved)
            run.send(PerturbPose(self._state.selected, rotation, translation))

    def _kick_by_sliders(self) -> None:
        self._kick(self._motion())

    def _drag_live(self) -> None:
        """Sends what is still missing of a drag; when all sliders are let go, they return to zero."""
        held = any(dpg.is_item_active(slider) for slider in (*self._turns, *self._shifts))
        if not dpg.get_value(self._live):
            self._was_held = False
            return
        due = self._live_due.take(time.monotonic() if held else float("inf"))
        if due is not None:
            self._kick(between(self._applied, due))
            self._applied = due
        if self._was_held and not held:
            self._live_due = Throttle(self._live_due.period)
            self._zero()
        self._was_held = held

    def kick_this(self) -> None:
        """Knocks the selected camera off by random noise of the chosen size."""
        run, chosen = self._state.run, self._state.perturbation
        if run is None:
            return
        self._seed += 1
        sigma = chosen.sigma_translation_percent / 100 * self._spread
        rotation, translation = random_twist(chosen.sigma_rotation_deg, sigma, self._seed)
        run.send(PerturbPose(self._state.selected, rotation, translation))

    def kick_all(self) -> None:
        """Knocks every camera off by random noise of the chosen size."""
        run, chosen = self._state.run, self._state.perturbation
        if run is None:
            return
        self._seed += 1
        sigma = chosen.sigma_translation_percent / 100 * self._spread
        run.send(PerturbAll(float(np.radians(chosen.sigma_rotation_deg)), sigma, self._seed))

    def undo(self) -> None:
        """Takes the last kick back, or the last drag as a whole."""
        if self._state.run is not None and self._snapshot is not None:
            for _ in range(min(max(gestures(self._snapshot.events)[0], 1), self._snapshot.undoable)):
                self._state.run.send(UndoPerturbation())

    def redo(self) -> None:
        """Does again what was taken back last."""
        if self._state.run is not None and self._snapshot is not None:
            for _ in range(min(max(gestures(self._snapshot.events)[1], 1), self._snapshot.redoable)):
                self._state.run.send(RedoPerturbation())

    # ------------------------------------------------------------------ its looks

    def _resize(self, width: int) -> None:
        if width == self._width:
            return
        self._width = width
        for item in (*self._turns, *self._shifts):
            dpg.configure_item(item, width=(width - 2 * GAP) // 3)
        for item in self._pairs:
            dpg.configure_item(item, width=(width - GAP) // 2)
