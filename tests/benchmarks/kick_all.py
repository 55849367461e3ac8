"""All cameras are perturbed in the last stage and must recover: `python -m tests.benchmarks.kick_all`."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.config.settings import Settings
from engine.fields.stages import stages
from engine.messages import PerturbAll, Snapshot
from tests.benchmarks.support.command import options, report
from tests.benchmarks.support.perturbations import (
    Curve,
    errors_of,
    load_benchmark_scene,
    measure_seeds,
    perturb_and_observe,
    run_main_or_worker,
    spread_of,
    time_to_recover,
)
from tests.benchmarks.support.table import Measure, Target

# Standard deviations of the perturbation: about each axis; along each axis, relative to the spread of the centres.
ROTATION_DEG, SPREADS = 5.0, 0.1
INTO_THE_STAGE = 100  # iterations of the last stage before the perturbation
OBSERVED = 90.0  # seconds after the perturbation


def measure_recovery(folder: Path, seed: int, device: str, quick: bool) -> dict[str, Any]:
    """Trains into the last stage, perturbs and observes; to be called in a fresh process."""
    scene, settings = load_benchmark_scene(folder, seed, quick), Settings(seed=seed)
    last = sum(stage.iterations for stage in stages(scene, settings)[:-1]) + INTO_THE_STAGE
    before, curve = perturb_and_observe(
        scene,
        settings,
        device,
        ready=lambda snapshot: snapshot.iteration >= (last // 20 if quick else last),
        perturbation=lambda snapshot: PerturbAll(math.radians(ROTATION_DEG), SPREADS * spread_of(snapshot), seed),
        seconds=5.0 if quick else OBSERVED,
    )
    return summarise(before, curve)


def summarise(before: Snapshot, curve: Curve) -> dict[str, Any]:
    """Mean errors before, at the perturbation and at the end; seconds until they had recovered."""
    old, new = errors_of(before).mean(axis=1), curve[-1][1]
    means = [(seconds, errors.mean(axis=1)) for seconds, errors in curve]
    return {
        "recovery_seconds": time_to_recover(means, old),
        "old": old.tolist(),
        "perturbed_to": means[0][1].tolist(),
        "new": means[-1][1].tolist(),
        "worst": new.max(axis=1).tolist(),
        "curve": [[seconds, *errors.tolist()] for seconds, errors in means],
    }


def measures(results: Sequence[dict[str, Any]]) -> list[Measure]:
    """Rows for all frames, with their targets."""
    seconds = [result["recovery_seconds"] for result in results]
    rows = [Measure("all frames: mean errors within 2x the old ones", "s", seconds, Target("at most", 60))]
    words = (
        ("old", "mean before"),
        ("perturbed_to", "mean, perturbed to"),
        ("new", "mean at the end"),
        ("worst", "worst"),
    )
    for index, (name, unit) in enumerate((("rotation", "°"), ("translation", ""))):
        rows += [Measure(f"{name}: {what}", unit, [one[key][index] for one in results]) for key, what in words]
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures every seed and reports."""
    chosen = options("All cameras of a fern run are perturbed in its last stage.", arguments)
    results = measure_seeds("tests.benchmarks.kick_all", chosen, chosen.scene("llff/fern"))
    title = "All frames of a fern run perturbed in its last stage by 5° and 10 % of the spread (standard deviations)"
    report(title, chosen, measures(results), results)


if __name__ == "__main__":
    run_main_or_worker(main, measure_recovery, sys.argv[1:])
