"""Opening, replacing and leaving the runs of the window."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from app.arguments import ViewerArguments
from app.model.lab.race_opening import SharedScenes, choose_folders, find_free_folder, open_contestant
from app.model.state.scene_kinds import as_posed, guess_kind
from app.model.state.state import State, Timeline
from app.model.state.viewed_run import ViewedRun
from engine.cli.arguments import TrainArguments
from engine.cli.opening import OpenedRun, open_run
from engine.cli.settings import OPTIONS, SETTINGS
from engine.cli.sweep_values import train_arguments
from engine.config.settings import Settings
from engine.errors import UserError
from engine.lab.race.definition import Race
from engine.lab.sweep.definition import Values
from engine.messages import AddFrames, Command, Pause, Resume, UseMatches
from engine.results.folder import new_folder
from engine.run.checkpoint_writer import CHECKPOINT_FILE
from engine.scenes import AnyScene
from engine.scenes.options import PLANAR_OPTIONS, POSED_OPTIONS, SceneOptions
from engine.scenes.paths import resolve_scene_path
from engine.scenes.progress import ProgressListener
from engine.system.files import link_or_copy

SAVING = 120.0  # seconds that a run may take to be saved before it is continued


class Runs:
    """Opens runs and puts them into the state.

    Attributes:
        leaving: runs that were replaced and are still saving.

    A run that is replaced rests until the scene in its place is open, and goes on if that cannot be opened.
    """

    def __init__(self, state: State, arguments: ViewerArguments) -> None:
        self._state = state
        self._arguments = arguments
        self.leaving: list[ViewedRun] = []
        self._resting: list[ViewedRun] = []
        self._woken: list[ViewedRun] = []  # those of them that were training

    def open_scene(self, path: Path) -> None:
        """Opens a scene in the place of the run that is shown, with the options of the command line.

        Raises:
            UserError: there is no such folder or image; other errors of the scene are shown in the banner.
        """
        folder = resolve_scene_path(path)
        if self._is_first_scene(folder):
            self._show(self._arguments, rest=self._arguments.output is None)  # its folder may be that of a run before
        else:
            self._show(replace(self._arguments, scene=folder, **_ELSEWHERE, **_unfit(folder)))

    def resume(self, folder: Path) -> None:
        """Continues a saved run of the scene that is shown.

        Raises:
            UserError: no scene is open.
        """
        run = self._state.run
        if run is None or run.scene is None:
            raise UserError("Open the scene first, then the run of it to continue.")
        arguments = replace(self._arguments, scene=run.scene.path, output=folder, resume=True, overwrite=False)
        self._show(arguments, rest=not run.writes_into(folder))

    def open_swept(self, values: Values, folder: Path) -> None:
        """Opens a run of a sweep: goes on where it ended if it kept its checkpoint, else makes it again.

        In a folder of its own, so that the sweep stays as it is.

        Args:
            values: of the run, as its sweep has them.
            folder: of the run.
        Raises:
            UserError: its scene is not there any more, or no folder can be made.
        """
        chosen = train_arguments(values, folder)
        scene = resolve_scene_path(chosen.scene)
        wanted = {each.name: getattr(chosen, each.name) for each in fields(TrainArguments)}
        wanted |= {"scene": scene, "evaluate": False, "overwrite": False, **_ELSEWHERE}
        arguments = replace(self._arguments, **wanted | {"checkpoint_every": self._arguments.checkpoint_every})
        if (folder / CHECKPOINT_FILE).is_file():
            output = new_folder(None, folder.name, "copy")
            link_or_copy(folder / CHECKPOINT_FILE, output / CHECKPOINT_FILE)
            arguments = replace(arguments, output=output, resume=True, max_seconds=None)
        self._show(arguments)

    def reopen(self, settings: Settings, options: SceneOptions) -> None:
        """Reads the scene that is shown again, with other options, and starts a new run in a folder of its own.

        A second run beside it is replaced as well, with the same settings but its own method.
        """
        run = self._state.run
        if run is None or run.scene is None:
            return
        racing = self._state.race.race is not None  # which this ends
        beside = [] if racing else [other.settings.method for other in self._state.runs if other is not run]
        path = run.scene.path
        first: list[Command] = []
        if joining := list_added_photos(run.scene):
            first.append(AddFrames(joining))
        if options.matches and not settings.matches:  # read with the scene, and switched off since
            first.append(UseMatches(False))
        self._show(self._like(path, settings, options), tuple(first), rest=False)
        for method in beside:
            self._add(self._like(path, replace(settings, method=method), options), self._arguments.paused)

    def compare(self, method: str | None) -> None:
        """Starts a second run of the scene beside the active one, from the same initial poses, by another method.

        Args:
            method: None ends the run that is not the active one.
        """
        state, run = self._state, self._state.run
        for other in [other for other in state.runs if other is not run]:
            state.runs.remove(other)
            self._leave(other, save=True)
        state.active = 0
        state.race.end()
        for left in state.runs:
            left.contestant = None
        if method is not None and run is not None and run.scene is not None:
            paused = run.snapshot is not None and run.snapshot.status == "paused"
            self._add(self._like(run.scene.path, replace(run.settings, method=method), run.options), paused)

    def race(self, race: Race | None) -> None:
        """Starts the runs of a race in the place of those that are shown, which are saved; they share the photos.

        Args:
            race: None ends the race: only the active run goes on, and waits for no other.
        """
        state, run = self._state, self._state.run
        if race is None:
            self.compare(None)
            return
        if run is None or run.scene is None:
            return
        scenes = SharedScenes(run.scene, run.options)
        name, folders = run.name, choose_folders(run.scene.name, race, self._get_output(run.scene.path))
        self.leave()
        state.active = 0
        turns = state.race.begin(race)
        seats = [turns.seat() for _ in race.contestants]
        arguments = self._arguments
        for contestant, seat, folder in zip(race.contestants, seats, folders, strict=True):
            opening = open_contestant(
                contestant, race, scenes, seat, folder, arguments.device, arguments.checkpoint_every
            )
            state.runs.append(ViewedRun(name, opening, contestant))

    def refresh(self) -> None:
        """Takes what is new in the runs that are shown, and forgets runs that have ended."""
        seen = self._state.seen
        for run in self._state.runs:
            run.refresh(volume=run in seen)
            if run.error is not None and not run.told:
                self._state.banner, run.told = run.error, True
        self._leave_or_wake()
        self.leaving = [run for run in self.leaving if not run.ended]
        turns = self._state.race.turns
        if turns is not None and turns.held and not self.leaving:
            turns.open()  # what saving takes would count for the first contestants

    def leave(self, save: bool = True) -> None:
        """Stops all runs; `save` False leaves their folders as the last checkpoints left them."""
        for run in [*self._state.runs, *self._resting]:
            self._leave(run, save)
        self._state.runs.clear()
        self._resting, self._woken = [], []
        self._state.race.end()

    def _rest(self) -> None:
        """Has the runs that are shown wait, without training, for whether another scene can be opened.

        Contestants of a race are left, and so is a run that is itself still being opened.
        """
        state = self._state
        opened = [run for run in state.runs if run.opened is not None and state.race.race is None]
        for run in [run for run in state.runs if run not in opened]:
            self._leave(run, save=True)
        training = [run for run in opened if run.snapshot is not None and run.snapshot.status == "running"]
        for run in training:
            run.send(Pause())
        if opened:
            for run in self._resting:
                self._leave(run, save=True)
            self._resting, self._woken = opened, training
        state.runs.clear()
        state.race.end()

    def _leave_or_wake(self) -> None:
        """Leaves the runs that rest once the scene in their place is open; if it could not be opened they go on."""
        state, run = self._state, self._state.run
        if not self._resting or run is None or (run.opened is None and run.error is None):
            return
        if run.error is None:
            for resting in self._resting:
                self._leave(resting, save=True)
        else:
            self._leave(run, save=False)
            self._begin_view()
            state.runs[:] = self._resting
            for resting in self._woken:
                resting.send(Resume())
            state.banner = f"{run.error} The run of {self._resting[0].name} goes on."
        self._resting, self._woken = [], []

    def _leave(self, run: ViewedRun, save: bool) -> None:
        run.stop(save)
        self.leaving.append(run)

    def _like(self, path: Path, settings: Settings, options: SceneOptions) -> ViewerArguments:
        """The arguments that would start such a run in a folder of its own, beside that of `--output`."""
        chosen = {name: getattr(settings, name) for name in SETTINGS}
        chosen |= {name: getattr(options, name) for name in OPTIONS}
        chosen["assist"] = "on" if settings.assist else "off"
        output = self._get_output(path)
        beside = {"output": None if output is None else find_free_folder(output, settings.method)}
        return replace(self._arguments, scene=path, **chosen, **_ELSEWHERE | beside)

    def _is_first_scene(self, path: Path) -> bool:
        """Whether a scene is that of the command line."""
        return self._arguments.scene is not None and path.resolve() == self._arguments.scene.resolve()

    def _get_output(self, path: Path) -> Path | None:
        """The folder of the command line, which is for the runs of its own scene; None for another one."""
        return self._arguments.output if self._is_first_scene(path) else None

    def _show(self, arguments: ViewerArguments, first: tuple[Command, ...] = (), rest: bool = True) -> None:
        """Replaces the runs that are shown.

        Args:
            arguments: of the new run.
            first: commands that it is sent at once.
            rest: whether the runs before it go on where it cannot be opened; else they are left at once.
        """
        if rest:
            self._rest()
        else:
            self.leave()
        state = self._state
        colmap, path = state.colmap.run, arguments.scene
        if colmap is not None and path is not None and path.resolve() != colmap.scene.path.resolve():
            state.colmap.leave()  # now, and not once the scene is open: it would only slow that down
        state.banner = state.notice = None
        self._begin_view()
        self._add(arguments, arguments.paused, first)

    def _begin_view(self) -> None:
        """Forgets what was chosen for the scene before."""
        state = self._state
        state.active, state.selected, state.timeline = 0, 0, Timeline()
        state.cameras.framed = state.novel.framed = state.planar.framed = False
        state.novel.keyframes.clear()

    def _add(self, arguments: ViewerArguments, paused: bool, first: tuple[Command, ...] = ()) -> None:
        output = arguments.output
        same = [run for run in self.leaving if output is not None and run.writes_into(output)]

        def opening(watch: ProgressListener) -> OpenedRun:
            for run in same:  # what it has learned is in the checkpoint that is read now
                run.close(SAVING)
            opened = open_run(arguments, watch=watch, wait_for_matches=False)
            for command in first:
                opened.run.send(command)
            if paused:
                opened.run.send(Pause())
            return opened

        assert arguments.scene is not None
        self._state.runs.append(ViewedRun(arguments.scene.resolve().name, opening))


def list_added_photos(scene: AnyScene) -> tuple[Path, ...]:
    """Copies of the photos that were added to a run of a scene."""
    posed = as_posed(scene)
    if posed is None or posed.added is None:
        return ()
    return tuple(file for file in posed.added.files if file is not None)


def _unfit(path: Path) -> dict[str, Any]:
    """The defaults of the options that do not apply to the scene at a path."""
    names = POSED_OPTIONS if guess_kind(path) == "planar" else PLANAR_OPTIONS
    return {name: getattr(SceneOptions(), name) for name in names}


_ELSEWHERE: dict[str, Any] = {"output": None, "resume": False}  # the folder of the command line is for its own scene
