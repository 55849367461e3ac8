"""`l2g-eval`, and the evaluation at the end of `l2g-train --evaluate`: progress on the terminal, and a table."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from engine.cli.arguments import EvaluateArguments
from engine.errors import UserError
from engine.evaluation.held_out import Scores
from engine.evaluation.report import make_table
from engine.evaluation.runs import NoCamerasError, evaluate_run, evaluate_trainer, require_cameras
from engine.results.verdict import verdict_sentences
from engine.run.session import Session
from engine.system.devices import resolve_device
from engine.system.interruption import Interruption


def evaluate_folder(arguments: EvaluateArguments) -> int:
    """Evaluates a run from its checkpoint and prints the table; returns the exit code.

    Raises:
        UserError: a wrong argument, or a run or scene that cannot be read.
    """
    if arguments.limit is not None and arguments.limit < 1:
        raise UserError(f"--limit is {arguments.limit}; give 1 or more.")
    console = Console(highlight=False)
    test = evaluate_run(
        arguments.run,
        scene_folder=arguments.scene,
        device=resolve_device(arguments.device),
        limit=arguments.limit,
        progress=lambda done, count, name, scores: print_score(console, done, count, name, scores),
    )
    if not test["frames"]:
        console.print("The scene has no held-out frames; there is nothing to evaluate.")
    else:
        console.print(make_table(test, f"Held-out frames of {arguments.run}"))
    for sentence in verdict_sentences(arguments.run):
        console.print(sentence, soft_wrap=True, markup=False)
    return 0


def evaluate_session(session: Session, folder: Path, interruption: Interruption, console: Console) -> None:
    """Evaluates a run that has ended and writes the results to its folder; an interruption ends it early.

    Raises:
        UserError: the results cannot be written.
    """

    def progress(done: int, count: int, name: str, scores: Scores) -> None:
        print_score(console, done, count, name, scores)
        if interruption.signal:
            raise _Interrupted

    assert session.trainer is not None
    try:
        evaluate_trainer(require_cameras(session.trainer), folder, progress=progress)
    except NoCamerasError as reason:
        console.print(str(reason), soft_wrap=True)
    except _Interrupted:
        console.print("The evaluation was interrupted; run l2g-eval to repeat it.")


def print_score(console: Console, done: int, count: int, name: str, scores: Scores) -> None:
    """Prints a line about one held-out frame."""
    console.print(f"held out {done}/{count}: {name}  {scores.psnr:.2f} dB", soft_wrap=True)


class _Interrupted(Exception):
    """Ctrl-C or SIGTERM during an evaluation."""
