"""Exports of a run into its own folder, as `l2g-train --export` writes them when the run has ended."""

from __future__ import annotations

from pathlib import Path

from engine.errors import UserError
from engine.export.formats import EXPORTERS
from engine.export.options import ExportOptions
from engine.export.progress import Progress
from engine.run.saved_run import SavedRun

EXPORTS_FOLDER = "exports"
_FILE_NAMES = {
    "ply": "points.ply",
    "splat": "splats.ply",
    "mesh": "mesh.glb",
    "video": "flight.mp4",
    "report": "report.html",
}


def export_into_run_folder(run: SavedRun, form: str, progress: Progress) -> tuple[Path, list[str]]:
    """Writes one format into the folder `exports` of a run; an earlier export of that format is replaced.

    Args:
        run: a run that has ended, with its checkpoint.
        form: one of `EXPORTERS`.
        progress: called while it is written.
    Returns:
        the file or folder written, and sentences for the user about it.
    Raises:
        UserError: it cannot be written.
    """
    folder = run.folder / EXPORTS_FOLDER
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder} cannot be made ({error.strerror or error}); free some space.") from error
    options = ExportOptions(folder / _FILE_NAMES.get(form, form), force=True)
    EXPORTERS[form].check(options, (run.trainer.scene.path,))
    return options.output, EXPORTERS[form].write(run, options, progress)
