"""Cameras or patches moved by hand, taken back, and moved again."""

from __future__ import annotations

from dataclasses import replace

from engine.errors import UserError
from engine.messages import PerturbAll
from engine.run.state import RunState
from engine.run.undo import Applied
from engine.training.trainer import Perturbation


def perturb(state: RunState, command: Perturbation, *, again: bool = False) -> str:
    """Moves the frames that a command speaks of, and remembers where they stood.

    Args:
        state: of the run.
        command: what to move, and how far.
        again: whether it was taken back before.
    Returns:
        a sentence about it.
    Raises:
        UserError: no such frame, or no such number; nothing was moved.
    """
    trainer = state.require_trainer()
    if isinstance(command, PerturbAll):
        count = len(state.scene.training_frames)
        command = replace(command, frames=count if command.frames is None else min(command.frames, count))
    else:
        state.check_frame(command.frame)
    frames, moves, detail = trainer.moves(command)
    if not moves.isfinite().all():
        raise UserError(f"A {trainer.thing} cannot be moved by something that is not a number.")
    placements = trainer.placements()
    before = tuple((frame, placements[frame].clone()) for frame in frames)
    for frame, move in zip(frames, moves, strict=True):
        trainer.perturb(frame, move)
    state.undo.push(Applied(command, before), again=again)
    return detail


def undo(state: RunState) -> Perturbation:
    """Takes the last gesture back, so that it may be done again; its first perturbation.

    Raises:
        UserError: there is nothing to take back.
    """
    trainer = state.require_trainer()
    if not state.undo.done:
        raise UserError("There is no perturbation to take back.")
    gesture = state.undo.pop_gesture()
    for applied in gesture:
        for frame, placement in reversed(applied.before):
            trainer.take_back(frame, placement)
    return gesture[-1].command


def redo(state: RunState) -> tuple[Perturbation, str]:
    """Does the gesture again that was taken back last, from where the frames are now; it and a sentence about it.

    Raises:
        UserError: there is nothing to do again.
    """
    state.require_trainer()
    if not state.undo.undone:
        raise UserError("There is no perturbation to do again.")
    gesture = state.undo.undone[-1]
    details = [perturb(state, command, again=True) for command in gesture]
    state.undo.undone.pop()
    return gesture[0], details[-1]
