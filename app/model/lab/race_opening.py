"""Opens the runs of a race: of a scene that is open already, whose photos they share."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path

from engine.cli.opening import OpenedRun
from engine.lab.race.definition import Contestant, Race
from engine.lab.race.photos import SharedPhotos
from engine.lab.race.scenes import share_photos
from engine.lab.race.warm_up import WarmUp
from engine.results.folder import DEFAULT_PARENT, new_folder
from engine.run.thread import Run
from engine.run.turns import Seat
from engine.scenes import AnyScene, load_scene
from engine.scenes.options import SceneOptions
from engine.scenes.progress import ProgressListener
from engine.system.devices import resolve_device


class SharedScenes:
    """The scene of each contestant: the open one, or read again where a contestant starts otherwise.

    Attributes:
        lock: contestants are opened in threads of their own.
        warm_up: of all of them, under the lock.
        make_trainer: of all of them; they hold their photos together.
    """

    def __init__(self, scene: AnyScene, options: SceneOptions) -> None:
        self._scene, self._options = scene, options
        self.make_trainer = SharedPhotos()
        self.lock, self.warm_up = threading.Lock(), WarmUp(self.make_trainer)
        self._read: dict[SceneOptions, AnyScene] = {}

    def get(self, options: SceneOptions, watch: ProgressListener) -> AnyScene:
        """The scene with these options.

        Raises:
            UserError: it cannot be read with them.
        """
        if options.init == self._options.init:
            return self._scene
        with self.lock:
            if options not in self._read:
                made = load_scene(self._scene.path, options, watch, wait_for_matches=False)
                self._read[options] = share_photos(self._scene, made)
            return self._read[options]


def open_contestant(
    contestant: Contestant,
    race: Race,
    scenes: SharedScenes,
    seat: Seat,
    folder: Path,
    device: str,
    checkpoint_period: float | None,
) -> Callable[[ProgressListener], OpenedRun]:
    """A function that opens one run of a race, for `ViewedRun`.

    Args:
        contestant: of the race.
        race: for its limits.
        scenes: of all contestants.
        seat: in their turns; it is left where the run cannot be opened.
        folder: of the run.
        device: as on the command line.
        checkpoint_period: seconds between checkpoints.
    """

    def opening(watch: ProgressListener) -> OpenedRun:
        try:
            scene = scenes.get(contestant.options, watch)
            where = resolve_device(device)
            with scenes.lock:
                scenes.warm_up.run(scene, contestant.settings, where)
            run = Run(
                scene,
                contestant.settings,
                where,
                new_folder(folder, scene.name, contestant.settings.method),
                options=contestant.options,
                max_seconds=race.max_seconds,
                match=contestant.options.matches,
                checkpoint_period=checkpoint_period,
                seat=seat,
                make_trainer=scenes.make_trainer,
            )
        except BaseException:
            seat.leave()
            raise
        return OpenedRun(run, scene, contestant.settings, contestant.options, folder)

    return opening


def find_free_folder(beside: Path, word: str) -> Path:
    """A folder that does not exist yet beside another one: `runs/fern-race` beside `runs/fern`, or `runs/fern-race-2`,
    ..."""
    first = beside.with_name(f"{beside.name}-{word}")
    names = (first if number == 1 else first.with_name(f"{first.name}-{number}") for number in count(1))
    return next(name for name in names if not name.exists())


def choose_folders(scene: str, race: Race, output: Path | None = None) -> list[Path]:
    """A folder for each run of a race, in one that does not exist yet: `runs/fern-race/1-l2g`, ...

    Args:
        scene: its name.
        race: whose runs they are.
        output: the folder that was asked for with `--output`, beside which theirs lies: `OUTPUT-race/1-l2g`, ...
    """
    folder = find_free_folder(output or DEFAULT_PARENT / scene, "race")
    return [
        folder / f"{place}-{re.sub(r'[^A-Za-z0-9.=+-]+', '-', contestant.name).strip('-')}"
        for place, contestant in enumerate(race.contestants, 1)
    ]
