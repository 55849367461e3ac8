"""Perturbed cameras of objects with few features: `python -m tests.benchmarks.smooth_objects [--quick]`.

The objects are rendered first (a minute). Matches are few there, and many of them wrong: a run with them must not end
worse than one without.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.lego import NOISE
from tests.benchmarks.smooth_objects.objects import OBJECTS, SPLITS, write_object
from tests.benchmarks.support.command import options, report
from tests.benchmarks.support.curves import nested
from tests.benchmarks.support.table import Measure
from tests.benchmarks.support.training import train

SIDE = 400  # pixels
QUICK = (48, {"train": 12, "test": 2})
LENGTH = ("--downscale", "2", "--max-iterations", "1000")
VARIANTS = {"as it is": (), "without matches": ("--no-matches",)}


def measures(results: dict[tuple[str, str], list[dict[str, Any]]]) -> list[Measure]:
    """Rows of the errors at the end, for each object with and without matches."""
    rows = [("rotation_error_deg.mean", "°"), ("rotation_error_deg.max", "°"), ("translation_error.mean", "units")]
    return [
        Measure(
            f"{name}, {variant}: {key.replace('_error', '').replace('_deg', '').replace('.', ', ')}",
            unit,
            [nested(result, f"pose.{key}") for result in found],
        )
        for (name, variant), found in results.items()
        for key, unit in rows
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Renders the objects, trains each with and without matches, and reports."""
    chosen = options("Perturbed cameras of objects with few features.", arguments)
    results = dict[tuple[str, str], list[dict[str, Any]]]()
    with tempfile.TemporaryDirectory() as folder:
        for name in OBJECTS:
            scene = Path(folder) / name
            write_object(name, scene, *(QUICK if chosen.quick else (SIDE, SPLITS)))
            for variant, words in VARIANTS.items():
                common = (*NOISE, *words, *(() if chosen.quick else LENGTH))
                results[name, variant] = [
                    train(chosen, f"{name}-{'-'.join(variant.split())}", scene, seed, *common) for seed in chosen.seeds
                ]
    raw = {f"{name}, {variant}": found for (name, variant), found in results.items()}
    report("Objects with few features, noise 0.07 rad / 0.5", chosen, measures(results), raw)


if __name__ == "__main__":
    main()
