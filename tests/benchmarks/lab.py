"""What the lab costs: `python -m tests.benchmarks.lab scenes/fern scenes/cat`.

Trains a scene in a thread, as the window has it, and measures beside it the curves of a frame, a map of 41 x 41 and
the kicks of a basin map, first while the run trains, then while it is paused. Seconds are those on the clock until
the exact values are there; beside a training run the steps that it makes meanwhile are compared with those that it
makes alone, just before and just after.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import engine  # noqa: F401  (first: it tells torch's threads how to wait)
from engine.config.settings import Settings
from engine.lab.basin.map import measure_basin
from engine.lab.basin.options import BasinRequest
from engine.lab.beside import Experiment
from engine.lab.frozen import freeze
from engine.lab.landscape.curves import measure_curves
from engine.lab.landscape.map import measure_map
from engine.lab.landscape.options import Window
from engine.messages import Pause
from engine.run.session import Session
from engine.run.thread import Run
from engine.scenes import AnyScene, PlanarScene, SceneOptions, load_scene
from tests.benchmarks.support.machine import machine_line

Work = Callable[[Session], Iterator[Any]]
TURN_DEG, SHIFT = 5.0, 0.1  # degrees, and scene units or shares: about what the window shows at first
ALONE = 6.0  # seconds in which steps are counted before and after


def main(words: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", type=Path, nargs="+")
    parser.add_argument("--downscale", type=int, default=None)
    parser.add_argument("--train", type=float, default=60.0, help="seconds before the first measurement")
    parser.add_argument("--frame", type=int, default=1)
    given = parser.parse_args(words)
    print(machine_line())
    print("| scene | what | the run | seconds on the clock, of work | speed of the training beside it |")
    print("|---|---|---|---|---|")
    for path in given.scenes:
        scene = load_scene(path, SceneOptions(downscale=given.downscale, matches=True))
        run = Run(scene, Settings(), keep_going=True, publish_period=1.0, checkpoint_period=None)
        run.start()
        try:
            _wait_for_field(run, given.train)
            works = list_works(run, scene, given.frame)
            for what, work in works.items():
                if "basin" not in what:  # a whole basin beside a training run takes minutes
                    measure(path, what, run, work, training=True)
            run.send(Pause())
            for what, work in works.items():
                measure(path, what, run, work, training=False)
        finally:
            run.stop()
            run.join(60.0)


def list_works(run: Run, scene: AnyScene, frame: int) -> dict[str, Work]:
    """Measurements of a frame, with the ranges that the window shows at first."""
    planar = isinstance(scene, PlanarScene)
    shown = run.ask(lambda session: freeze(session).look(frame, None, 16).axes).result(60.0)
    reach = Window(tuple(TURN_DEG if axis.unit == "°" else SHIFT / axis.inside for axis in shown))
    axes = (0, len(shown) - 1) if planar else (1, 3)
    basin = BasinRequest(frame, None, 20.0, 40.0 if planar else 0.4)
    return {
        "curves": measure_curves(frame, None, reach),
        "map of 41 x 41": measure_map(frame, None, axes, reach),
        "basin of 8 x 8 x 4": measure_basin(basin),
    }


def measure(path: Path, what: str, run: Run, work: Work, *, training: bool) -> None:
    """Does one measurement, and prints its row."""
    before = _count_steps(run, ALONE) if training else 0.0
    experiment: Experiment[Any] = Experiment(run, work)
    first, begun = _iteration(run), time.monotonic()
    experiment.start()
    experiment.join(900.0)
    seconds = time.monotonic() - begun
    speed = ""
    if training and seconds > 1.0:  # else there are too few steps to count
        beside = (_iteration(run) - first) / seconds
        speed = f"{beside / ((before + _count_steps(run, ALONE)) / 2):.0%}"
    how = experiment.error or f"{seconds:.1f} s, {experiment.seconds:.1f} s"
    print(f"| {path} | {what} | {'trains' if training else 'paused'} | {how} | {speed} |", flush=True)


def _wait_for_field(run: Run, seconds: float) -> None:
    """Until it has trained for so long, compilation and adjustments of cameras included."""
    end = time.monotonic() + seconds
    while time.monotonic() < end or not _iteration(run):
        threading.Event().wait(0.5)


def _iteration(run: Run) -> int:
    found = run.ask(lambda session: session.trainer.iteration if session.trainer is not None else 0)
    return int(found.result(300.0))


def _count_steps(run: Run, seconds: float) -> float:
    """Steps per second of a run that is left alone."""
    first, begun = _iteration(run), time.monotonic()
    threading.Event().wait(seconds)
    return (_iteration(run) - first) / (time.monotonic() - begun)


if __name__ == "__main__":
    main()
