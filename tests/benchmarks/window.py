"""What the window costs and how quick it is: `python -m tests.benchmarks.window --scene scenes/fern`.

Every number comes from outside: the window runs in a process of its own on a display that nobody sees, is driven with
xdotool, and says what it shows in its `--report`. Training is compared by its own clock, for stages differ in speed:
how long it took without a window to come as far as with one that is left alone, or with one that always turns.
Adjustments between stages take seconds in which the iterations stand still: what counts is when the last one was
reached.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.run.checkpoint import load_checkpoint
from tests.benchmarks.command import REPOSITORY
from tests.benchmarks.machine import machine_line
from tests.support.window.display import Display
from tests.support.window.viewer import Viewer

LAMBDA, NOVEL, IMAGE = "Training/slider 1", "Novel view/image 1", "Image/pane 1"


Progress = list[tuple[float, int]]  # seconds of the run's clock, and the iteration then


def progress_alone(scene: Path, seconds: float, more: list[str]) -> Progress:
    """Of `l2g-train`."""
    with tempfile.TemporaryDirectory() as folder:
        words = [
            "-c",
            "from engine.cli.main import train; train()",
            str(scene),
            "--output",
            f"{folder}/run",
            *more,
        ]
        command = [sys.executable, *words, "--max-seconds", str(seconds)]
        subprocess.run(command, check=True, cwd=REPOSITORY, stdout=subprocess.DEVNULL)
        rows = load_checkpoint(Path(folder) / "run" / "checkpoint.safetensors").history.rows
        return [(row.seconds, row.iteration) for row in rows]


def reached(progress: Progress, iteration: int) -> float:
    """Seconds until an iteration; between two rows it goes steadily."""
    iterations = [row[1] for row in progress]
    last = bisect_left(iterations, iteration)
    if last == len(progress):
        return progress[-1][0]
    before, after = progress[max(last - 1, 0)], progress[last]
    part = (iteration - before[1]) / max(after[1] - before[1], 1)
    return before[0] + max(part, 0.0) * (after[0] - before[0])


def share(watched: Progress, alone: Sequence[Progress]) -> float:
    """The time that training needs alone, of the time that it took beside a window."""
    last = watched[-1][1]
    return statistics.mean(reached(one, last) for one in alone) / reached(watched, last)


@contextmanager
def window(scene: Path, more: list[str]) -> Iterator[tuple[Viewer, dict[str, float]]]:
    """A window on a scene, and the seconds that it took to come up."""
    display = Display()
    with tempfile.TemporaryDirectory() as name:
        begun = time.monotonic()
        viewer = Viewer(display, Path(name), [str(scene), "--output", f"{name}/run", *more])
        try:
            viewer.wait_for(lambda report: report["frame"] > 0, "the window", 120)
            up = time.monotonic() - begun
            viewer.wait_for(lambda report: report.get("iteration", 0) > 0, "the first iteration", 120)
            yield viewer, {"start to window": up, "start to first iteration": time.monotonic() - begun}
        finally:
            viewer.terminate()
            viewer.exit_code(120)
            display.close()


def watching(condition: Callable[[dict[str, Any]], bool], progress: Progress) -> Callable[[dict[str, Any]], bool]:
    """A condition on reports that takes note of how far training is in each."""

    def look(report: dict[str, Any]) -> bool:
        if "iteration" in report:
            progress.append((report["seconds"], report["iteration"]))
        return condition(report)

    return look


def turn(viewer: Viewer, until: Any) -> None:
    """Drags the novel view to and fro until a report fulfils a condition; zooms into the image of a planar scene."""
    planar = viewer.report.get("planar") is not None
    viewer.wait_for(lambda report: (IMAGE if planar else NOVEL) in report["items"], "the view")
    while not until(viewer.report):
        if planar:
            for notches in (4, -4):
                viewer.wheel(*viewer.point(IMAGE), notches)
        else:
            left, right = viewer.point(NOVEL, 0.3), viewer.point(NOVEL, 0.7, 0.6)
            viewer.drag(left, right, steps=20)
            viewer.drag(right, left, steps=20)


def frame_times(viewer: Viewer) -> dict[str, float]:
    """Of the last 600 frames of the window."""
    periods = sorted(viewer.report["frame_ms"][1:])
    return {"median fps": 1e3 / statistics.median(periods), "worst 1 % fps": 1e3 / periods[int(0.99 * len(periods))]}


def latencies(viewer: Viewer, count: int = 10) -> dict[str, float]:
    """Seconds from the mouse to the report of the snapshot that confirms; of which up to 0.13 s are the report's."""
    waited = []
    for index in range(count):
        viewer.point_to(*viewer.point(LAMBDA, 0.2 if index % 2 else 0.8))
        time.sleep(0.3)
        before, begun = viewer.report["lambda_exponent"], time.monotonic()
        viewer.display.do("mousedown", 1)
        viewer.wait_for(lambda report, before=before: report["lambda_exponent"] != before, "lambda")
        waited.append(time.monotonic() - begun)
        viewer.display.do("mouseup", 1)
    return {"lambda, median": statistics.median(waited), "lambda, worst": max(waited)}


def memory(viewer: Viewer) -> float:
    """Resident MB of the window's process."""
    status = Path(f"/proc/{viewer.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def watched(viewer: Viewer, minutes: float) -> list[float]:
    """Resident MB once a minute while the view turns; the first one after a minute."""
    sizes = []
    for _ in range(round(minutes)):
        end = time.monotonic() + 60
        turn(viewer, lambda _, end=end: time.monotonic() > end)
        sizes.append(round(memory(viewer), 1))
    return sizes


def measured(scene: Path, seconds: float, minutes: float, more: list[str]) -> dict[str, Any]:
    """Everything, once: alone, left alone, turning, and alone again, for the machine's mood changes."""
    alone = [progress_alone(scene, seconds, more)]

    def late(report: dict[str, Any]) -> bool:
        return report.get("seconds", 0) >= seconds

    still: Progress = []
    turning: Progress = []
    with window(scene, more) as (viewer, starts):
        told: dict[str, Any] = dict(starts)
        viewer.wait_for(watching(late, still), "the end", 20 * seconds)
        told["still"] = frame_times(viewer)
        told["latency"] = latencies(viewer)
    with window(scene, more) as (viewer, _):
        turn(viewer, watching(late, turning))
        told["turning"] = frame_times(viewer)
        if minutes:
            told["memory MB"] = watched(viewer, minutes)
    alone.append(progress_alone(scene, seconds, more))
    ends = {"left alone": still[-1][1], "turning": turning[-1][1]}
    told["iterations"] = {"without a window": [one[-1][1] for one in alone], **ends}
    told["share"] = {"left alone": share(still, alone), "turning": share(turning, alone)}
    return told


def main() -> None:
    """Measures every seed, prints a line of JSON after each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scene", type=Path, default=REPOSITORY / "scenes" / "fern")
    parser.add_argument("--seconds", type=float, default=60.0, help="of training, for each comparison")
    parser.add_argument("--minutes", type=float, default=0.0, help="of turning while memory is watched")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--train", nargs="*", default=[], help="options passed on to the trainings")
    chosen = parser.parse_args()
    scene = chosen.scene.resolve()
    print(json.dumps({"machine": machine_line(), "scene": str(chosen.scene), "seconds": chosen.seconds}))
    for seed in chosen.seeds:
        more = [*chosen.train, "--seed", str(seed)]
        print(json.dumps({"seed": seed, **measured(scene, chosen.seconds, chosen.minutes, more)}), flush=True)


if __name__ == "__main__":
    main()
