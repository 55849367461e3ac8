"""One run of a sweep in its worker process: what `l2g-train` does, without a terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from engine.cli.opening import open_run
from engine.cli.sweep_values import KEEP_CHECKPOINT, train_arguments
from engine.cli.train import follow_run
from engine.errors import UserError
from engine.evaluation.runs import NoCamerasError, evaluate_trainer, require_cameras
from engine.lab.sweep.definition import Values
from engine.lab.sweep.worker import CutShortError
from engine.results.result import write_results


def train_run(values: Values, folder: Path, stopped: Callable[[], bool]) -> None:
    """Trains a run and writes its results into `folder`; see `engine.lab.sweep.worker.Train`.

    Raises:
        CutShortError: it ended because `stopped` said so.
        UserError: the scene or a value is wrong, or results cannot be written.
        Exception: what the run itself failed with.
    """
    arguments, cut = train_arguments(values, folder), False

    def asked_to_stop() -> bool:
        nonlocal cut
        cut = cut or stopped()
        return cut

    def stop_evaluation(*_: object) -> None:
        if asked_to_stop():
            raise CutShortError

    opened = open_run(arguments, publish_period=1.0, write_checkpoints=bool(values.get(KEEP_CHECKPOINT)))
    session = follow_run(opened.run, asked_to_stop, arguments.max_seconds)
    if session.error:
        raise session.error
    if cut:
        raise CutShortError
    failures = write_results(session, folder, videos=False)
    if session.writer.unsaved:
        failures.append(session.writer.unsaved)
    if failures:
        raise UserError(" ".join(dict.fromkeys(map(str, failures))))
    if arguments.evaluate and session.trainer is not None:
        with contextlib.suppress(NoCamerasError):
            evaluate_trainer(require_cameras(session.trainer), folder, progress=stop_evaluation)
