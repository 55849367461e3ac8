"""Held-out pictures within a time, in all kinds of space: `python -m tests.benchmarks.picture [--sets lego fern]`.

Each set is one `l2g-train --max-seconds S --evaluate`, which spreads its schedule over the time. Fox is trained from
the poses of its file and the desk from its photos alone.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.fern import memory
from tests.benchmarks.support.command import REPOSITORY, Options, options, report
from tests.benchmarks.support.curves import nested
from tests.benchmarks.support.table import Measure, Target
from tests.benchmarks.support.training import train


@dataclass(frozen=True)
class PictureSet:
    """One scene with its targets.

    Attributes:
        scene: below the real scenes, or below the repository where it begins with `scenes/`.
        seconds: of training.
        psnr: least held-out PSNR, dB.
        arguments: further options of `l2g-train`.
        rotation_deg, translation: largest mean pose errors; None where poses are given or have no reference.
        bare: whether the photos are given without what stands beside them.
    """

    scene: str
    seconds: int
    psnr: float
    arguments: tuple[str, ...] = ()
    rotation_deg: float | None = None
    translation: float | None = None
    bare: bool = False


EXACT = ("--init", "reference", "--method", "reference")
NOISE = ("--noise-rotation", "0.07", "--noise-translation", "0.5")
SETS = {
    "lego-exact": PictureSet("blender/lego", 600, 31.0, EXACT),
    "lego-noise": PictureSet("blender/lego", 600, 30.5, NOISE, 0.12, 0.008),
    "fern": PictureSet("llff/fern", 600, 25.2, (), 0.30, 0.0020),
    "scenes-fern": PictureSet("scenes/fern", 180, 34.0),
    "fox": PictureSet("nerfstudio/fox", 600, 26.0, EXACT),
    "desk": PictureSet("scenes/desk/images", 600, 28.0, bare=True),
}


def measures(name: str, results: Sequence[dict[str, Any]]) -> list[Measure]:
    """Rows for one set, with their targets, from the `result.json` of every seed."""
    case = SETS[name]

    def row(what: str, unit: str, key: str, target: Target | None = None) -> Measure:
        return Measure(f"{name}: {what}", unit, [nested(result, key) for result in results], target)

    def limit(value: float | None) -> Target | None:
        return None if value is None else Target("at most", value)

    return [
        row("held-out PSNR", "dB", "test.psnr", Target("at least", case.psnr)),
        row("held-out SSIM", "", "test.ssim"),
        row("training PSNR", "dB", "train_psnr"),
        row("rotation", "°", "pose.rotation_error_deg.mean", limit(case.rotation_deg)),
        row("translation", "", "pose.translation_error.mean", limit(case.translation)),
        row("seconds of training", "s", "seconds"),
        memory(name, results),
    ]


def run(chosen: Options, name: str, seed: int, seconds: float) -> dict[str, Any]:
    """One training of a set."""
    case = SETS[name]
    inside = case.scene.startswith("scenes/")
    scene = (REPOSITORY if inside or chosen.quick else chosen.scenes) / ("scenes/fern" if chosen.quick else case.scene)
    quick = ["--downscale", "8"] if chosen.quick else []
    arguments = ["--max-seconds", str(seconds), "--evaluate", *case.arguments, *quick]
    if not case.bare or chosen.quick:
        return train(chosen, f"picture-{name}", scene, seed, *arguments)
    with tempfile.TemporaryDirectory() as temporary:  # no file beside the photos tells their poses
        photos = Path(temporary) / name
        shutil.copytree(scene, photos)
        return train(chosen, f"picture-{name}", photos, seed, *arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains once per set and seed, and reports."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--max-seconds", type=float, help="in place of each set's own time")
    own, rest = parser.parse_known_args(arguments)
    chosen = options("Held-out pictures within a time.", rest)
    results = {
        name: [run(chosen, name, seed, own.max_seconds or SETS[name].seconds) for seed in chosen.seeds]
        for name in own.sets
    }
    rows = [row for name in own.sets for row in measures(name, results[name])]
    report("Held-out pictures", chosen, rows, results)


if __name__ == "__main__":
    main()
