"""What commands do to the state of a run, and what their events keep. Those that end or begin a run, or read or write
files, are the session's own (`engine.run.session`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from engine.config.settings import is_exponent
from engine.errors import UserError
from engine.messages import (
    AutoLambda,
    Command,
    ExcludeFrame,
    Pause,
    PerturbAll,
    PerturbPatch,
    PerturbPose,
    RedoPerturbation,
    Resume,
    SelectFrame,
    SetLambda,
    SetMu,
    SetRates,
    Step,
    UndoPerturbation,
    UseMatches,
    UseReference,
)
from engine.run.perturbations import perturb, redo, undo
from engine.run.reference import use_reference
from engine.run.state import RunState
from engine.scenes.scene import Scene
from engine.training.trainer import Perturbation

HIGHEST_RATE_FACTOR = 100.0


class Handled(NamedTuple):
    """What the event of a command keeps.

    Attributes:
        detail: for people to read.
        frame: that it is about, or None.
        gesture: that it belongs to, or None.
    """

    detail: str = ""
    frame: int | None = None
    gesture: int | None = None


def pause(state: RunState, command: Pause) -> Handled:
    state.paused = True
    return Handled()


def resume(state: RunState, command: Resume) -> Handled:
    """Goes on; a run that had reached the end of its schedule now trains until it is told to stop."""
    state.paused = False
    if state.trainer is not None and state.trainer.finished:
        state.beyond_schedule = True
    return Handled()


def step(state: RunState, command: Step) -> Handled:
    state.paused = state.single_step = True
    return Handled()


def select_frame(state: RunState, command: SelectFrame) -> Handled:
    if command.frame is None:
        state.selected_frame = None
        return Handled("none")
    state.selected_frame = state.check_frame(command.frame)
    return Handled(state.name_of(command.frame), command.frame)


def set_reference(state: RunState, command: UseReference) -> Handled:
    use_reference(state, command.poses)
    return Handled(command.source)


def set_lambda(state: RunState, command: SetLambda) -> Handled:
    trainer = state.require_trainer()
    _check_exponent("lambda", command.exponent)
    trainer.set_lambda(command.exponent)
    return Handled(f"10^{command.exponent:g}", gesture=command.gesture)


def choose_lambda(state: RunState, command: AutoLambda) -> Handled:
    trainer = state.require_trainer()
    if command.auto and not trainer.settings.method_spec.warps_pixels:
        raise UserError(f"λ means nothing to {trainer.settings.method}, and cannot be chosen; take the method l2g.")
    trainer.choose_lambda(command.auto)
    return Handled("on" if command.auto else "off", gesture=command.gesture)


def set_mu(state: RunState, command: SetMu) -> Handled:
    trainer = state.require_trainer()
    _check_exponent("mu", command.exponent)
    trainer.set_mu(command.exponent)
    return Handled(f"10^{command.exponent:g}", gesture=command.gesture)


def _check_exponent(name: str, exponent: float) -> None:
    if not is_exponent(exponent):
        raise UserError(f"{name} cannot be 10^{exponent}; give an exponent between -30 and 30.")


def use_matches(state: RunState, command: UseMatches) -> Handled:
    trainer = state.require_trainer()
    if command.use and isinstance(state.scene, Scene) and state.scene.tracks is None:
        raise UserError("The photos of this scene were not matched; nothing can be gained from matches.")
    trainer.use_matches(command.use)
    return Handled("on" if command.use else "off", gesture=command.gesture)


def exclude_frame(state: RunState, command: ExcludeFrame) -> Handled:
    trainer = state.require_trainer()
    state.check_frame(command.frame)
    trainer.exclude(command.frame, command.exclude)
    detail = f"{state.name_of(command.frame)} {'excluded' if command.exclude else 'brought back'}"
    return Handled(detail, command.frame, command.gesture)


def set_rates(state: RunState, command: SetRates) -> Handled:
    trainer, field, pose = state.require_trainer(), command.field, command.pose
    if not (0 < field <= HIGHEST_RATE_FACTOR and 0 < pose <= HIGHEST_RATE_FACTOR):
        raise UserError(f"Learning rates cannot be multiplied by {field:g} and {pose:g}; give up to 100.")
    trainer.set_rates(field, pose)
    return Handled(f"field x{field:g}, pose x{pose:g}", gesture=command.gesture)


def apply_perturbation(state: RunState, command: Perturbation) -> Handled:
    return Handled(perturb(state, command), frame_of(command), command.gesture)


def undo_perturbation(state: RunState, command: UndoPerturbation) -> Handled:
    undone = undo(state)
    frame = frame_of(undone)
    return Handled("all frames" if frame is None else state.name_of(frame), frame, undone.gesture)


def redo_perturbation(state: RunState, command: RedoPerturbation) -> Handled:
    redone, detail = redo(state)
    return Handled(detail, frame_of(redone), redone.gesture)


def frame_of(command: Perturbation) -> int | None:
    """The one frame that a perturbation moves; None for all of them."""
    return None if isinstance(command, PerturbAll) else command.frame


HANDLERS: dict[type, Callable[[RunState, Any], Handled]] = {
    Pause: pause,
    Resume: resume,
    Step: step,
    SelectFrame: select_frame,
    UseReference: set_reference,
    SetLambda: set_lambda,
    AutoLambda: choose_lambda,
    SetMu: set_mu,
    UseMatches: use_matches,
    ExcludeFrame: exclude_frame,
    SetRates: set_rates,
    PerturbPose: apply_perturbation,
    PerturbPatch: apply_perturbation,
    PerturbAll: apply_perturbation,
    UndoPerturbation: undo_perturbation,
    RedoPerturbation: redo_perturbation,
}


def handle(state: RunState, command: Command) -> Handled:
    """Does what a command asks.

    Raises:
        UserError: the command makes no sense here; nothing was changed.
    """
    return HANDLERS[type(command)](state, command)
