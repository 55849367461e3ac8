"""Real fern from identity poses, beside COLMAP's pipeline on the same photos: `python -m tests.benchmarks.fern`."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.support.command import Options, options, report
from tests.benchmarks.support.curves import below, nested, time_until, value_at
from tests.benchmarks.support.table import Measure, Target
from tests.benchmarks.support.training import fresh_process, train

LONGEST = 900  # seconds of training
STOPPING = 5  # seconds that a run may take to stop after that
GIGABYTE = 1e9


def measures(results: Sequence[dict[str, Any]], gpu: bool) -> list[Measure]:
    """Rows for fern, with their targets, from the `result.json` of every seed."""
    histories = [result["history"] for result in results]
    registered = below(rotation_error_deg=1.0, translation_error=0.005)
    precise = below(rotation_error_deg=0.45)
    in_time = [(nested(result, "seconds") or 0) <= LONGEST + STOPPING for result in results]
    psnr = [nested(result, "test.psnr") if within else None for result, within in zip(results, in_time, strict=True)]
    return [
        Measure(
            "fern: until rotation < 1.0° and translation < 0.005",
            "s",
            [time_until(history, registered) for history in histories],
            Target("at most", 60),
        ),
        Measure(
            "fern: until rotation < 0.45°",
            "s",
            [time_until(history, precise) for history in histories],
            Target("at most", 10) if gpu else None,
        ),
        Measure(
            "fern: rotation after 5 min",
            "°",
            [value_at(history, 300, "rotation_error_deg") for history in histories],
            Target("at most", 0.45),
        ),
        Measure(
            "fern: translation after 5 min",
            "",
            [value_at(history, 300, "translation_error") for history in histories],
            Target("at most", 0.0020),
        ),
        Measure(
            "fern: relative rotation at the end",
            "°",
            [nested(result, "pose.relative_rotation_error_deg.mean") for result in results],
        ),
        Measure("fern: seconds of training", "s", [nested(result, "seconds") for result in results]),
        Measure("fern: held-out PSNR", "dB", psnr, Target("at least", 26.2 if gpu else 24.57)),
        Measure("fern: held-out SSIM", "", [nested(result, "test.ssim") for result in results]),
        memory("fern", results),
    ]


def memory(name: str, results: Sequence[dict[str, Any]]) -> Measure:
    """Peak memory of the runs."""
    peaks = [nested(result, "peak_memory_bytes") for result in results]
    values = [None if peak is None else peak / GIGABYTE for peak in peaks]
    return Measure(f"{name}: peak memory", "GB", values, Target("at most", 4.0))


def peers(chosen: Options, scene: Path) -> list[dict[str, Any]]:
    """Results of COLMAP on the same photos at both sizes, each in a process of its own."""
    found = []
    for images in ["images"] if chosen.quick else ["images_4", "images_8"]:
        with tempfile.TemporaryDirectory() as temporary:
            output = Path(temporary) / "peer.json"
            limit = ["6"] if chosen.quick else []
            arguments = [str(scene.resolve()), images, str(output), *limit]
            fresh_process("-m", "tests.benchmarks.support.colmap_peer", *arguments, log=output.with_suffix(".log"))
            found.append(json.loads(output.read_text(encoding="utf-8")))
    return found


def peer_measures(found: Sequence[dict[str, Any]], seeds: int) -> list[Measure]:
    """A row per quantity and image size; COLMAP runs once, so its number is the same in every column."""
    rows = []
    for peer in found:
        name = f"COLMAP on {peer['images']} ({peer['registered']} of {peer['frames']} photos)"
        for key, unit in (("seconds", "s"), ("rotation_error_deg", "°"), ("translation_error", "")):
            rows.append(Measure(f"{name}: {key.split('_')[0]}", unit, [peer.get(key)] * seeds))
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains once per seed, runs COLMAP and reports."""
    chosen = options("Real fern from identity poses, beside COLMAP.", arguments)
    scene = chosen.scene("llff/fern")
    quick = ["--downscale", "8"] if chosen.quick else []
    results = [
        train(chosen, "fern", scene, seed, "--max-seconds", str(LONGEST), "--evaluate", *quick)
        for seed in chosen.seeds
    ]
    found = peers(chosen, scene)
    rows = measures(results, chosen.gpu) + peer_measures(found, len(chosen.seeds))
    report("Real fern, identity start", chosen, rows, {"results": results, "colmap": found})


if __name__ == "__main__":
    main()
