"""Evaluation of a saved or of a current run on its held-out frames: pictures, `test.json`, `result.json`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from engine.errors import UserError
from engine.evaluation.held_out import Scores, evaluate_held_out, spread_evenly
from engine.evaluation.pictures import draw_side_by_side, picture_name
from engine.evaluation.report import TEST_NAME, make_pose_entries, make_test_entry, update_result
from engine.run.saved_run import open_saved_run
from engine.system.files import replace_file, write_json
from engine.training.radiance import RadianceTrainer
from engine.training.trainer import Trainer

PICTURES_FOLDER = "held_out"
Progress = Callable[[int, int, str, Scores], None]
"""Called after every frame: frames done, frames in all, name and scores of the last one."""


class NoCamerasError(UserError):
    """The run is planar: there is nothing to evaluate or to export."""


def require_cameras(trainer: Trainer) -> RadianceTrainer:
    """The trainer, if its scene has cameras.

    Raises:
        NoCamerasError: it is planar.
    """
    if not isinstance(trainer, RadianceTrainer):
        raise NoCamerasError(
            "A planar run has no cameras and no held-out photos; its result.json has the errors and the PSNR."
        )
    return trainer


def evaluate_run(
    run_folder: Path,
    *,
    scene_folder: Path | None = None,
    device: torch.device | str = "cpu",
    limit: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Evaluate a run from its checkpoint.

    Args:
        run_folder: folder of the run.
        scene_folder: folder of the scene, if it has been moved since.
        device: for rendering.
        limit: most held-out frames to evaluate, evenly spread.
        progress: called after every frame.
    Returns:
        the new entry `test` of `result.json`; without held-out frames `psnr` is None and `frames` 0.
    Raises:
        UserError: there is no such run, its checkpoint or scene cannot be read, or the results cannot be written.
    """
    run = open_saved_run(run_folder, scene_folder, device)
    return evaluate_trainer(run.trainer, run_folder, limit=limit, progress=progress)


def evaluate_trainer(
    trainer: RadianceTrainer, run_folder: Path, *, limit: int | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Evaluate the current state of a run; writes `held_out/`, `test.json`, and `test` and `verdict` in
    `result.json` if that exists.

    Arguments, result and errors are those of `evaluate_run`. The trainer is not changed. Pictures of an earlier
    evaluation are replaced or removed.
    """
    scene, folder = trainer.scene, run_folder / PICTURES_FOLDER
    count = len(spread_evenly(len(scene.held_out_frames), limit))
    scores: dict[str, Scores] = {}
    poses: list[dict[str, Any]] = []
    pictures: set[str] = set()
    frames = evaluate_held_out(
        trainer.field,
        scene,
        trainer.poses(),
        refine=trainer.settings.registers,
        intrinsics=trainer.calibration.intrinsics(scene.intrinsics),
        limit=limit,
    )
    for frame in frames:
        scores[frame.name] = frame.scores
        poses += make_pose_entries([frame])
        picture = picture_name(frame.frame, frame.name)
        pictures.add(picture)
        with replace_file(folder / picture) as temporary:
            draw_side_by_side(frame, scene.kind).save(temporary)
        if progress is not None:
            progress(len(scores), count, frame.name, frame.scores)
    _remove_others(folder, pictures)
    test = make_test_entry(scores)
    write_json(run_folder / TEST_NAME, test | {"iteration": trainer.iteration, "poses": poses})
    update_result(run_folder, test, trainer.verdict(test["psnr"]).as_json())
    return test


def _remove_others(folder: Path, pictures: set[str]) -> None:
    """Removes the pictures of an earlier evaluation that are not among `pictures`."""
    if not folder.is_dir():
        return
    try:
        for path in folder.glob("[0-9][0-9][0-9][0-9]_*.png"):
            if path.name not in pictures:
                path.unlink()
    except OSError as error:
        raise UserError(f"{error.filename or folder} cannot be removed ({error.strerror or error}).") from error
