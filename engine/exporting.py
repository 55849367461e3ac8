"""`l2g-export` from the parsed command line to files: progress on the terminal, and what was left out."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING

from rich.console import Console

from engine.devices import resolve_device
from engine.export.formats import EXPORTERS
from engine.export.options import ExportOptions, check_options
from engine.saved_run import open_saved_run
from engine.steps import StepDisplay

if TYPE_CHECKING:
    from engine.cli import ExportArguments


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
    for note in notes:
        console.print(note, soft_wrap=True)
    console.print(f"Written: {arguments.output}", soft_wrap=True)
    return 0


@contextlib.contextmanager
def ending_tidily() -> Iterator[None]:
    """Lets SIGTERM end the program as Ctrl-C does: what is half written is removed."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
