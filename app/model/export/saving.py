"""Files that the window writes on request. Existing files are never overwritten."""

from __future__ import annotations

from pathlib import Path

from app.model.state.state import State
from engine.errors import UserError
from engine.messages import SaveCheckpoint
from engine.results.result import KINDS
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
    write_json(path, KINDS[type(run.scene)].placements(run.scene, run.history.rows[-1]))


def refuse_existing(path: Path) -> None:
    """Raises `UserError` where something would be overwritten."""
    if path.exists():
        raise UserError(f"{path} exists already; give another name.")
