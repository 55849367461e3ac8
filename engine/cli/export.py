"""`l2g-export`, and the exports at the end of `l2g-train --export`: progress on the terminal."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path

from rich.console import Console

from engine.cli.arguments import ExportArguments, ExportFormat
from engine.cli.step_display import StepDisplay
from engine.evaluation.runs import require_cameras
from engine.export.formats import EXPORTERS
from engine.export.options import ExportOptions, check_options
from engine.export.run_folder import export_into_run_folder
from engine.run.checkpoint import load_checkpoint
from engine.run.checkpoint_writer import CHECKPOINT_FILE
from engine.run.saved_run import SavedRun, open_saved_run
from engine.run.session import Session
from engine.system.devices import resolve_device


def export_folder(arguments: ExportArguments) -> int:
    """Exports a run from its checkpoint; returns the exit code.

    Raises:
        UserError: a wrong argument, a run or scene that cannot be read, or an output that cannot be written.
    """
    exporter = EXPORTERS[arguments.to]
    options = ExportOptions(**{field.name: getattr(arguments, field.name) for field in fields(ExportOptions)})
    check_options(options)
    exporter.check(options, ())
    console = Console(highlight=False)
    with interruptible_by_sigterm(), StepDisplay(console) as display:
        display.show(0.0, "reading the run")
        run = open_saved_run(arguments.run, arguments.scene, resolve_device(arguments.device))
        exporter.check(options, (run.folder, run.trainer.scene.path))
        notes = exporter.write(run, options, display.show)
    print_notes(console, notes, options.output)
    return 0


def export_session(session: Session, folder: Path, formats: Sequence[ExportFormat], console: Console) -> None:
    """Exports a run that has ended into its own folder; earlier exports there are replaced.

    Raises:
        UserError: the scene is planar, or something cannot be written.
    """
    assert session.trainer is not None
    trainer = require_cameras(session.trainer)
    run = SavedRun(folder, load_checkpoint(folder / CHECKPOINT_FILE), trainer)
    for form in dict.fromkeys(formats):
        with interruptible_by_sigterm(), StepDisplay(console) as display:
            output, notes = export_into_run_folder(run, form, display.show)
        print_notes(console, notes, output)


def print_notes(console: Console, notes: Sequence[str], output: Path) -> None:
    """Prints the sentences about an export, and where it was written."""
    for note in notes:
        console.print(note, soft_wrap=True)
    console.print(f"Written: {output}", soft_wrap=True)


@contextlib.contextmanager
def interruptible_by_sigterm() -> Iterator[None]:
    """Within it SIGTERM raises KeyboardInterrupt, as Ctrl-C does, so that incomplete files are removed."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
