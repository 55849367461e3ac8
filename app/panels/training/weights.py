"""The weights of the loss: λ, and μ with the switch of the matches."""

from __future__ import annotations

import time

import dearpygui.dearpygui as dpg

from app.model.common.slider_scale import LAMBDA, MU
from app.model.state.choices import describe_lambda, describe_mu, find_matches_obstacle
from app.model.state.scene_kinds import get_planar_scene, get_posed_scene
from app.model.state.state import State
from app.model.state.viewed_run import ViewedRun
from app.panels.training.exponent_slider import ExponentSlider, Weight
from app.panels.widgets.parts import add_tool_tip
from engine.messages import AutoLambda, SetLambda, SetMu, UseMatches

LAMBDA_WEIGHT = Weight(
    symbol="λ",
    name="stiffness of the warp",
    tip="λ weighs the distance between each pixel's own rigid warp and the one transform fitted to them all against "
    "the photometric loss. Drag, double click for the paper's 10², Ctrl-click to type the exponent.",
    range=LAMBDA,
    read=lambda snapshot: snapshot.lambda_exponent,
    command=SetLambda,
    describe=lambda run: describe_lambda(run.settings, get_planar_scene(run) is not None),
    is_idle=lambda run: not run.settings.method_spec.warps_pixels,
)
MU_WEIGHT = Weight(
    symbol="μ",
    name="weight of the matches",
    tip="μ weighs the matches of the photos against the photometric loss: features that are the same thing in several "
    "photos must be seen in one place. Drag, double click for the default, Ctrl-click to type the exponent.",
    range=MU,
    read=lambda snapshot: snapshot.mu_exponent,
    command=SetMu,
    describe=lambda run: describe_mu(run.settings, has_tracks(run)),
    is_idle=lambda run: bool(find_matches_obstacle(run.settings, has_tracks(run))),
)
AUTO_TIP = (
    "The run chooses λ as it goes: the variance of the colours' errors over that of a residual of a quarter pixel of "
    "the photos it trains on, as in a posterior of two Gaussian errors (Kendall et al. 2018). It grows as photos "
    "become finer. Dragging the slider ends it."
)
MATCHES_TIP = "Whether the matches of the photos help to register them. Off: poses are fitted to the colours alone."
PATIENCE = 2.0  # seconds for which the switch shows what the user chose, until the engine reports the same


def has_tracks(run: ViewedRun) -> bool:
    """Whether a run's scene has matches of its photos."""
    scene = get_posed_scene(run)
    return scene is not None and scene.tracks is not None


class Weights:
    """Two sliders; that of μ is shown for scenes with cameras only."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.lambda_slider = ExponentSlider(state, LAMBDA_WEIGHT)
        self.mu_slider = ExponentSlider(state, MU_WEIGHT)
        self._sent: tuple[bool, float] = (False, -PATIENCE)
        self._auto_sent: tuple[bool, float] = (False, -PATIENCE)

    def build(self) -> None:
        """Adds them to the container that is open."""
        self.lambda_slider.build(self._add_auto)
        with dpg.group() as self._matches_part:
            self.mu_slider.build(self._add_switch)

    def update(self, state: State, width: int, now: float) -> None:
        """Brings them up to date, `width` pixels wide; to be called once per frame of the window."""
        self.lambda_slider.update(state, width, now)
        run = state.run
        self._update_auto(run, now)
        posed = run is None or get_planar_scene(run) is None
        if dpg.is_item_shown(self._matches_part) != posed:
            dpg.configure_item(self._matches_part, show=posed)
        if not posed:
            return
        self.mu_slider.update(state, width, now)
        if run is None or run.snapshot is None:
            return
        can = not find_matches_obstacle(run.settings, has_tracks(run))
        chosen, sent_at = self._sent
        uses = chosen if now - sent_at < PATIENCE else run.snapshot.matches
        if dpg.get_value(self.switch) != (uses and can):
            dpg.set_value(self.switch, uses and can)
        dpg.configure_item(self.switch, enabled=can)
        self.mu_slider.show(can)

    def _update_auto(self, run: ViewedRun | None, now: float) -> None:
        """The box says what the engine reports, or for a moment what the user has just chosen."""
        if run is None or run.snapshot is None:
            return
        if self.lambda_slider.held:
            self._auto_sent = (False, -PATIENCE)
        can = run.settings.method_spec.warps_pixels
        if dpg.is_item_shown(self.auto) != can:
            dpg.configure_item(self.auto, show=can)
        chosen, sent_at = self._auto_sent
        auto = chosen if now - sent_at < PATIENCE else run.snapshot.auto_lambda
        if dpg.get_value(self.auto) != auto:
            dpg.set_value(self.auto, auto)

    def _add_auto(self) -> None:
        self.auto = dpg.add_checkbox(label="auto", callback=self._chose_auto)
        add_tool_tip(self.auto, AUTO_TIP)

    def _chose_auto(self, _sender: int, auto: bool) -> None:
        run = self._state.run
        if run is not None:
            self._auto_sent = (auto, time.monotonic())
            run.send(AutoLambda(auto))

    def _add_switch(self) -> None:
        self.switch = dpg.add_checkbox(label="matches", callback=self._switched)
        add_tool_tip(self.switch, MATCHES_TIP)

    def _switched(self, _sender: int, use: bool) -> None:
        run = self._state.run
        if run is not None:
            self._sent = (use, time.monotonic())
            self._state.send(UseMatches(use))
