"""Sweeps without training: definitions, rows, and functions in the place of a training."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.cli.sweep_run import train_run
from engine.errors import UserError
from engine.lab.sweep.definition import SweepDefinition, Values
from engine.lab.sweep.rows import Row
from engine.lab.sweep.runner import WorkerEndedError
from engine.lab.sweep.worker import CutShortError
from tests.support.scenes.scenes_on_disk import REPOSITORY

CAT = REPOSITORY / "scenes" / "cat"
SMALL_CAT = {"patches": 2, "crop": 32, "max_iterations": 1, "device": "cpu"}


def swept_row(name: str = "fern-l2g-grid-seed_0", **changes: Any) -> Row:
    """A row of a run with cameras that has finished."""
    values: dict[str, Any] = {
        "scene": "scenes/fern",
        "method": "l2g",
        "field": "grid",
        "assist": "auto",
        "init": "auto",
        "lambda_exponent": 2.0,
        "noise_rotation": 0.0,
        "noise_translation": 0.0,
        "noise_h": None,
        "noise_t": None,
        "noise_r": None,
        "seed": 0,
        "state": "finished",
        "seconds": 10.0,
        "rotation_mean_deg": 0.5,
        "translation_mean": 0.01,
        "translation_share": 0.01,
        "train_psnr": 25.0,
    }
    return Row(name, **values | changes)


def small_sweep(**changes: Any) -> SweepDefinition:
    """Two methods and two seeds on the cat."""
    values: dict[str, Any] = {"scenes": (CAT,), "methods": ("l2g", "barf"), "seeds": (0, 1), "fixed": SMALL_CAT}
    return SweepDefinition(**values | changes)


def write_result(values: Values, folder: Path, stopped: Callable[[], bool]) -> None:
    """In the place of a training: the error in degrees is the seed's."""
    errors = dict.fromkeys(("mean", "median", "max"), float(values["seed"]))
    result = {
        **{name: values[name] for name in ("method", "field", "seed")},
        **{"seconds": 1.0, "iterations": 5, "frames": 3, "train_psnr": 20.0, "peak_memory_bytes": 10**9},
        "pose": dict.fromkeys(("rotation_error_deg", "translation_error", "relative_rotation_error_deg"), errors),
        "test": {"psnr": None, "ssim": None, "lpips": None, "frames": 0},
        "verdict": {"state": "registered"},
    }
    (folder / "result.json").write_text(json.dumps(result))


def fail_for_barf(values: Values, folder: Path, stopped: Callable[[], bool]) -> None:
    """Runs of one method fail, one kind of them by a mistake of the program."""
    if values["method"] == "barf":
        raise UserError("No photo could be read.") if values["seed"] else ZeroDivisionError("division by zero")
    write_result(values, folder, stopped)


def refuse(values: Values, folder: Path, stopped: Callable[[], bool]) -> None:
    """No run is expected."""
    raise AssertionError(f"{folder.name} was made again")


def cut_short(values: Values, folder: Path, stopped: Callable[[], bool]) -> None:
    """A run that was told to end."""
    raise CutShortError


def kill_first_worker(values: Values, folder: Path, stopped: Callable[[], bool]) -> None:
    """Trains as `l2g-sweep` does; the process of the first run's first attempt is killed in mid-run."""

    def look() -> bool:
        if values["method"] == "l2g" and values["seed"] == 0 and not (folder / "killed").exists():
            (folder / "killed").write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)
        return stopped()

    train_run(values, folder, look)


class InThisThread:
    """A pool that makes a run when its result is asked for; the processes of some runs, by place, end so often."""

    def __init__(self, ending: dict[int, int] | None = None) -> None:
        self.ending = ending or {}
        self.submitted: list[int] = []

    def submit(self, place: int, act: Callable[..., Any], /, *arguments: Any) -> _Later:
        self.submitted.append(place)
        if self.ending.get(place, 0):
            self.ending[place] -= 1
            arguments = (_end_process, *arguments[1:])
        return _Later(lambda: act(*arguments))


class _Later:
    """A future that has always ended; its result is made when it is asked for."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def add_done_callback(self, act: Callable[[_Later], object], /) -> None:
        act(self)

    def result(self) -> Any:
        try:
            return self._make()
        except _ProcessEnd:
            raise WorkerEndedError from None


class _ProcessEnd(BaseException):
    """Passes by everything that a worker does about errors, as the end of its process would."""


def _end_process(*_: object) -> None:
    raise _ProcessEnd
