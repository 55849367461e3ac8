"""`l2g-eval`, and the evaluation at the end of `l2g-train --evaluate`: progress, interruption and a table."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from engine.cli.arguments import EvaluateArguments
from engine.errors import UserError
from engine.evaluation.held_out import Scores
from engine.evaluation.report import table
from engine.evaluation.runs import evaluate_run, evaluate_trainer
from engine.run.session import Session
from engine.system.devices import resolve_device
from engine.system.interruption import Interruption
from engine.training.planar import PlanarTrainer


def evaluate_folder(arguments: EvaluateArguments) -> int:
    """Evaluates a run from its checkpoint and prints the table; returns the exit code.

    Raises:
        UserError: something that the user can mend.
    """
    if arguments.limit is not None and arguments.limit < 1:
        raise UserError(f"--limit is {arguments.limit}; give 1 or more.")
    console = Console(highlight=False)
    test = evaluate_run(
        arguments.run,
        scene_folder=arguments.scene,
        device=resolve_device(arguments.device),
        limit=arguments.limit,
        progress=lambda done, count, name, scores: tell(console, done, count, name, scores),
    )
    if not test["frames"]:
        console.print("The scene holds no frames out; there is nothing to evaluate.")
    else:
        console.print(table(test, f"Held-out frames of {arguments.run}"))
    return 0


def evaluate_session(session: Session, folder: Path, interruption: Interruption, console: Console) -> None:
    """Evaluates a run that has just ended into its folder, until interrupted.

    Raises:
        UserError: the results cannot be written.
    """

    def progress(done: int, count: int, name: str, scores: Scores) -> None:
        tell(console, done, count, name, scores)
        if interruption.signal:
            raise _Interrupted

    assert session.trainer is not None
    if isinstance(session.trainer, PlanarTrainer):
        console.print("A planar scene holds nothing out; result.json has its errors and PSNR.")
        return
    try:
        evaluate_trainer(session.trainer, folder, progress=progress)
    except _Interrupted:
        console.print("The evaluation was interrupted; l2g-eval does it again.")


def tell(console: Console, done: int, count: int, name: str, scores: Scores) -> None:
    """A line about one held-out frame."""
    console.print(f"held out {done}/{count}: {name}  {scores.psnr:.2f} dB", soft_wrap=True)


class _Interrupted(Exception):
    pass
