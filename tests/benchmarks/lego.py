"""Real lego under L2G-NeRF's noise, L2G beside BARF: `python -m tests.benchmarks.lego`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.benchmarks.fern import memory
from tests.benchmarks.support.command import options, report
from tests.benchmarks.support.curves import below, nested, time_until, value_at
from tests.benchmarks.support.table import Measure, Target
from tests.benchmarks.support.training import train

NOISE = ("--noise-rotation", "0.07", "--noise-translation", "0.5")
LONGEST = 600  # seconds of training


def measures(results: Sequence[dict[str, Any]], gpu: bool) -> list[Measure]:
    """Rows for lego, with their targets, from the `result.json` of every seed."""
    histories = [result["history"] for result in results]
    registered = below(rotation_error_deg=1.0, rotation_error_max_deg=5.0)
    precise = below(rotation_error_deg=0.2)
    return [
        Measure(
            "lego: until mean rotation < 1° and no frame > 5°",
            "s",
            [time_until(history, registered) for history in histories],
            Target("at most", 180),
        ),
        Measure(
            "lego: mean rotation after 3 min",
            "°",
            [value_at(history, 180, "rotation_error_deg") for history in histories],
            Target("at most", 1.0),
        ),
        Measure(
            "lego: largest rotation after 3 min",
            "°",
            [value_at(history, 180, "rotation_error_max_deg") for history in histories],
            Target("at most", 5.0),
        ),
        Measure(
            "lego: until mean rotation < 0.2°",
            "s",
            [time_until(history, precise) for history in histories],
            Target("at most", 20) if gpu else None,
        ),
        *final(results, "l2g", Target("at most", 0.2), Target("at most", 0.02)),
        Measure(
            "lego: held-out PSNR at 400x400",
            "dB",
            [nested(result, "test.psnr") for result in results],
            Target("at least", 31.6 if gpu else 26.0),
        ),
        Measure("lego: held-out SSIM at 400x400", "", [nested(result, "test.ssim") for result in results]),
        memory("lego", results),
    ]


def final(
    results: Sequence[dict[str, Any]], method: str, rotation: Target | None = None, translation: Target | None = None
) -> list[Measure]:
    """Rows for the errors at the end and the seconds of training."""
    rows = [("rotation_error_deg.mean", "°", rotation), ("rotation_error_deg.max", "°", None)]
    rows += [("translation_error.mean", "", translation), ("relative_rotation_error_deg.mean", "°", None)]
    return [
        Measure(
            f"lego, {method}: {key.replace('_error', '').replace('_deg', '').replace('_', ' ').replace('.', ', ')}",
            unit,
            [nested(result, f"pose.{key}") for result in results],
            target,
        )
        for key, unit, target in rows
    ] + [Measure(f"lego, {method}: seconds of training", "s", [nested(result, "seconds") for result in results])]


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains once per seed and method, and reports."""
    chosen = options("Real lego under L2G-NeRF's noise, L2G beside BARF.", arguments)
    scene = chosen.scene("blender/lego", shipped="locomotive")
    quick = ["--downscale", "8"] if chosen.quick else []
    common = [*NOISE, "--max-seconds", str(LONGEST), "--evaluate", *quick]
    results = {
        method: [train(chosen, f"lego-{method}", scene, seed, "--method", method, *common) for seed in chosen.seeds]
        for method in ("l2g", "barf")
    }
    rows = measures(results["l2g"], chosen.gpu) + final(results["barf"], "barf")
    rows.append(Measure("lego, barf: held-out PSNR", "dB", [nested(one, "test.psnr") for one in results["barf"]]))
    report("Real lego, noise 0.07 rad / 0.5", chosen, rows, results)


if __name__ == "__main__":
    main()
