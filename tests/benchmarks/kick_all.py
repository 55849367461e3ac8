"""All cameras are knocked off in the last stage, and have to find back: `python -m tests.benchmarks.kick_all`."""

from __future__ import annotations

import json
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from engine.devices import resolve_device
from engine.geometry.se3 import camera_centre
from engine.geometry.similarity import spread
from engine.memory import keep_freed_memory
from engine.messages import PerturbAll, Snapshot
from engine.run import Run
from engine.scenes import SceneOptions, load_scene
from engine.schedule import stages
from engine.settings import Settings
from tests.benchmarks.command import Options, options, report
from tests.benchmarks.kick import errors_of, seen
from tests.benchmarks.table import Measure, Target
from tests.benchmarks.training import fresh_process

ROTATION_DEG, SPREADS = 5.0, 0.1  # standard deviations: degrees round each axis, a part of the spread along each
INTO_THE_STAGE = 100  # iterations of the last stage before the knock
WATCHED = 90.0  # seconds after it


def knocked_and_watched(folder: Path, seed: int, device: str, quick: bool) -> dict[str, Any]:
    """Train into the last stage, knock, watch; to be called in a fresh process."""
    keep_freed_memory()  # as the commands do
    scene = load_scene(folder, SceneOptions(seed=seed, downscale=8 if quick else None))
    settings = Settings(seed=seed)
    run = Run(scene, settings, resolve_device(device))
    last = sum(stage.iterations for stage in stages(scene, settings)[:-1]) + INTO_THE_STAGE
    run.start()
    try:
        before = seen(run, lambda snapshot: snapshot.iteration >= (last // 20 if quick else last))
        distance = SPREADS * float(spread(camera_centre(torch.from_numpy(before.poses.copy()))))
        begun = time.perf_counter()
        run.send(PerturbAll(math.radians(ROTATION_DEG), distance, seed))
        rows: list[tuple[float, Snapshot]] = []
        while not rows or rows[-1][0] < (5.0 if quick else WATCHED):
            newest = rows[-1][1] if rows else before
            snapshot = seen(run, lambda snapshot, newest=newest: snapshot is not newest)  # type: ignore[misc]
            if any(event.kind == "perturb-all" for event in snapshot.events):
                rows.append((time.perf_counter() - begun, snapshot))
    finally:
        run.stop()
        run.join(60)
    return verdict(before, rows)


def verdict(before: Snapshot, rows: Sequence[tuple[float, Snapshot]]) -> dict[str, Any]:
    """Mean errors before, at the knock and at the end; seconds until they were back within twice the old ones for
    good, None if they were not."""
    old = errors_of(before).mean(axis=1)
    curve = [(seconds, errors_of(snapshot)) for seconds, snapshot in rows]
    back = None
    for seconds, errors in reversed(curve):
        if (errors.mean(axis=1) > 2 * old).any():
            break
        back = seconds
    return {
        "seconds_until_back": back,
        "old": old.tolist(),
        "knocked_to": curve[0][1].mean(axis=1).tolist(),
        "new": curve[-1][1].mean(axis=1).tolist(),
        "worst": curve[-1][1].max(axis=1).tolist(),
        "curve": [[seconds, *errors.mean(axis=1).tolist()] for seconds, errors in curve],
    }


def measures(results: Sequence[dict[str, Any]]) -> list[Measure]:
    back = [result["seconds_until_back"] for result in results]
    rows = [Measure("all frames: mean errors back within 2x the old ones", "s", back, Target("at most", 60))]
    words = (
        ("old", "mean before"),
        ("knocked_to", "mean, knocked to"),
        ("new", "mean at the end"),
        ("worst", "worst"),
    )
    for index, (name, unit) in enumerate((("rotation", "°"), ("translation", ""))):
        rows += [Measure(f"{name}: {what}", unit, [one[key][index] for one in results]) for key, what in words]
    return rows


def one(chosen: Options, scene: Path, seed: int) -> dict[str, Any]:
    """`knocked_and_watched` in a process of its own."""
    with tempfile.TemporaryDirectory() as temporary:
        output = Path(temporary) / "kick.json"
        quick = "quick" if chosen.quick else "full"
        arguments = ["--worker", str(scene.resolve()), str(seed), chosen.device, quick, str(output)]
        fresh_process("-m", "tests.benchmarks.kick_all", *arguments, log=output.with_suffix(".log"))
        return json.loads(output.read_text(encoding="utf-8"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Knock once per seed, report."""
    chosen = options("All cameras of a fern run in its last stage are knocked off.", arguments)
    scene = chosen.scene("llff/fern")
    results = [one(chosen, scene, seed) for seed in chosen.seeds]
    title = "All frames of a fern run in its last stage knocked by 5° and 10 % of the spread (standard deviations)"
    report(title, chosen, measures(results), results)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        folder, seed, device, quick, output = sys.argv[2:]
        found = knocked_and_watched(Path(folder), int(seed), device, quick == "quick")
        Path(output).write_text(json.dumps(found), encoding="utf-8")
    else:
        main()
