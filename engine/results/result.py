"""The run folder's files for people and programs: `result.json`, `poses.json`, `errors.png`, `cameras.mp4`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from engine.errors import UserError
from engine.results.cameras import CAMERAS_VIDEO, POSES_FILE, camera_writers, poses
from engine.results.outliers import outliers
from engine.results.planar import TRANSFORMS_FILE, planar_content, planar_writers, transforms
from engine.run.checkpoint_writer import CHECKPOINT_FILE
from engine.run.history import History, Row, summary
from engine.run.session import Session
from engine.scenes import PlanarScene, Scene
from engine.system.files import write_json
from engine.system.memory import peak_memory_bytes

RESULT_FILE, ERRORS_PLOT = "result.json", "errors.png"
RUN_FILES = (CHECKPOINT_FILE, RESULT_FILE, POSES_FILE, ERRORS_PLOT, CAMERAS_VIDEO, TRANSFORMS_FILE, "test.json")


class ResultKind(NamedTuple):
    """What is particular to the results of a kind of scene.

    Attributes:
        writers: one function for each file beside `result.json` and the plot of errors; False leaves videos out.
        content: keys of `result.json` of its own.
        placements: of the frames at a row of the history, as `poses.json` or `transforms.json` has them.
    """

    writers: Callable[[Session, Path, bool], list[Callable[[], object]]]
    content: Callable[[Session], dict[str, Any]]
    placements: Callable[[Any, Row], dict[str, Any]]


KINDS: dict[type, ResultKind] = {
    Scene: ResultKind(camera_writers, lambda session: {}, poses),
    PlanarScene: ResultKind(planar_writers, planar_content, transforms),
}


def write_results(session: Session, folder: Path, *, videos: bool = True) -> list[UserError]:
    """Writes what a run has come to; returns what could not be written, after writing all that could.

    Without `videos` the film of the cameras, which takes seconds, is left out.
    """
    from engine.results.error_plot import plot_errors

    if not session.history.rows:
        return []
    writers = [
        lambda: write_json(folder / RESULT_FILE, result(session)),
        lambda: plot_errors(session.history, session.scene, folder / ERRORS_PLOT),
        *KINDS[type(session.scene)].writers(session, folder, videos),
    ]
    failures = []
    for write in writers:
        try:
            write()
        except UserError as error:
            failures.append(error)
    return failures


def result(session: Session) -> dict[str, Any]:
    """The content of `result.json`: degrees, scene units, seconds, dB, bytes; None for what is not known."""
    history, last = session.history, session.history.rows[-1]
    content = {
        "scene": session.scene.name,
        "method": session.settings.method,
        "field": session.settings.field,
        "assist": session.settings.assist,
        "device": str(session.device),
        "seed": session.settings.seed,
        "seconds": last.seconds,
        "iterations": last.iteration,
        "frames": len(session.scene.training_frames),
        "pose": {
            "rotation_error_deg": summary(last.rotation_error_deg),
            "translation_error": summary(last.translation_error),
            "relative_rotation_error_deg": summary(last.relative_rotation_error_deg),
        },
        "train_psnr": training_psnr(history),
        "test": {"psnr": None, "ssim": None, "lpips": None, "frames": 0},
        "outliers": [asdict(photo) for photo in outliers(session)],
        "notes": list(getattr(session.scene, "notes", ())),
        "peak_memory_bytes": peak_memory_bytes(),
        "history": [_row(row) for row in history.rows],
        "events": [asdict(event) for event in history.events],
    }
    content["verdict"] = None if session.trainer is None else session.trainer.verdict().as_json()
    return content | KINDS[type(session.scene)].content(session)


def training_psnr(history: History) -> float | None:
    """The last PSNR that was measured (a stage that has just begun has none yet), dB."""
    return next((row.psnr for row in reversed(history.rows) if np.isfinite(row.psnr)), None)


def _row(row: Row) -> dict[str, Any]:
    planar = {} if row.corner_error_px is None else {"corner_error_px": summary(row.corner_error_px)["mean"]}
    return planar | {
        "iteration": row.iteration,
        "seconds": row.seconds,
        "stage": row.stage,
        "psnr": row.psnr,
        "rotation_error_deg": summary(row.rotation_error_deg)["mean"],
        "translation_error": summary(row.translation_error)["mean"],
    }
