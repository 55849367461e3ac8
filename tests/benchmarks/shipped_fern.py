"""The fern that ships, from identity poses: `python -m tests.benchmarks.shipped_fern`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.benchmarks.fern import memory
from tests.benchmarks.support.command import REPOSITORY, options, report
from tests.benchmarks.support.curves import below, nested, time_until
from tests.benchmarks.support.table import Measure, Target
from tests.benchmarks.support.training import train


def measures(results: Sequence[dict[str, Any]]) -> list[Measure]:
    """Rows for the shipped fern, with their targets, from the `result.json` of every seed."""
    registered = below(rotation_error_deg=0.5, translation_error=0.005)
    return [
        Measure(
            "scenes/fern: until rotation < 0.5° and translation < 0.005",
            "s",
            [time_until(result["history"], registered) for result in results],
            Target("at most", 45),
        ),
        Measure(
            "scenes/fern: rotation at the end",
            "°",
            [nested(result, "pose.rotation_error_deg.mean") for result in results],
        ),
        Measure(
            "scenes/fern: translation at the end",
            "",
            [nested(result, "pose.translation_error.mean") for result in results],
        ),
        Measure("scenes/fern: seconds of training", "s", [nested(result, "seconds") for result in results]),
        Measure("scenes/fern: held-out PSNR", "dB", [nested(result, "test.psnr") for result in results]),
        memory("scenes/fern", results),
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains once per seed and reports."""
    chosen = options("The fern that ships, from identity poses.", arguments)
    quick = ["--downscale", "8"] if chosen.quick else []
    scene = REPOSITORY / "scenes" / "fern"
    results = [train(chosen, "shipped_fern", scene, seed, "--evaluate", *quick) for seed in chosen.seeds]
    report("The fern that ships, identity start", chosen, measures(results), results)


if __name__ == "__main__":
    main()
