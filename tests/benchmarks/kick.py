"""One camera of a finished fern run is knocked off and has to find its way back: `python -m tests.benchmarks.kick`."""

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
from tests.benchmarks.command import options, report
from tests.benchmarks.knocking import (
    Curve,
    begin,
    each_seed,
    errors_of,
    knocked,
    seconds_until_back,
    small_or_whole,
    spread_of,
)
from tests.benchmarks.table import Measure, Target

ROTATION_DEG, SPREADS = 10.0, 0.2  # the knock: degrees, and a part of the spread of the camera centres
WATCHED = 60.0  # seconds after the knock
HARMED = 1.1  # times the mean error of the other frames


def knock(snapshot: Snapshot, frame: int, seed: int) -> PerturbPose:
    """10° and 20 % of the camera spread (root mean square distance from the mean), in random directions."""
    directions = torch.randn(2, 3, generator=torch.Generator().manual_seed(seed))
    axis, way = torch.nn.functional.normalize(directions, dim=-1)
    turned = (axis * math.radians(ROTATION_DEG)).tolist()
    moved = (way * SPREADS * spread_of(snapshot)).tolist()
    return PerturbPose(frame, (turned[0], turned[1], turned[2]), (moved[0], moved[1], moved[2]))


def knocked_and_watched(folder: Path, seed: int, device: str, quick: bool) -> dict[str, Any]:
    """Train to the end of the schedule, knock, watch; to be called in a fresh process."""
    scene = small_or_whole(folder, seed, quick)
    frame = (3 + 7 * seed) % len(scene.training_frames)
    before, curve = knocked(
        scene,
        Settings(seed=seed, max_iterations=30 if quick else None),
        device,
        ready=lambda snapshot: 0 < snapshot.iterations <= snapshot.iteration,
        knock=lambda snapshot: knock(snapshot, frame, seed),
        watched=5.0 if quick else WATCHED,
        keep_going=True,
    )
    return verdict(before, curve, frame)


def verdict(before: Snapshot, curve: Curve, frame: int) -> dict[str, Any]:
    """Seconds until the knocked frame was back for good, and the others' errors before and after."""
    old, new = errors_of(before), curve[-1][1]
    others = np.arange(old.shape[1]) != frame
    own = [(seconds, errors[:, frame]) for seconds, errors in curve]
    return {
        "frame": frame,
        "seconds_until_back": seconds_until_back(own, old[:, frame]),
        "knocked_to": own[0][1].tolist(),
        "old": old[:, frame].tolist(),
        "new": new[:, frame].tolist(),
        "others_old": old[:, others].mean(axis=1).tolist(),
        "others_new": new[:, others].mean(axis=1).tolist(),
        "curve": [[seconds, *errors.tolist()] for seconds, errors in own],
    }


def measures(results: Sequence[dict[str, Any]]) -> list[Measure]:
    """What the issue asks of a knocked frame."""
    back = [result["seconds_until_back"] for result in results]
    rows = [Measure("knocked frame: back within 2x its old error", "s", back, Target("at most", 30))]
    for index, (name, unit) in enumerate((("rotation", "°"), ("translation", ""))):
        for key, what in (("old", "before"), ("knocked_to", "knocked to"), ("new", "after a minute")):
            values = [result[key][index] for result in results]
            rows.append(Measure(f"knocked frame: {name} {what}", unit, values))
        ratios = [result["others_new"][index] / max(result["others_old"][index], 1e-9) for result in results]
        rows.append(Measure(f"others: mean {name} after / before", "", ratios, Target("at most", HARMED)))
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Knock once per seed, report."""
    chosen = options("One camera of a finished fern run is knocked off.", arguments)
    results = each_seed("tests.benchmarks.kick", chosen, chosen.scene("llff/fern"))
    title = "One frame of a finished fern run knocked by 10° and 20 % of the spread"
    report(title, chosen, measures(results), results)


if __name__ == "__main__":
    begin(main, knocked_and_watched, sys.argv[1:])
