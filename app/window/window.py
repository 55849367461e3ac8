"""The window: its panels, its loop, and its end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import dearpygui.dearpygui as dpg

from app.arguments import ViewerArguments
from app.model.common import layout
from app.model.export import saving
from app.model.state.adding import Notices, add_photos
from app.model.state.runs import Runs
from app.model.state.scene_kinds import get_kind, guess_kind
from app.model.state.state import State
from app.panels.bars.banner import Banner
from app.panels.bars.help import Help
from app.panels.bars.top_bar import Actions
from app.panels.widgets.live_texture import rest_textures
from app.panels.widgets.parts import match_tool_tips
from app.render.renderer import Renderer
from app.window.backdrop import Backdrop
from app.window.dialogs import Dialogs
from app.window.display import measure_screen
from app.window.error_guard import Guard
from app.window.file_drop import FileDrop
from app.window.fonts import bind_font
from app.window.panel_sets import PanelSets
from app.window.placement import choose_corner, fit_to_screen
from app.window.preferences import Preferences
from app.window.report import Report
from app.window.shortcuts import Shortcuts
from app.window.theme import bind_theme
from app.window.window_keys import make_keys
from engine.errors import UserError
from engine.messages import Pause
from engine.system.interruption import Interruption


@dataclass(frozen=True)
class WindowTiming:
    """Attributes:
    frame: seconds of a frame, at least: a higher rate would only take time from training.
    settling: frames that are drawn before the window can be read back without its dialog.
    saving: seconds that saving may take at the end, at most.
    """

    frame: float = 1 / 30
    settling: int = 4
    saving: float = 120.0


TIMING = WindowTiming()


class Window:
    """The one window of the program: Dear PyGui allows no second one."""

    def __init__(self, arguments: ViewerArguments) -> None:
        self._arguments = arguments
        self._preferences = Preferences.load()
        if arguments.scale is not None:
            self._preferences.scale = arguments.scale
        self.state = State()
        self._guard = Guard(self.state)
        self._renderer = Renderer()
        self._runs = Runs(self.state, arguments)
        self._leaving = False
        self._reset_layout = self._time_was_up = False
        self._notices = Notices()
        self._banner, self._help = Banner(self.state, self._renderer), Help(self.state)
        kind = guess_kind(arguments.scene)
        self._dialogs = Dialogs(self.state, self._runs, self._preferences, self.open, self._leave)
        self._actions = self._make_actions()
        self._panels = PanelSets(self.state, self._renderer, self._actions, self._dialogs.ask_path, kind)

    def run(self) -> int:
        """Opens the window and returns once it was closed.

        Returns:
            the exit code: 0, or 130 and 143 after Ctrl-C and SIGTERM.
        Raises:
            UserError: a run could not be saved.
        """
        with Interruption() as interruption:
            self._renderer.start()
            self._build()
            try:
                self._loop(interruption)
                unsaved = self._end()
            finally:
                self._renderer.close()
                dpg.destroy_context()
        if unsaved:
            raise UserError("\n".join(dict.fromkeys(map(str, unsaved))))
        return interruption.exit_code

    # ------------------------------------------------------------------ building

    def _build(self) -> None:
        preferences = self._preferences
        screen = measure_screen()
        if screen is not None:
            preferences.fit(fit_to_screen(preferences.size, screen))
        dpg.create_context()
        dpg.configure_app(manual_callback_management=True, docking=True, docking_space=True)
        layout_file = preferences.prepare_layout()
        if layout_file is not None:
            dpg.configure_app(init_file=str(layout_file), load_init_file=True)
        bind_font(preferences.scale)
        bind_theme(preferences.scale)
        self._panels.build()
        self._help.build()
        self._dialogs.build()
        self._banner.build()
        hooks = self.state.hooks
        hooks.reopen, hooks.compare, hooks.race = self._runs.reopen, self._runs.compare, self._runs.race
        hooks.open_swept = self._runs.open_swept
        keys = make_keys(self.state, self._panels, self._actions, self._dialogs.ask_to_leave)
        Shortcuts(keys, self._dialogs.close_all).build()
        width, height = preferences.size
        left, top = (0, 0) if screen is None else choose_corner((width, height), screen)
        dpg.create_viewport(title="l2g-viewer", width=width, height=height, x_pos=left, y_pos=top, disable_close=True)
        dpg.set_exit_callback(self._dialogs.ask_to_leave)
        dpg.setup_dearpygui()
        dpg.show_viewport()
        self._drop = FileDrop()
        self._backdrop = Backdrop(self._panels.tags)
        report = self._arguments.report
        self._report = Report(report) if report is not None else None
        if self._arguments.scene is not None:
            self.open(self._arguments.scene)
        else:
            dpg.render_dearpygui_frame()  # after it the window's size is known, in whose middle the dialog is put
            self._dialogs.ask_for_scene()

    def _make_actions(self) -> Actions:
        return Actions(
            open=self._dialogs.ask_for_scene,
            add=self._dialogs.ask_for_photos,
            save=lambda: saving.save(self.state),
            load=self._dialogs.ask_for_run,
            export=self._dialogs.export.open,
            screenshot=self.ask_for_screenshot,
            layout=self._forget_layout,
            help=self.toggle_help,
        )

    # ------------------------------------------------------------------ the loop

    def _loop(self, interruption: Interruption) -> None:
        begun = time.monotonic()
        screenshot = self._arguments.screenshot
        while dpg.is_dearpygui_running() and not self._leaving:
            frame_begun = time.monotonic()
            self._frame()
            if self._report is not None:
                self._report.write(self.state, frame=dpg.get_frame_count(), renderer=self._renderer.info)
            if interruption.signal:
                self._leave(save=True)
            if screenshot is not None and frame_begun - begun >= self._arguments.after:
                self._take_screenshot(screenshot)
                self._leave(save=True)
            # vertical synchronisation cannot be relied on
            time.sleep(max(TIMING.frame - (time.monotonic() - frame_begun), 0.0))

    def _frame(self) -> None:
        """One frame of the window; nothing in it waits for the engine or the render thread."""
        state = self.state
        self._guard.call(lambda: dpg.run_callbacks(dpg.get_callback_queue()), "What was asked for")
        for paths in self._drop.taken():
            self._guard.call(lambda dropped=paths: self.drop(dropped), "What was dropped")  # type: ignore[misc]
        self._runs.refresh()
        self._notices.see(state)
        if state.run is not None and state.run.scene is not None and state.run.told_frame != state.selected:
            state.select(state.selected)
        self._pause_when_time_is_up()
        self._panels.show(get_kind(state.run, self._panels.kind))
        for panel in self._panels:
            self._guard.call(lambda shown=panel: shown.update(state), f"The panel {panel.title}")  # type: ignore[misc]
        # after the panels, whose pictures do not show any more what is forgotten now
        for run in state.seen:
            run.keep_volume_on_device(self._renderer.takes_device_memory)
        self._renderer.set_volumes({run.key: run.volume for run in state.seen})
        match_tool_tips()
        self._backdrop.update()
        self._banner.update()
        self._help.update()
        self._guard.call(self._dialogs.export.update, "The export")
        dpg.render_dearpygui_frame()
        rest_textures()

    def _pause_when_time_is_up(self) -> None:
        """Pauses the runs, once, after the seconds of `--max-seconds`."""
        run, limit = self.state.run, self._arguments.max_seconds
        if run is None or run.snapshot is None or limit is None or self._time_was_up:
            return
        if run.snapshot.seconds >= limit:
            self._time_was_up = True
            self.state.send_all(Pause())

    # ------------------------------------------------------------------ what the user asks for

    def open(self, path: Path) -> None:
        """Opens a scene.

        Raises:
            UserError: there is no such folder or image.
        """
        self._runs.open_scene(path)
        self._preferences.remember(path)

    def drop(self, paths: Sequence[Path]) -> None:
        """Adds dropped photos to the run; where no run is open, opens what is dropped as a scene.

        Raises:
            UserError: no photos can be added to the run, or it is no scene.
        """
        if self.state.run is None and len(paths) == 1:
            self.open(paths[0])
            self._dialogs.hide(layout.OPENING)
        else:
            add_photos(self.state, paths)

    def ask_for_screenshot(self) -> None:
        """Asks for a path, then writes a picture of the window without the dialog."""
        self._dialogs.ask_path("Write a picture of the window to", "window.png", self._take_screenshot)

    def toggle_help(self) -> None:
        """Opens or closes the help."""
        self.state.help_open = not self.state.help_open

    def _forget_layout(self) -> None:
        self._reset_layout = True
        self.state.banner = "The panels will be back in their first places at the next start."

    def _take_screenshot(self, path: Path) -> None:
        self._dialogs.hide(layout.WRITING)
        for _ in range(TIMING.settling):
            dpg.render_dearpygui_frame()
        dpg.output_frame_buffer(str(path.absolute()))
        dpg.render_dearpygui_frame()

    # ------------------------------------------------------------------ the end

    def _leave(self, save: bool) -> None:
        self._leaving = True
        self._runs.leave(save)

    def _end(self) -> list[UserError]:
        """Writes the preferences and waits until the runs are saved; the window shows a message meanwhile."""
        preferences = self._preferences
        preferences.take_size((dpg.get_viewport_width(), dpg.get_viewport_height()))
        preferences.save()
        if self._reset_layout:
            preferences.reset_layout()
        elif preferences.layout_file.parent.is_dir():
            dpg.save_init_file(str(preferences.layout_file))
        self._panels.close()
        self._dialogs.export.close()
        self._runs.leave()
        leaving = list(self._runs.leaving)
        self.state.banner = "Saving the run."
        until = time.monotonic() + TIMING.saving
        while any(not run.ended for run in leaving) and time.monotonic() < until and dpg.is_dearpygui_running():
            self._banner.update()
            dpg.run_callbacks(dpg.get_callback_queue())
            dpg.render_dearpygui_frame()
            time.sleep(TIMING.frame)
        for run in leaving:
            run.close(max(until - time.monotonic(), 1.0))
        return [error for run in leaving for error in run.unsaved]
