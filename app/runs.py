"""Opening, replacing and leaving the runs of the window."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.state import State, Timeline
from app.viewed_run import ViewedRun
from engine.errors import UserError
from engine.messages import Pause
from engine.opening import OpenedRun, open_run
from engine.scenes.options import SceneOptions
from engine.scenes.paths import scene_folder
from engine.settings import Settings

if TYPE_CHECKING:
    from app.arguments import ViewerArguments


class Runs:
    """Puts runs into the state.

    Attributes:
        leaving: those that were replaced and are still saving.
    """

    def __init__(self, state: State, arguments: ViewerArguments) -> None:
        self._state = state
        self._arguments = arguments
        self.leaving: list[ViewedRun] = []

    def open_scene(self, path: Path) -> None:
        """Opens a scene in the place of the run that is shown, with the options of the command line.

        Raises:
            UserError: there is no such folder; what else is wrong with it shows in the banner.
        """
        folder = scene_folder(path)
        same = self._arguments.scene is not None and folder == self._arguments.scene.resolve()
        arguments = self._arguments if same else replace(self._arguments, scene=folder, output=None, resume=False)
        self._show(arguments)

    def resume(self, folder: Path) -> None:
        """Goes on with a run of the scene that is shown.

        Raises:
            UserError: no scene is open.
        """
        run = self._state.run
        if run is None or run.scene is None:
            raise UserError("Open the scene first, then the run of it that shall be continued.")
        arguments = replace(self._arguments, scene=run.scene.path, output=folder, resume=True, overwrite=False)
        self._show(arguments)

    def reopen(self, settings: Settings, options: SceneOptions) -> None:
        """Starts the scene that is shown anew, with other settings or initial poses, in a folder of its own."""
        run = self._state.run
        if run is None or run.scene is None:
            return
        arguments = replace(
            self._arguments,
            scene=run.scene.path,
            output=None,
            resume=False,
            method=settings.method,
            field=settings.field,
            preset=settings.preset,
            lambda_exponent=settings.lambda_exponent,
            seed=settings.seed,
            init=options.init,
            noise_rotation=options.noise_rotation,
            noise_translation=options.noise_translation,
        )
        self._show(arguments)

    def refresh(self) -> None:
        """Takes the news of the run that is shown, and forgets those that have left."""
        run = self._state.run
        if run is not None:
            run.refresh()
            if run.error is not None:
                self._state.banner, run.error = run.error, None
        self.leaving = [run for run in self.leaving if not run.ended]

    def leave(self, save: bool = True) -> None:
        """Stops all runs; they save themselves unless told not to."""
        for run in self._state.runs:
            run.stop(save)
            self.leaving.append(run)
        self._state.runs.clear()

    def _show(self, arguments: ViewerArguments) -> None:
        self.leave()
        state, paused = self._state, arguments.paused

        def opening() -> OpenedRun:
            opened = open_run(arguments)
            if paused:
                opened.run.send(Pause())
            return opened

        assert arguments.scene is not None
        state.runs.append(ViewedRun(arguments.scene.resolve().name, opening))
        state.active, state.selected, state.banner, state.timeline = 0, 0, None, Timeline()
        state.cameras.framed = state.novel.framed = False
