"""Bare photos of several kinds of places, with the defaults: `python -m tests.benchmarks.reach [--sets fountain]`.

Each set is copied into a folder without its poses and given to `l2g-train`; its references are used afterwards only.
Times run from the start of the process. pycolmap's full pipeline, with one shared camera, runs on the same photos
in the same run. "Alone": rotations are aligned by themselves. Distances of centres are in per cent of the r.m.s.
spread of the reference's centres, and for fern also in LLFF's units.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from engine.geometry.pose_errors import pose_errors
from engine.geometry.se3 import camera_centre
from engine.run.checkpoint import load_checkpoint
from engine.run.checkpoint_writer import CHECKPOINT_FILE
from engine.scenes import load_scene
from engine.scenes.scene import Scene
from tests.benchmarks.support.command import REPOSITORY, Options, options, report
from tests.benchmarks.support.curves import nested
from tests.benchmarks.support.table import Measure, Target
from tests.benchmarks.support.training import QUICK, TRAIN, fresh_process, run_folder

WITHIN_DEG = 1.0  # largest rotation error, alone, from which all cameras count as right
FLIP = np.diag([1.0, -1.0, -1.0, 1.0])  # nerfstudio's camera axes to OpenCV's
Poses = dict[str, Float[Tensor, "3 4"]]


@dataclass(frozen=True)
class PhotoSet:
    """One set of photos with its targets.

    Attributes:
        photos: folder of the photos, below the real scenes or the repository.
        reference: a file with nerfstudio's keys beside them, or an LLFF folder.
        start_s: most seconds until all cameras are within one degree.
        after_s: moment at which the errors are taken, seconds of the run.
        rotation_deg, spread_percent: largest mean errors then, rotations alone.
        psnr: least held-out PSNR after `MOST_SECONDS`, dB.
    """

    photos: str
    reference: str
    start_s: float
    after_s: float
    rotation_deg: float
    spread_percent: float | None
    psnr: float | None


SETS = {
    "fountain": PhotoSet("photos/fountain", "photos/fountain_reference.json", 12, 300, 0.19, 0.12, 20.0),
    "fern": PhotoSet("llff/fern/images_4", "llff/fern", 15, 120, 0.30, None, None),
    "fox": PhotoSet("nerfstudio/fox/images", "nerfstudio/fox/transforms.json", 40, 300, 0.4, 0.5, 24.0),
    "desk": PhotoSet("scenes/desk/images", "scenes/desk/reference.json", 35, 180, 0.05, 0.1, 26.0),
}
MOST_SECONDS = 600
QUICK_SET = PhotoSet("scenes/fern/images", "scenes/fern", 60, 60, 90.0, None, None)


def find(chosen: Options, path: str) -> Path:
    """A path below the repository where it begins with `scenes/`, else below the real scenes."""
    return REPOSITORY / path if path.startswith("scenes/") else chosen.scenes / path


def read_reference(path: Path, photos: Path) -> Poses:
    """World-to-camera poses by the name of the photo."""
    if path.is_dir():
        scene = load_scene(path)
        assert isinstance(scene, Scene)
        assert scene.reference_poses is not None
        names = sorted(entry.name for entry in photos.iterdir())  # LLFF keeps photos and poses in the same order
        return dict(zip(names, scene.reference_poses.double(), strict=True))
    frames = json.loads(path.read_text(encoding="utf-8"))["frames"]
    matrices = {Path(frame["file_path"]).name: np.array(frame["transform_matrix"]) @ FLIP for frame in frames}
    return {name: torch.from_numpy(np.linalg.inv(matrix)[:3]) for name, matrix in matrices.items()}


def measure_errors(found: Poses, reference: Poses) -> dict[str, float]:
    """Errors of the photos that both have; `registered` is their number."""
    names = sorted(set(found) & set(reference))
    if len(names) < 3:
        return {"registered": len(names)}
    wanted = torch.stack([reference[name] for name in names]).double()
    errors = pose_errors(torch.stack([found[name] for name in names]).double(), wanted)
    centres = camera_centre(wanted)
    spread = (centres - centres.mean(dim=0)).square().sum(dim=-1).mean().sqrt()
    return {
        "registered": len(names),
        "rotation": float(errors.rotation_deg.mean()),
        "alone": float(errors.relative_rotation_deg.mean()),
        "alone_max": float(errors.relative_rotation_deg.max()),
        "translation": float(errors.translation.mean()),
        "spread": 100 * float(errors.translation.mean() / spread),
    }


def run_l2g(
    chosen: Options, name: str, photos: Path, seed: int, reference: Poses, max_seconds: float
) -> dict[str, Any]:
    """One run from the photos alone: when all cameras are right, errors at the moment asked for, held-out PSNR."""
    case = QUICK_SET if chosen.quick else SETS[name]
    with run_folder(chosen, f"reach-{name}-{seed}") as folder:
        command = [str(photos), "--seed", str(seed), "--device", chosen.device, "--output", str(folder)]
        command += ["--max-seconds", str(max_seconds), "--evaluate", *(QUICK if chosen.quick else ())]
        print(f"l2g-train {' '.join(command)}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as cache:  # nothing of an earlier run is found there
            preparing, failure = follow([sys.executable, "-c", TRAIN, *command], Path(cache))
        if failure:
            print(failure, file=sys.stderr, flush=True)
            return {"failure": failure}
        result: dict[str, Any] = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        written = json.loads((folder / "poses.json").read_text(encoding="utf-8"))
        names = [frame["name"] for frame in written["frames"]]
        rows = load_checkpoint(folder / CHECKPOINT_FILE).history.rows
    curve = [
        (row.seconds, measure_errors(dict(zip(names, torch.from_numpy(row.poses), strict=False)), reference))
        for row in rows
    ]
    first = next((seconds for seconds, errors in curve if errors.get("alone_max", 180.0) < WITHIN_DEG), None)
    until = [errors for seconds, errors in curve if seconds <= case.after_s]
    return {
        "preparing": preparing,
        "within": None if first is None or preparing is None else preparing + first,
        "start": curve[0][1],
        "then": until[-1],
        "end": curve[-1][1],
        "seconds": result["seconds"],
        "psnr": nested(result, "test.psnr"),
        "train_psnr": result["train_psnr"],
        "peak_memory_bytes": result["peak_memory_bytes"],
        "verdict": result.get("verdict", {}).get("state") if result.get("verdict") else None,
    }


def follow(command: Sequence[str], cache: Path) -> tuple[float | None, str]:
    """Runs a command to its end: seconds from its start to that of the training's clock, and why it failed."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    begun, preparing, lines = time.perf_counter(), None, list[str]()
    with subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            clock = re.match(r"\s*([\d.]+) s  ", line)  # a line of progress begins with the training's clock
            if clock and preparing is None:
                preparing = time.perf_counter() - begun - float(clock[1])
    return preparing, "" if process.returncode == 0 else "".join(lines[-20:])


def run_peer(photos: Path, output: Path) -> dict[str, Any]:
    """pycolmap's full pipeline on the photos: seconds, and the poses by name."""
    import pycolmap

    start = time.perf_counter()
    database = output / "database.db"
    pycolmap.extract_features(database, photos, camera_mode=pycolmap.CameraMode.SINGLE)
    pycolmap.match_exhaustive(database)
    models = pycolmap.incremental_mapping(database, photos, output)
    best = max(models.values(), key=lambda model: model.num_reg_images(), default=None)
    images = [] if best is None else [image for image in best.images.values() if image.has_pose]
    poses = {image.name: image.cam_from_world().matrix().tolist() for image in images}
    return {"seconds": time.perf_counter() - start, "poses": poses}


def measure_peer(photos: Path, reference: Poses) -> dict[str, Any]:
    """`run_peer` in a process of its own, and its errors."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "result.json"
        words = ("-m", "tests.benchmarks.reach", "--peer", str(photos), folder, str(output))
        fresh_process(*words, log=Path(folder) / "log")
        found = json.loads(output.read_text(encoding="utf-8"))
    poses = {name: torch.tensor(pose) for name, pose in found["poses"].items()}
    return {"seconds": found["seconds"]} | measure_errors(poses, reference)


def measures(name: str, results: list[dict[str, Any]], peer: dict[str, Any]) -> list[Measure]:
    """The rows of one set; pycolmap's values stand in the names, since it ran once."""
    case = SETS.get(name, QUICK_SET)

    def values(path: str) -> list[float | None]:
        return [nested(result, path) for result in results]

    def beside(key: str) -> str:
        return f" (pycolmap {peer[key]:.3g})" if key in peer else ""

    percent = None if case.spread_percent is None else Target("at most", case.spread_percent)
    psnr = None if case.psnr is None else Target("at least", case.psnr)
    return [
        Measure(
            f"{name}: start to all cameras < 1°{beside('seconds')}",
            "s",
            values("within"),
            Target("at most", case.start_s),
        ),
        Measure(f"{name}: rotations alone at the start", "°", values("start.alone")),
        Measure(f"{name}: centres at the start", "%", values("start.spread")),
        Measure(
            f"{name}: rotations alone at {case.after_s:.0f} s{beside('alone')}",
            "°",
            values("then.alone"),
            Target("at most", case.rotation_deg),
        ),
        Measure(f"{name}: rotations then{beside('rotation')}", "°", values("then.rotation")),
        Measure(f"{name}: centres then{beside('spread')}", "%", values("then.spread"), percent),
        Measure(f"{name}: centres then, units{beside('translation')}", "", values("then.translation")),
        Measure(f"{name}: rotations alone at the end", "°", values("end.alone")),
        Measure(f"{name}: centres at the end", "%", values("end.spread")),
        Measure(f"{name}: held-out PSNR", "dB", values("psnr"), psnr),
        Measure(f"{name}: training PSNR", "dB", values("train_psnr")),
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs every set once per seed, pycolmap once per set, and reports each as it ends."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--max-seconds", type=float, default=MOST_SECONDS)
    given, rest = parser.parse_known_args(arguments)
    chosen = options("Bare photos of several kinds of places (--sets, --max-seconds).", rest)
    raw = dict[str, Any]()
    for name in ["fern"] if chosen.quick else given.sets:
        case = QUICK_SET if chosen.quick else SETS[name]
        folder = find(chosen, case.photos)
        reference = read_reference(find(chosen, case.reference), folder)
        with tempfile.TemporaryDirectory() as temporary:
            photos = Path(temporary) / name
            photos.mkdir()
            for entry in sorted(folder.iterdir()):
                if entry.suffix.lower() in (".jpg", ".png"):
                    shutil.copy(entry, photos)
            results = [run_l2g(chosen, name, photos, seed, reference, given.max_seconds) for seed in chosen.seeds]
            peer = measure_peer(photos, reference)
        raw[name] = {"l2g": results, "pycolmap": peer}
        report(f"Bare photos: {name}", chosen, measures(name, results, peer), raw)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peer"]:
        Path(sys.argv[4]).write_text(json.dumps(run_peer(Path(sys.argv[2]), Path(sys.argv[3]))), encoding="utf-8")
    else:
        main()
