"""`l2g-train`: follows a `Run`, as the window does, and writes its results."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console

from engine.cli.arguments import TrainArguments
from engine.cli.opening import open_run
from engine.cli.preparation_display import PreparationDisplay
from engine.cli.progress import ProgressDisplay
from engine.errors import UserError
from engine.fields.stages import stages
from engine.messages import Snapshot
from engine.results.outliers import outliers, reading_sentences
from engine.results.result import write_results
from engine.results.table import results_table
from engine.results.verdict import verdict_sentences
from engine.run.photo_queue import sentences_on_added
from engine.run.session import Session
from engine.run.thread import Run
from engine.system.interruption import Interruption

_SNAPSHOT_PERIOD = 0.2  # seconds between the snapshots that are shown


def train_scene(arguments: TrainArguments) -> int:
    """Trains, writes the run folder, prints a table.

    Returns:
        the exit code: 0, 1 after an internal error, 130 or 143 after an interruption.
    Raises:
        UserError: a wrong argument, a scene that cannot be read, or results that cannot be written.
    """
    if arguments.equal != "iterations":
        raise UserError("--equal is for the runs of a --race; leave it away, or give --race too.")
    console = Console(highlight=False)
    with PreparationDisplay(console) as display:
        opened = open_run(arguments, publish_period=_SNAPSHOT_PERIOD, watch=display)
    run, folder, table = opened.run, opened.folder, stages(opened.scene, opened.settings)
    for sentence in reading_sentences(opened.scene):
        console.print(sentence, soft_wrap=True, markup=False)
    with Interruption() as interruption:
        with ProgressDisplay(console, table, arguments.max_seconds) as display:
            session = follow_run(run, lambda: bool(interruption.signal), arguments.max_seconds, display.show)
        failures = write_results(session, folder)
        if session.writer.unsaved:
            failures.insert(0, session.writer.unsaved)
        if arguments.evaluate and session.trainer is not None and not (session.error or interruption.signal):
            from engine.cli.evaluate import evaluate_session

            evaluate_session(session, folder, interruption, console)
        if arguments.export and session.trainer is not None and not (session.error or interruption.signal):
            from engine.cli.export import export_session

            export_session(session, folder, arguments.export, console)
        console.print(results_table(session, folder))
        for sentence in verdict_sentences(folder):
            console.print(sentence, soft_wrap=True, markup=False)
        for sentence in sentences_on_added(session.history.events):
            console.print(sentence, soft_wrap=True, markup=False)
        for photo in outliers(session):
            console.print(f"Outlier: {photo.name} {photo.reason}.", soft_wrap=True, markup=False)
    if isinstance(session.error, UserError):
        failures.insert(0, session.error)
    if failures:
        raise UserError("\n".join(dict.fromkeys(map(str, failures))))
    return 1 if session.error else interruption.exit_code


def follow_run(
    run: Run,
    stopped: Callable[[], bool],
    max_seconds: float | None = None,
    show: Callable[[Snapshot], object] = lambda snapshot: None,
) -> Session:
    """Starts a run and follows it until it ends, `stopped` says so, or it reaches `max_seconds`; then stops it."""
    run.start()
    while not run.wait(0.0):
        snapshot = run.latest()
        if snapshot is not None:
            show(snapshot)
        if stopped() or (snapshot and max_seconds is not None and snapshot.seconds >= max_seconds):
            break
        run.wait(_SNAPSHOT_PERIOD / 2)
    run.stop()
    session = run.join()
    snapshot = run.latest()
    if snapshot is not None:
        show(snapshot)
    return session
