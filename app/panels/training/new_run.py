"""The choices for a new run of the scene: method, field, preset, seed; initial poses, or how patches are cut."""

from __future__ import annotations

import math
from dataclasses import replace

import dearpygui.dearpygui as dpg

from app.model.state.choices import (
    PRESETS,
    WARPS,
    WITH_POSES,
    Choice,
    describe_start,
    find_matches_obstacle,
)
from app.model.state.excluding import list_excluded_names
from app.model.state.scene_kinds import get_planar_scene, get_posed_scene
from app.model.state.state import State
from app.model.state.viewed_run import ViewedRun
from app.panels.training.weights import has_tracks
from app.panels.widgets.parts import AMBER, add_muted_text, add_tool_tip, dim_when_disabled, set_text
from engine.config.methods import METHODS, find_method
from engine.config.settings import Settings, assists_by_default
from engine.fields import FIELDS, find_field
from engine.geometry.warp_names import PlanarWarp
from engine.scenes import PlanarScene
from engine.scenes.formats.single_image import MAXIMUM_PATCHES
from engine.scenes.load import has_poses, list_spaces
from engine.scenes.options import SceneOptions

LABELS = -76  # pixels for the labels at the right, as a negative width of the fields


class NewRun:
    """Shows the choices of the present run; changes have no effect before `restart`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._of: ViewedRun | None = None
        self._choice = Choice(Settings(), SceneOptions())

    def build(self) -> None:
        with dpg.collapsing_header(label="New run", default_open=True):
            self._method = dpg.add_combo(list(METHODS), label="method", width=LABELS, callback=self._changed)
            self._method_tip = add_tool_tip(self._method, "")
            self._field = dpg.add_combo(list(FIELDS), label="field", width=LABELS, callback=self._changed)
            self._field_tip = add_tool_tip(self._field, "")
            self._preset = dpg.add_combo(PRESETS, label="preset", width=LABELS, callback=self._changed)
            add_tool_tip(
                self._preset, "This program's coarse-to-fine recipe, or the paper's networks and 200,000 steps."
            )
            self._assist = dpg.add_checkbox(label="assistance", callback=self._changed)
            add_tool_tip(
                self._assist,
                "Help that every method gets alike: adjustment of all poses together between stages, and a search for "
                "frames that are outliers, were kicked or added. Off: gradient descent alone, as in the papers.",
            )
            self._seed = dpg.add_input_int(
                label="seed", width=LABELS, min_value=0, min_clamped=True, callback=self._changed
            )
            add_tool_tip(
                self._seed, "Seed of all random numbers of the run, including the noise of the initial poses."
            )
            self._init = dpg.add_combo(WITH_POSES, label="start", width=LABELS, callback=self._changed)
            self._init_tip = add_tool_tip(self._init, "")
            self._space = dpg.add_combo(("auto",), label="space", width=LABELS, callback=self._changed)
            add_tool_tip(
                self._space,
                "How far the field reaches: forward-facing, all that is in front of cameras that look the same way; "
                "object, a box that they stand around; unbounded, what is near at full detail and all else out to the "
                "sky. auto decides by the cameras.",
            )
            self._start_note = add_muted_text("", wrap=260)
            with dpg.group(show=False) as self._planar:
                self._warp = dpg.add_combo(WARPS, label="warp", width=LABELS, callback=self._changed)
                add_tool_tip(
                    self._warp, "The family of transforms by which patches are cut out, and which is fitted to them."
                )
                self._patches = dpg.add_input_int(
                    label="patches",
                    width=LABELS,
                    min_value=2,
                    max_value=MAXIMUM_PATCHES,
                    min_clamped=True,
                    max_clamped=True,
                    callback=self._changed,
                )
                add_tool_tip(self._patches, "Number of patches; the first one is fixed.")
            with dpg.group(show=False) as self._noise:
                self._rotation = dpg.add_slider_float(
                    label="σ turn", width=LABELS, max_value=45.0, format="%.1f°", callback=self._changed
                )
                add_tool_tip(self._rotation, "Standard deviation of the noise's rotation vectors, degrees.")
                self._translation = dpg.add_slider_float(
                    label="σ shift", width=LABELS, max_value=1.0, format="%.3f units", callback=self._changed
                )
                add_tool_tip(self._translation, "Standard deviation of the noise's translations, scene units.")
            self._note = add_muted_text("", wrap=260)
            dpg.add_button(label="Start again", width=-1, callback=self.restart)
            self._start = dpg.last_item()
            dim_when_disabled(self._start)
            self._start_tip = add_tool_tip(self._start, "")

    def update(self, state: State) -> None:
        run = state.run
        if run is not None and run.opened is not None and run is not self._of:
            self._of = run
            self._choice = make_choice(run)
            self._show()

    def restart(self) -> None:
        """Starts a run with these choices and the present weights: λ, and μ with the switch of the matches.

        A race is started anew where nothing else was chosen; else it ends.
        """
        run = self._state.run
        if run is None or run.opened is None or self._choice.obstacle():
            return
        race, start = self._state.race.race, self._state.hooks.race
        if race is not None and start is not None and self._choice == make_choice(run):
            start(race)
            return
        settings = keep_weights(self._choice.settings, run)
        if not self._choice.needs_reopening(run.options) and race is None:
            self._state.restart(settings)
        elif self._state.hooks.reopen is not None:
            options = self._choice.options
            exclude = tuple(dict.fromkeys((*options.exclude, *list_excluded_names(run))))
            self._state.hooks.reopen(settings, replace(options, exclude=exclude))

    def _changed(self) -> None:
        settings, options = self._choice.settings, self._choice.options
        preset = dpg.get_value(self._preset)
        chosen = dpg.get_value(self._assist) if preset == settings.preset else assists_by_default(preset)
        settings = replace(
            settings,
            assist=chosen,
            method=dpg.get_value(self._method),
            field=dpg.get_value(self._field),
            preset=preset,
        )
        options = replace(
            options,
            init=dpg.get_value(self._init),
            space=dpg.get_value(self._space) or options.space,
            noise_rotation=math.radians(dpg.get_value(self._rotation)),
            noise_translation=dpg.get_value(self._translation),
        )
        scene = get_planar_scene(self._of)
        if scene is not None:
            warp, patches = dpg.get_value(self._warp), dpg.get_value(self._patches)
            if warp != self._shown_warp(scene):
                options = replace(options, warp=warp)
            if patches != self._shown_patches(scene):
                options = replace(options, patches=patches)
        self._choice = replace(self._choice, settings=settings, options=options).with_seed(
            max(dpg.get_value(self._seed), 0)
        )
        self._show()

    def _show(self) -> None:
        settings, options = self._choice.settings, self._choice.options
        dpg.set_value(self._method, settings.method)
        dpg.set_value(self._field, settings.field)
        dpg.set_value(self._preset, settings.preset)
        dpg.set_value(self._assist, bool(settings.assist))
        dpg.set_value(self._seed, settings.seed)
        choice = self._choice
        dpg.configure_item(self._init, items=choice.starts)
        dpg.set_value(self._init, options.init)
        dpg.configure_item(self._space, items=("auto", *choice.spaces), show=len(choice.spaces) > 1)
        dpg.set_value(self._space, options.space)
        sentence = describe_start(options.init, choice.poses, choice.kind)
        set_text(self._init_tip, sentence)
        set_text(self._start_note, sentence)
        dpg.set_value(self._rotation, math.degrees(options.noise_rotation))
        dpg.set_value(self._translation, options.noise_translation)
        scene = get_planar_scene(self._of)
        dpg.configure_item(self._planar, show=scene is not None)
        dpg.configure_item(self._init, show=scene is None)
        # what is usual needs no words beside those of the tool tip
        dpg.configure_item(self._start_note, show=scene is None and options.init != "auto")
        if scene is not None:
            dpg.set_value(self._warp, self._shown_warp(scene))
            dpg.set_value(self._patches, self._shown_patches(scene))
        dpg.configure_item(self._noise, show=options.init in ("auto", "noise") and self._noise_matters())
        set_text(self._method_tip, find_method(settings.method).sentence)
        set_text(self._field_tip, f"What a ray sees. {find_field(settings.field).sentence}")
        obstacle = self._choice.obstacle()
        set_text(self._note, obstacle or "")
        dpg.configure_item(self._note, show=obstacle is not None, color=AMBER)
        dpg.configure_item(self._start, enabled=obstacle is None)
        set_text(self._start_tip, obstacle or self._what_starting_does())

    def _shown_warp(self, scene: PlanarScene) -> PlanarWarp:
        return self._choice.options.warp or scene.warp

    def _shown_patches(self, scene: PlanarScene) -> int:
        return self._choice.options.patches or len(scene.patches)

    def _noise_matters(self) -> bool:
        scene = get_posed_scene(self._of)
        return self._choice.options.init == "noise" or (scene is not None and scene.kind == "object")

    def _what_starting_does(self) -> str:
        if self._of is not None and self._choice.needs_reopening(self._of.options):
            what = "Cuts the patches again" if self._choice.planar else "Reads the scene again with these choices"
            return f"{what} and trains from the start."
        return "Discards what was learned and trains from the start with these choices."


def make_choice(run: ViewedRun) -> Choice:
    """The choices that a run was started with."""
    scene = get_posed_scene(run)
    kind = run.scene.kind if run.scene is not None else None
    if scene is None:
        return Choice(run.settings, run.options, kind)
    return Choice(run.settings, run.options, kind, has_poses(scene.path), list_spaces(scene.path))


def keep_weights(settings: Settings, run: ViewedRun) -> Settings:
    """The settings with the weights of the loss as they are in a run now."""
    now = run.snapshot
    if now is None:
        return replace(settings, lambda_exponent=run.settings.lambda_exponent, auto_lambda=run.settings.auto_lambda)
    settings = replace(settings, lambda_exponent=now.lambda_exponent, auto_lambda=now.auto_lambda)
    if find_matches_obstacle(run.settings, has_tracks(run)):
        return settings
    return replace(settings, mu_exponent=now.mu_exponent, matches=now.matches)
