"""One camera of a finished fern run is knocked off and has to find its way back: `python -m tests.benchmarks.kick`."""

from __future__ import annotations

import json
import math
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.devices import resolve_device
from engine.geometry.se3 import camera_centre
from engine.geometry.similarity import spread
from engine.memory import keep_freed_memory
from engine.messages import PerturbPose, Snapshot
from engine.run import Run
from engine.scenes import SceneOptions, load_scene
from engine.settings import Settings
from tests.benchmarks.command import Options, options, report
from tests.benchmarks.table import Measure, Target
from tests.benchmarks.training import fresh_process

ROTATION_DEG, SPREADS = 10.0, 0.2  # the knock: degrees, and a part of the spread of the camera centres
WATCHED = 60.0  # seconds after the knock
HARMED = 1.1  # times the mean error of the other frames


def knock(snapshot: Snapshot, frame: int, seed: int) -> PerturbPose:
    """10° and 20 % of the camera spread (root mean square distance from the mean), in random directions."""
    directions = torch.randn(2, 3, generator=torch.Generator().manual_seed(seed))
    axis, way = torch.nn.functional.normalize(directions, dim=-1)
    distance = SPREADS * float(spread(camera_centre(torch.from_numpy(snapshot.poses.copy()))))
    turned = (axis * math.radians(ROTATION_DEG)).tolist()
    moved = (way * distance).tolist()
    return PerturbPose(frame, (turned[0], turned[1], turned[2]), (moved[0], moved[1], moved[2]))


def knocked_and_watched(scene_folder: Path, seed: int, device: str, quick: bool) -> dict[str, Any]:
    """Train to the end of the schedule, knock, watch; to be called in a fresh process."""
    keep_freed_memory()  # as the commands do
    scene = load_scene(scene_folder, SceneOptions(seed=seed, downscale=8 if quick else None))
    settings = Settings(seed=seed, max_iterations=30 if quick else None)
    run = Run(scene, settings, resolve_device(device), keep_going=True)
    run.start()
    try:
        before = seen(run, lambda snapshot: 0 < snapshot.iterations <= snapshot.iteration)
        frame = (3 + 7 * seed) % len(scene.training_frames)
        command = knock(before, frame, seed)
        start = time.perf_counter()
        run.send(command)
        rows: list[tuple[float, Snapshot]] = []
        while not rows or rows[-1][0] < (5.0 if quick else WATCHED):
            last = rows[-1][1] if rows else before
            snapshot = seen(run, lambda snapshot, last=last: snapshot is not last)  # type: ignore[misc]
            if any(event.kind == "perturb-pose" for event in snapshot.events):
                rows.append((time.perf_counter() - start, snapshot))
    finally:
        run.stop()
        run.join(60)
    return verdict(before, rows, frame)


def seen(run: Run, wanted: Callable[[Snapshot], bool], patience: float = 7200.0) -> Snapshot:
    """The first snapshot that is wanted.

    Raises:
        RuntimeError: the run failed, or had no such snapshot within the patience (seconds).
    """
    until = time.perf_counter() + patience
    while time.perf_counter() < until:
        snapshot = run.latest()
        if snapshot is not None and snapshot.status == "failed":
            raise RuntimeError(f"The run failed: {snapshot.message}")
        if snapshot is not None and wanted(snapshot):
            return snapshot
        time.sleep(0.05)
    raise RuntimeError("The run did not get there in time.")


def verdict(before: Snapshot, rows: Sequence[tuple[float, Snapshot]], frame: int) -> dict[str, Any]:
    """Seconds until the knocked frame was back for good, and the others' errors before and after.

    Back is within twice its old errors, of rotation and of translation, and staying so until the end of the watch;
    None if it was not.
    """
    old = errors_of(before)
    curve = [(seconds, errors_of(snapshot)) for seconds, snapshot in rows]
    back = None
    for seconds, errors in reversed(curve):
        if (errors[:, frame] > 2 * old[:, frame]).any():
            break
        back = seconds
    others = np.arange(old.shape[1]) != frame
    new = curve[-1][1]
    return {
        "frame": frame,
        "seconds_until_back": back,
        "knocked_to": curve[0][1][:, frame].tolist(),
        "old": old[:, frame].tolist(),
        "new": new[:, frame].tolist(),
        "others_old": old[:, others].mean(axis=1).tolist(),
        "others_new": new[:, others].mean(axis=1).tolist(),
        "curve": [[seconds, *errors[:, frame].tolist()] for seconds, errors in curve],
    }


def errors_of(snapshot: Snapshot) -> np.ndarray:
    """Rotation (degrees) and translation errors, (2, frames)."""
    assert snapshot.rotation_error_deg is not None
    assert snapshot.translation_error is not None
    return np.stack([snapshot.rotation_error_deg, snapshot.translation_error]).astype(float)


def measures(results: Sequence[dict[str, Any]]) -> list[Measure]:
    """What the issue asks of a knocked frame."""
    rows = [
        Measure(
            "knocked frame: back within 2x its old error",
            "s",
            [result["seconds_until_back"] for result in results],
            Target("at most", 30),
        )
    ]
    for index, (name, unit) in enumerate((("rotation", "°"), ("translation", ""))):
        for key, what in (("old", "before"), ("knocked_to", "knocked to"), ("new", "after a minute")):
            values = [result[key][index] for result in results]
            rows.append(Measure(f"knocked frame: {name} {what}", unit, values))
        ratios = [result["others_new"][index] / max(result["others_old"][index], 1e-9) for result in results]
        rows.append(Measure(f"others: mean {name} after / before", "", ratios, Target("at most", HARMED)))
    return rows


def one(chosen: Options, scene: Path, seed: int) -> dict[str, Any]:
    """`knocked_and_watched` in a process of its own."""
    with tempfile.TemporaryDirectory() as temporary:
        output = Path(temporary) / "kick.json"
        quick = "quick" if chosen.quick else "full"
        arguments = ["--worker", str(scene.resolve()), str(seed), chosen.device, quick, str(output)]
        fresh_process("-m", "tests.benchmarks.kick", *arguments, log=output.with_suffix(".log"))
        return json.loads(output.read_text(encoding="utf-8"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Knock once per seed, report."""
    chosen = options("One camera of a finished fern run is knocked off.", arguments)
    scene = chosen.scene("llff/fern")
    results = [one(chosen, scene, seed) for seed in chosen.seeds]
    report(
        "One frame of a finished fern run knocked by 10° and 20 % of the spread", chosen, measures(results), results
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        folder, seed, device, quick, output = sys.argv[2:]
        found = knocked_and_watched(Path(folder), int(seed), device, quick == "quick")
        Path(output).write_text(json.dumps(found), encoding="utf-8")
    else:
        main()
