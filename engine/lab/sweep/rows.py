"""The outcome of one run as a row of the sweep's table."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

import torch

from engine.errors import UserError
from engine.geometry.se3 import camera_centre
from engine.geometry.similarity import spread
from engine.lab.sweep.definition import SweptRun
from engine.results.cameras import POSES_FILE
from engine.results.planar import TRANSFORMS_FILE
from engine.results.result import RESULT_FILE
from engine.system.files import write_json

ROW_FILE = "row.json"
State = Literal["finished", "failed"]


@dataclass(frozen=True)
class Row:
    """One run.

    Attributes:
        run: its name, and that of its folder in `runs`.
        scene: path. method, field, assist, init, lambda_exponent, noise_*, seed: as it was asked for.
        state: `finished` or `failed`; reason: why it failed, in a sentence, else empty.
        attempts: how often it was begun; more than 1 where a worker process had ended in mid-run.
        host: name of the machine.
        seconds, iterations: of the run's own clock.
        frames: that were trained on.
        rotation_mean_deg, rotation_median_deg, rotation_max_deg: rotation errors of the frames, degrees.
        relative_rotation_mean_deg: the same after an alignment of the orientations alone.
        translation_mean, translation_median, translation_max: distances of camera centres, scene units.
        translation_share: mean distance of camera centres as a share of the reference centres' spread.
        corner_mean_px, corner_max_px: planar: of the patches but the first, which is fixed, pixels.
        train_psnr, test_psnr: dB. test_ssim, test_lpips: of held-out frames, where the run was evaluated.
        verdict: registered, doubtful or failed.
        peak_memory_bytes: of the worker process until then.
    """

    run: str
    scene: str
    method: str
    field: str
    assist: str
    init: str
    lambda_exponent: float
    noise_rotation: float
    noise_translation: float
    noise_h: float | None
    noise_t: float | None
    noise_r: float | None
    seed: int
    state: State
    reason: str = ""
    attempts: int = 1
    host: str = ""
    seconds: float | None = None
    iterations: int | None = None
    frames: int | None = None
    rotation_mean_deg: float | None = None
    rotation_median_deg: float | None = None
    rotation_max_deg: float | None = None
    relative_rotation_mean_deg: float | None = None
    translation_mean: float | None = None
    translation_median: float | None = None
    translation_max: float | None = None
    translation_share: float | None = None
    corner_mean_px: float | None = None
    corner_max_px: float | None = None
    train_psnr: float | None = None
    test_psnr: float | None = None
    test_ssim: float | None = None
    test_lpips: float | None = None
    verdict: str | None = None
    peak_memory_bytes: int | None = None

    @property
    def scene_name(self) -> str:
        """The first part of the run's name, which is unique within the sweep."""
        return self.run.removesuffix(f"-seed_{self.seed}").rpartition(f"-{self.method}-{self.field}")[0]

    @property
    def planar(self) -> bool:
        """Whether errors are those of patches."""
        return self.corner_mean_px is not None


AXES = tuple(f.name for f in fields(Row))[1:13]  # scene to seed


def failed_row(run: SweptRun, reason: str, attempts: int, host: str = "") -> Row:
    """The row of a run that has no result."""
    return Row(run.name, **_axes(run), state="failed", reason=reason, attempts=attempts, host=host)


def finished_row(run: SweptRun, folder: Path, attempts: int, host: str = "") -> Row:
    """The row of a run whose folder has its results.

    Raises:
        UserError: `result.json` cannot be read, or lacks something.
    """
    path = folder / RESULT_FILE
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        pose, test = result["pose"], result["test"]
        found: dict[str, Any] = {
            **{name: result[name] for name in ("seconds", "iterations", "frames", "train_psnr", "peak_memory_bytes")},
            **{f"rotation_{kind}_deg": pose["rotation_error_deg"][kind] for kind in ("mean", "median", "max")},
            **{f"translation_{kind}": pose["translation_error"][kind] for kind in ("mean", "median", "max")},
            "relative_rotation_mean_deg": pose["relative_rotation_error_deg"]["mean"],
            **{f"test_{name}": test[name] for name in ("psnr", "ssim", "lpips")},
            "verdict": (result["verdict"] or {}).get("state"),
        }
        found["translation_share"] = _translation_share(folder / POSES_FILE)
        found |= _corner_errors(folder / TRANSFORMS_FILE)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} and the files beside it do not say how the run ended ({error}).") from error
    return Row(run.name, **_axes(run), state="finished", attempts=attempts, host=host, **found)


def _axes(run: SweptRun) -> dict[str, Any]:
    return {name: run.values[name] for name in AXES}


def _translation_share(path: Path) -> float | None:
    """Of `poses.json`, whose reference poses are aligned to the fitted ones; None where there are too few of them."""
    with contextlib.suppress(FileNotFoundError):
        frames = json.loads(path.read_text(encoding="utf-8"))["frames"]
        known = [frame for frame in frames if frame["reference_world_to_camera"] is not None]
        if len(known) < 2:
            return None
        fitted, reference = (
            camera_centre(torch.tensor([frame[name] for frame in known], dtype=torch.float64))
            for name in ("world_to_camera", "reference_world_to_camera")
        )
        size = float(spread(reference))
        return float((fitted - reference).norm(dim=-1).mean()) / size if size > 0 else None
    return None


def _corner_errors(path: Path) -> dict[str, float]:
    """Of `transforms.json`; nothing for a run with cameras."""
    with contextlib.suppress(FileNotFoundError):
        patches = json.loads(path.read_text(encoding="utf-8"))["patches"]
        errors = [float(patch["corner_error_px"]) for patch in patches[1:]]
        return {"corner_mean_px": sum(errors) / len(errors), "corner_max_px": max(errors)}
    return {}


def write_row(row: Row, folder: Path) -> None:
    """Writes `row.json`, the last file of a run that has ended; raises `UserError` where that fails."""
    write_json(folder / ROW_FILE, asdict(row))


def read_row(folder: Path) -> Row | None:
    """The row of a run that has ended; None where it has not, or where its file is damaged: then it is made again."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return row_from_json(json.loads((folder / ROW_FILE).read_text(encoding="utf-8")))
    return None


def row_from_json(content: Mapping[str, Any]) -> Row:
    """Raises `TypeError` where entries are missing or unknown."""
    return Row(**content)
