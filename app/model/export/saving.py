"""Files that the window writes on request. Existing files are never overwritten."""

from __future__ import annotations

from pathlib import Path

from app.model.state.scene_kinds import as_planar, as_posed
from app.model.state.state import State
from engine.errors import UserError
from engine.messages import SaveCheckpoint
from engine.results.planar import transforms
from engine.results.result import poses
from engine.system.files import write_json


def save(state: State) -> None:
    """Has every run write a checkpoint into its folder; an event in the history tells when it is done."""
    state.send_all(SaveCheckpoint())


def export_poses(state: State, path: Path) -> None:
    """Writes the fitted poses or transforms as JSON (the format of a run's `poses.json` or `transforms.json`).

    Raises:
        UserError: there are none yet, the file exists, or it cannot be written.
    """
    run = state.run
    if run is None or run.scene is None or run.history is None or not run.history.rows:
        raise UserError("There are no poses to export before the run has begun.")
    refuse_existing(path)
    last = run.history.rows[-1]
    posed, planar = as_posed(run.scene), as_planar(run.scene)
    if posed is not None:
        write_json(path, poses(posed, last, None))
    if planar is not None:
        write_json(path, transforms(planar, last))


def refuse_existing(path: Path) -> None:
    """Raises `UserError` where something would be overwritten."""
    if path.exists():
        raise UserError(f"{path} exists already; give another name.")
