"""`l2g-export` from the parsed command line to files: progress on the terminal, and what was left out."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path

from rich.console import Console

from engine.cli.arguments import ExportArguments, ExportFormat
from engine.cli.step_display import StepDisplay
from engine.errors import UserError
from engine.export.formats import EXPORTERS
from engine.export.options import ExportOptions, check_options
from engine.run.checkpoint import load_checkpoint
from engine.run.checkpoint_writer import CHECKPOINT_FILE
from engine.run.saved_run import SavedRun, open_saved_run
from engine.run.session import Session
from engine.system.devices import resolve_device
from engine.training.planar import PlanarTrainer

EXPORTS = "exports"  # in a run's folder
FILES = {"ply": "points.ply", "mesh": "mesh.glb", "video": "flight.mp4", "report": "report.html"}


def export_folder(arguments: ExportArguments) -> int:
    """Exports a run from its checkpoint; returns the exit code.

    Raises:
        UserError: something that the user can mend.
    """
    exporter = EXPORTERS[arguments.to]
    options = ExportOptions(**{field.name: getattr(arguments, field.name) for field in fields(ExportOptions)})
    check_options(options)
    exporter.check(options, ())
    console = Console(highlight=False)
    with ending_tidily(), StepDisplay(console) as display:
        display.show(0.0, "reading the run")
        run = open_saved_run(arguments.run, arguments.scene, resolve_device(arguments.device))
        exporter.check(options, (run.folder, run.trainer.scene.path))
        notes = exporter.write(run, options, display.show)
    tell(console, notes, options)
    return 0


def export_session(session: Session, folder: Path, formats: Sequence[ExportFormat], console: Console) -> None:
    """Exports a run that has just ended into its own folder; exports of what it was before are replaced.

    Raises:
        UserError: the scene is planar, or something cannot be written.
    """
    trainer = session.trainer
    if trainer is None or isinstance(trainer, PlanarTrainer):
        raise UserError("--export is for scenes with cameras; a planar scene has none.")
    run = SavedRun(folder, load_checkpoint(folder / CHECKPOINT_FILE), trainer)
    try:
        (folder / EXPORTS).mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder / EXPORTS} cannot be made ({error.strerror or error}); free some space.") from error
    for name in dict.fromkeys(formats):
        options = ExportOptions(folder / EXPORTS / FILES.get(name, name), force=True)
        EXPORTERS[name].check(options, (trainer.scene.path,))
        with ending_tidily(), StepDisplay(console) as display:
            notes = EXPORTERS[name].write(run, options, display.show)
        tell(console, notes, options)


def tell(console: Console, notes: Sequence[str], options: ExportOptions) -> None:
    """What the user should know of an export that has been written."""
    for note in notes:
        console.print(note, soft_wrap=True)
    console.print(f"Written: {options.output}", soft_wrap=True)


@contextlib.contextmanager
def ending_tidily() -> Iterator[None]:
    """Lets SIGTERM end the program as Ctrl-C does: what is half written is removed."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
