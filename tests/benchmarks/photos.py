"""Real fern as a bare folder of photos, focal length unknown: `python -m tests.benchmarks.photos`.

Trains from identity poses, from COLMAP's poses, and with COLMAP's poses fixed; the last two use COLMAP's lens too. The
results are compared with LLFF's poses and focal length, which the runs do not know. In all three the poses of held-out
photos, which have no reference, are found by refinement.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from engine.geometry.pose_errors import pose_errors
from engine.scenes import load_scene
from engine.scenes.scene import Scene
from tests.benchmarks.support.command import Options, options, report
from tests.benchmarks.support.curves import nested
from tests.benchmarks.support.table import Measure, Target
from tests.benchmarks.support.training import train

SECONDS = "300"
STARTS = {
    "identity": ("--init", "identity"),
    "COLMAP, refined": ("--init", "sfm"),
    "COLMAP, fixed": ("--init", "sfm", "--method", "reference"),
}


def compare(poses: dict[str, Any], reference: Scene) -> dict[str, float]:
    """Mean errors of a run's `poses.json` against a scene of the same photos, and the relative error of the focal."""
    assert reference.reference_poses is not None
    rows = [reference.names.index(frame["name"]) for frame in poses["frames"]]
    found = torch.tensor([frame["world_to_camera"] for frame in poses["frames"]]).double()
    errors = pose_errors(found, reference.reference_poses[rows].double())
    true = float(reference.intrinsics.focal[0, 0]) / reference.intrinsics.width
    return {
        "rotation": float(errors.rotation_deg.mean()),
        "translation": float(errors.translation.mean()),
        "relative rotation": float(errors.relative_rotation_deg.mean()),
        "focal": 100 * abs(poses["frames"][0]["focal"][0] / poses["width"] / true - 1),
        "radial": poses["frames"][0]["distortion"][0],
    }


def measures(found: dict[str, list[dict[str, Any]]]) -> list[Measure]:
    """A row per start and quantity."""
    most = {"rotation": 1.0, "translation": 0.005, "focal": 3.0}
    units = {"rotation": "°", "relative rotation": "°", "focal": "%"}
    rows = []
    for start, results in found.items():
        for what in ("rotation", "translation", "relative rotation", "focal", "radial"):
            target = Target("at most", most[what]) if start == "identity" and what in most else None
            rows.append(Measure(f"{start}: {what}", units.get(what, ""), [r.get(what) for r in results], target))
        rows.append(Measure(f"{start}: held-out PSNR", "dB", [nested(result, "test.psnr") for result in results]))
    return rows


def train_and_compare(chosen: Options, start: str, photos: Path, reference: Scene, seed: int) -> dict[str, Any]:
    """Trains once and compares the result with the reference."""
    with tempfile.TemporaryDirectory() as folder:
        kept = replace(chosen, runs=chosen.runs or Path(folder))
        name = f"photos-{start.replace(', ', '-').lower()}"
        result = train(kept, name, photos, seed, "--max-seconds", SECONDS, "--evaluate", *STARTS[start])
        assert kept.runs is not None
        file = kept.runs / f"{name}-{seed}" / "poses.json"
        return result | (compare(json.loads(file.read_text(encoding="utf-8")), reference) if file.is_file() else {})


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains every start once per seed, and reports."""
    chosen = options("Fern as a bare folder of photos.", arguments)
    scene = chosen.scene("llff/fern")
    reference = load_scene(scene)
    assert isinstance(reference, Scene)
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder) / "photos"
        shutil.copytree(scene / ("images" if chosen.quick else "images_4"), photos)
        found = {
            start: [train_and_compare(chosen, start, photos, reference, seed) for seed in chosen.seeds]
            for start in STARTS
        }
    report("Fern as a bare folder of photos", chosen, measures(found), found)


if __name__ == "__main__":
    main()
