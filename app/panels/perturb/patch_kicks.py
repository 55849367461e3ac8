"""Kicks of patches: shifts in pixels of the image, turns in degrees."""

from __future__ import annotations

import dearpygui.dearpygui as dpg
import numpy as np

from app.model.common.gestures import begin_gesture
from app.model.perturb.patch_motion import PatchMotion, draw_random_motion, move_patch
from app.model.perturb.recovery_measures import PATCHES
from app.model.planar.patch_handles import Family, make_perturb_command
from app.model.state.scene_kinds import get_planar_scene
from app.model.state.state import State
from app.panels.perturb.kicks import GAP, SliderRow
from app.panels.widgets.parts import add_tool_tip
from engine.messages import PerturbAll, Snapshot


class PatchKicks:
    """Sliders for patches; the first patch is fixed and cannot be kicked."""

    thing = "patch"
    measure = PATCHES
    note_tip = "Mean distance of the patch's fitted corners from their true places."

    def __init__(self, state: State) -> None:
        self._state = state
        self._snapshot: Snapshot | None = None
        self._seed = self._width = 0
        self._warp: Family | None = None

    def build_exact(self) -> None:
        self._exact = SliderRow()
        self._exact.add("x %.0f px", -100, 100, 0, "The patch moves right, pixels of the image.", self._moved)
        self._exact.add("y %.0f px", -100, 100, 0, "The patch moves down, pixels of the image.", self._moved)
        self._exact.add("turn %.0f°", -90, 90, 0, "The patch turns clockwise about its middle.", self._moved)
        with dpg.group(horizontal=True, horizontal_spacing=GAP):
            kick = dpg.add_button(label="Kick this patch", callback=self.kick)
            add_tool_tip(
                kick,
                "Moves the selected patch as the sliders say; training continues. In the image its corners, body and "
                "knob can be dragged too.",
            )
            zero = dpg.add_button(label="Zero", callback=self._zero)
            add_tool_tip(zero, "Sets the sliders to zero; no patch moves.")

    def build_random(self) -> None:
        chosen = self._state.patch_perturbation
        self._sigma = SliderRow()
        self._sigma.add("σ %.0f px", 0, 100, chosen.sigma_shift_px, "Standard deviation of the shift.", self._sigmas)
        self._sigma.add("σ %.0f°", 0, 60, chosen.sigma_turn_deg, "Standard deviation of the turn.", self._sigmas)
        self._sigma.add(
            "bend %.0f px",
            0,
            40,
            chosen.sigma_bend_px,
            "Standard deviation of a further shift of each corner, where homographies are fitted; not part of "
            "Kick all.",
            self._sigmas,
        )

    @property
    def obstacle(self) -> str:
        return "The first patch is fixed; select another one." if self._state.selected == 0 else ""

    @property
    def note(self) -> str:
        planar = self._snapshot.planar if self._snapshot is not None else None
        if planar is None or self._state.selected >= len(planar.corners):
            return ""
        return f"corners {planar.corner_error_px[self._state.selected]:.2f} px off"

    def see(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        scene = get_planar_scene(self._state.run)
        if scene is not None and scene.warp != self._warp:
            self._warp = scene.warp
            self._show_freedoms(scene.warp)

    def _show_freedoms(self, warp: Family) -> None:
        """Shows only the sliders that the family of warps allows."""
        x, y, turn = self._exact.items
        shift_sigma, turn_sigma, bend_sigma = self._sigma.items
        for item in (x, y, shift_sigma):
            dpg.configure_item(item, show=warp != "rotation")
        for item in (turn, turn_sigma):
            dpg.configure_item(item, show=warp != "translation")
        dpg.configure_item(bend_sigma, show=warp == "homography")
        self.resize(self._width)

    def resize(self, width: int) -> None:
        self._width = width
        for row in (self._exact, self._sigma):
            row.resize(width)

    def follow(self) -> None:
        pass

    def kick(self) -> None:
        chosen = self._state.patch_perturbation
        self._send(PatchMotion((chosen.shift_px[0], chosen.shift_px[1]), chosen.turn_deg))

    def kick_this(self) -> None:
        chosen = self._state.patch_perturbation
        self._seed += 1
        self._send(draw_random_motion(chosen.sigma_shift_px, chosen.sigma_turn_deg, chosen.sigma_bend_px, self._seed))

    def kick_all(self) -> None:
        run, scene, chosen = self._state.run, get_planar_scene(self._state.run), self._state.patch_perturbation
        if run is None or scene is None:
            return
        self._seed += 1
        unit = max(scene.image_size) / 2  # in which the engine takes shifts
        sigmas = (float(np.radians(chosen.sigma_turn_deg)), chosen.sigma_shift_px / unit)
        self._state.send(PerturbAll(*sigmas, self._seed, gesture=begin_gesture()))

    def _send(self, motion: PatchMotion) -> None:
        run, scene, patch = self._state.run, get_planar_scene(self._state.run), self._state.selected
        planar = self._snapshot.planar if self._snapshot is not None else None
        if run is not None and scene is not None and planar is not None and patch > 0 and motion:
            self._state.send(
                make_perturb_command(patch, move_patch(planar.corners[patch], motion, scene.warp), begin_gesture())
            )

    def _zero(self) -> None:
        for slider in self._exact.items:
            dpg.set_value(slider, 0.0)
        self._moved()

    def _moved(self) -> None:
        chosen = self._state.patch_perturbation
        x, y, chosen.turn_deg = map(dpg.get_value, self._exact.items)
        chosen.shift_px = [x, y]

    def _sigmas(self) -> None:
        chosen = self._state.patch_perturbation
        chosen.sigma_shift_px, chosen.sigma_turn_deg, chosen.sigma_bend_px = map(dpg.get_value, self._sigma.items)
