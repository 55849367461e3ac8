"""Kicks of cameras along and about their own axes."""

from __future__ import annotations

import time

import dearpygui.dearpygui as dpg
import numpy as np

from app.model.common.gestures import DragGesture, begin_gesture
from app.model.common.throttle import Throttle
from app.model.perturb.camera_motion import (
    draw_random_twist,
    find_missing_motion,
    find_twist,
    make_motion,
    measure_spread,
)
from app.model.perturb.recovery_measures import CAMERAS
from app.model.state.scene_kinds import get_posed_scene
from app.model.state.state import State
from app.panels.perturb.kicks import GAP, SliderRow
from app.panels.widgets.parts import add_tool_tip
from engine.messages import PerturbAll, PerturbPose, Snapshot

TURNS = (("rx", "tilts up"), ("ry", "pans right"), ("rz", "rolls clockwise"))
SHIFTS = (("tx", "right"), ("ty", "down"), ("tz", "forward"))


class CameraKicks:
    """Sliders for turns in degrees and shifts in per cent of the cameras' spread."""

    thing = "camera"
    measure = CAMERAS
    obstacle = ""
    note_tip = (
        "Length of the shift below in scene units; 100 % is the cameras' spread, their root mean square distance "
        "from their middle."
    )

    def __init__(self, state: State) -> None:
        self._state = state
        self._live_due: Throttle[np.ndarray] = Throttle(1 / 15)
        self._applied = make_motion((0, 0, 0), (0, 0, 0))
        self._seed = 0
        self._spread = 1.0
        self._was_held = False
        self._gesture = DragGesture()

    def build_exact(self) -> None:
        self._turns, self._shifts = SliderRow(), SliderRow()
        for name, what in TURNS:
            self._turns.add(f"{name} %.1f°", -30, 30, 0, f"{name}: the camera {what}, degrees.", self._moved)
        for name, what in SHIFTS:
            tip = f"{name}: the camera moves {what}, per cent of the cameras' spread."
            self._shifts.add(f"{name} %.0f%%", -100, 100, 0, tip, self._moved)
        with dpg.group(horizontal=True, horizontal_spacing=GAP):
            kick = dpg.add_button(label="Kick this frame", callback=self.kick)
            add_tool_tip(kick, "Moves the selected camera as the sliders say, in its own axes; training continues.")
            zero = dpg.add_button(label="Zero", callback=self.zero)
            add_tool_tip(zero, "Sets the sliders to zero; no camera moves.")
            self._live = dpg.add_checkbox(label="live")
            add_tool_tip(
                self._live, "The camera follows while you drag a slider; after release, training moves it back."
            )

    def build_random(self) -> None:
        chosen = self._state.perturbation
        self._sigma = SliderRow()
        self._sigma.add(
            "σ %.1f°",
            0,
            45,
            chosen.sigma_rotation_deg,
            "Standard deviation of each component of the random rotation vector.",
            self._sigmas,
        )
        self._sigma.add(
            "σ %.0f%%",
            0,
            100,
            chosen.sigma_translation_percent,
            "Standard deviation of each component of the shift, per cent of the spread.",
            self._sigmas,
        )

    @property
    def note(self) -> str:
        length = float(np.linalg.norm(self._translation()))
        return f"shift {length:.4f} units" if length > 0 else ""

    def see(self, snapshot: Snapshot) -> None:
        scene = get_posed_scene(self._state.run)
        if scene is not None and len(snapshot.poses):
            self._spread = measure_spread(snapshot.poses, scene.near)

    def resize(self, width: int) -> None:
        for row in (self._turns, self._shifts, self._sigma):
            row.resize(width)

    def follow(self) -> None:
        """Sends the part of a drag that was not sent yet; sliders return to zero when they are released."""
        held = any(dpg.is_item_active(slider) for slider in (*self._turns.items, *self._shifts.items))
        if not dpg.get_value(self._live):
            self._was_held = False
            self._gesture.follow(held=False)
            return
        due = self._live_due.take(time.monotonic() if held else float("inf"))
        if due is not None:
            self._send(find_missing_motion(self._applied, due), self._gesture.current())
            self._applied = due
        self._gesture.follow(held)
        if self._was_held and not held:
            self._live_due = Throttle(self._live_due.period)
            self.zero()
        self._was_held = held

    def kick(self) -> None:
        self._send(self._motion(), begin_gesture())

    def zero(self) -> None:
        """Sets the sliders to zero."""
        for slider in (*self._turns.items, *self._shifts.items):
            dpg.set_value(slider, 0.0)
        chosen = self._state.perturbation
        chosen.rotation_deg, chosen.translation_percent = [0.0] * 3, [0.0] * 3
        self._applied = make_motion((0, 0, 0), (0, 0, 0))

    def kick_this(self) -> None:
        run = self._state.run
        if run is not None:
            self._seed += 1
            angle = self._state.perturbation.sigma_rotation_deg
            rotation, translation = draw_random_twist(angle, self._sigma_translation, self._seed)
            self._state.send(PerturbPose(self._state.selected, rotation, translation, begin_gesture()))

    def kick_all(self) -> None:
        run = self._state.run
        if run is not None:
            self._seed += 1
            angle = float(np.radians(self._state.perturbation.sigma_rotation_deg))
            self._state.send(PerturbAll(angle, self._sigma_translation, self._seed, gesture=begin_gesture()))

    def _send(self, moved: np.ndarray, gesture: int) -> None:
        run = self._state.run
        if run is not None and not np.allclose(moved, np.eye(3, 4), atol=1e-7):
            rotation, translation = find_twist(moved)
            self._state.send(PerturbPose(self._state.selected, rotation, translation, gesture))

    @property
    def _sigma_translation(self) -> float:
        """Scene units."""
        return self._state.perturbation.sigma_translation_percent / 100 * self._spread

    def _translation(self) -> list[float]:
        return [percent / 100 * self._spread for percent in self._state.perturbation.translation_percent]

    def _motion(self) -> np.ndarray:
        return make_motion(self._state.perturbation.rotation_deg, self._translation())

    def _moved(self) -> None:
        chosen = self._state.perturbation
        chosen.rotation_deg = [dpg.get_value(slider) for slider in self._turns.items]
        chosen.translation_percent = [dpg.get_value(slider) for slider in self._shifts.items]
        if dpg.get_value(self._live):
            self._live_due.offer(self._motion())

    def _sigmas(self) -> None:
        chosen = self._state.perturbation
        chosen.sigma_rotation_deg, chosen.sigma_translation_percent = map(dpg.get_value, self._sigma.items)
