"""One camera of a finished fern run is perturbed and must be relocalised: `python -m tests.benchmarks.kick`."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.config.settings import Settings
from engine.messages import PerturbPose, Snapshot
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

ROTATION_DEG, SPREADS = 10.0, 0.2  # of the perturbation; SPREADS is relative to the spread of the camera centres
OBSERVED = 60.0  # seconds after the perturbation
MOST_RISE = 1.1  # factor on the mean error of the other frames


def make_perturbation(snapshot: Snapshot, frame: int, seed: int) -> PerturbPose:
    """10° and 20 % of the camera spread (root mean square distance from the mean), in random directions."""
    directions = torch.randn(2, 3, generator=torch.Generator().manual_seed(seed))
    axis, direction = torch.nn.functional.normalize(directions, dim=-1)
    rotation = (axis * math.radians(ROTATION_DEG)).tolist()
    translation = (direction * SPREADS * spread_of(snapshot)).tolist()
    return PerturbPose(
        frame, (rotation[0], rotation[1], rotation[2]), (translation[0], translation[1], translation[2])
    )


def measure_recovery(folder: Path, seed: int, device: str, quick: bool) -> dict[str, Any]:
    """Trains to the end of the schedule, perturbs and observes; to be called in a fresh process."""
    scene = load_benchmark_scene(folder, seed, quick)
    frame = (3 + 7 * seed) % len(scene.training_frames)
    before, curve = perturb_and_observe(
        scene,
        Settings(seed=seed, max_iterations=30 if quick else None),
        device,
        ready=lambda snapshot: 0 < snapshot.iterations <= snapshot.iteration,
        perturbation=lambda snapshot: make_perturbation(snapshot, frame, seed),
        seconds=5.0 if quick else OBSERVED,
        keep_going=True,
    )
    return summarise(before, curve, frame)


def summarise(before: Snapshot, curve: Curve, frame: int) -> dict[str, Any]:
    """Seconds until the perturbed frame had recovered, and the errors of the others before and after."""
    old, new = errors_of(before), curve[-1][1]
    others = np.arange(old.shape[1]) != frame
    own = [(seconds, errors[:, frame]) for seconds, errors in curve]
    return {
        "frame": frame,
        "recovery_seconds": time_to_recover(own, old[:, frame]),
        "perturbed_to": own[0][1].tolist(),
        "old": old[:, frame].tolist(),
        "new": new[:, frame].tolist(),
        "others_old": old[:, others].mean(axis=1).tolist(),
        "others_new": new[:, others].mean(axis=1).tolist(),
        "curve": [[seconds, *errors.tolist()] for seconds, errors in own],
    }


def measures(results: Sequence[dict[str, Any]]) -> list[Measure]:
    """Rows for a perturbed frame, with their targets."""
    seconds = [result["recovery_seconds"] for result in results]
    rows = [Measure("perturbed frame: within 2x its old error", "s", seconds, Target("at most", 30))]
    for index, (name, unit) in enumerate((("rotation", "°"), ("translation", ""))):
        for key, what in (("old", "before"), ("perturbed_to", "perturbed to"), ("new", "after a minute")):
            values = [result[key][index] for result in results]
            rows.append(Measure(f"perturbed frame: {name} {what}", unit, values))
        ratios = [result["others_new"][index] / max(result["others_old"][index], 1e-9) for result in results]
        rows.append(Measure(f"others: mean {name} after / before", "", ratios, Target("at most", MOST_RISE)))
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures every seed and reports."""
    chosen = options("One camera of a finished fern run is perturbed.", arguments)
    results = measure_seeds("tests.benchmarks.kick", chosen, chosen.scene("llff/fern"))
    title = "One frame of a finished fern run perturbed by 10° and 20 % of the spread"
    report(title, chosen, measures(results), results)


if __name__ == "__main__":
    run_main_or_worker(main, measure_recovery, sys.argv[1:])
