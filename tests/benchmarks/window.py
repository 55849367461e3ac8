"""Speed of the window, and its cost to the training: `python -m tests.benchmarks.window --scene scenes/fern`.

The window runs in a process of its own on a virtual display, is driven with xdotool, and reports its state with
`--report`. Stages differ in speed, so training is compared by its own clock: the seconds until the same iteration is
reached without a window, with a window that nothing happens in, and with one whose view always turns. Bundle
adjustments take seconds without an iteration, so the seconds until the last iteration count.
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
from tests.benchmarks.support.command import REPOSITORY
from tests.benchmarks.support.machine import machine_line
from tests.support.window.display import Display
from tests.support.window.viewer import Viewer

LAMBDA, NOVEL, IMAGE = "Training/slider 1", "Novel view/image 1", "Image/pane 1"


Progress = list[tuple[float, int]]  # seconds of the run's clock, and the iteration then


def progress_alone(scene: Path, seconds: float, more: list[str]) -> Progress:
    """The progress of `l2g-train` without a window."""
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
    """Seconds until an iteration, interpolated linearly between rows."""
    iterations = [row[1] for row in progress]
    last = bisect_left(iterations, iteration)
    if last == len(progress):
        return progress[-1][0]
    before, after = progress[max(last - 1, 0)], progress[last]
    part = (iteration - before[1]) / max(after[1] - before[1], 1)
    return before[0] + max(part, 0.0) * (after[0] - before[0])


def share(watched: Progress, alone: Sequence[Progress]) -> float:
    """The time that training takes alone, divided by the time it took beside a window."""
    last = watched[-1][1]
    return statistics.mean(reached(one, last) for one in alone) / reached(watched, last)


@contextmanager
def window(scene: Path, more: list[str]) -> Iterator[tuple[Viewer, dict[str, float]]]:
    """A window on a scene, and the seconds until it was there."""
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
    """A condition on reports that also records the progress of the training in each."""

    def look(report: dict[str, Any]) -> bool:
        if "iteration" in report:
            progress.append((report["seconds"], report["iteration"]))
        return condition(report)

    return look


def turn(viewer: Viewer, until: Any) -> None:
    """Drags the novel view back and forth, or zooms the image of a planar scene, until a report meets a condition."""
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
    """Seconds from the mouse to the report of the snapshot that confirms; up to 0.13 s of it are due to the report."""
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


def measure(scene: Path, seconds: float, minutes: float, more: list[str]) -> dict[str, Any]:
    """All numbers of one seed; training alone is measured before and after, because the load of the machine varies."""
    alone = [progress_alone(scene, seconds, more)]

    def late(report: dict[str, Any]) -> bool:
        return report.get("seconds", 0) >= seconds

    still: Progress = []
    turning: Progress = []
    with window(scene, more) as (viewer, starts):
        found: dict[str, Any] = dict(starts)
        viewer.wait_for(watching(late, still), "the end", 20 * seconds)
        found["still"] = frame_times(viewer)
        found["latency"] = latencies(viewer)
    with window(scene, more) as (viewer, _):
        turn(viewer, watching(late, turning))
        found["turning"] = frame_times(viewer)
        if minutes:
            found["memory MB"] = watched(viewer, minutes)
    alone.append(progress_alone(scene, seconds, more))
    ends = {"left alone": still[-1][1], "turning": turning[-1][1]}
    found["iterations"] = {"without a window": [one[-1][1] for one in alone], **ends}
    found["share"] = {"left alone": share(still, alone), "turning": share(turning, alone)}
    return found


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
        print(json.dumps({"seed": seed, **measure(scene, chosen.seconds, chosen.minutes, more)}), flush=True)


if __name__ == "__main__":
    main()
