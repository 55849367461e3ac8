"""All cameras are knocked off in the last stage, and have to find back: `python -m tests.benchmarks.kick_all`."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.config.settings import Settings
from engine.fields.stages import stages
from engine.messages import PerturbAll, Snapshot
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

ROTATION_DEG, SPREADS = 5.0, 0.1  # standard deviations: degrees round each axis, a part of the spread along each
INTO_THE_STAGE = 100  # iterations of the last stage before the knock
WATCHED = 90.0  # seconds after it


def knocked_and_watched(folder: Path, seed: int, device: str, quick: bool) -> dict[str, Any]:
    """Train into the last stage, knock, watch; to be called in a fresh process."""
    scene, settings = small_or_whole(folder, seed, quick), Settings(seed=seed)
    last = sum(stage.iterations for stage in stages(scene, settings)[:-1]) + INTO_THE_STAGE
    before, curve = knocked(
        scene,
        settings,
        device,
        ready=lambda snapshot: snapshot.iteration >= (last // 20 if quick else last),
        knock=lambda snapshot: PerturbAll(math.radians(ROTATION_DEG), SPREADS * spread_of(snapshot), seed),
        watched=5.0 if quick else WATCHED,
    )
    return verdict(before, curve)


def verdict(before: Snapshot, curve: Curve) -> dict[str, Any]:
    """Mean errors before, at the knock and at the end; seconds until they were back for good."""
    old, new = errors_of(before).mean(axis=1), curve[-1][1]
    means = [(seconds, errors.mean(axis=1)) for seconds, errors in curve]
    return {
        "seconds_until_back": seconds_until_back(means, old),
        "old": old.tolist(),
        "knocked_to": means[0][1].tolist(),
        "new": means[-1][1].tolist(),
        "worst": new.max(axis=1).tolist(),
        "curve": [[seconds, *errors.tolist()] for seconds, errors in means],
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Knock once per seed, report."""
    chosen = options("All cameras of a fern run in its last stage are knocked off.", arguments)
    results = each_seed("tests.benchmarks.kick_all", chosen, chosen.scene("llff/fern"))
    title = "All frames of a fern run in its last stage knocked by 5° and 10 % of the spread (standard deviations)"
    report(title, chosen, measures(results), results)


if __name__ == "__main__":
    begin(main, knocked_and_watched, sys.argv[1:])
