"""What each command does to a session, and the detail that its event keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.config.settings import Settings
from engine.errors import UserError
from engine.messages import (
    AddFrames,
    Command,
    Pause,
    PerturbAll,
    PerturbPatch,
    PerturbPose,
    RedoPerturbation,
    Restart,
    Resume,
    SaveCheckpoint,
    SelectFrame,
    SetLambda,
    SetRates,
    Step,
    Stop,
    UndoPerturbation,
    UseReference,
)
from engine.run.perturbations import checked_frame, name_of, perturb, undo
from engine.run.reference import use_reference
from engine.training.trainers import AnyTrainer

if TYPE_CHECKING:
    from engine.run.session import Session

_STEEPEST = 30.0  # 10^30 squared is still a finite float32 when it meets a small residual; nobody needs more
_FASTEST = 100.0  # times the schedule's learning rates


def obey(session: Session, command: Command) -> str:
    """Does what a command asks.

    Returns:
        what its event says, for people to read.
    Raises:
        UserError: the command makes no sense here; nothing was changed.
    """
    match command:
        case Pause():
            session.paused = True
        case Resume():
            session.resume()
        case Step():
            session.paused = session.single_step = True
        case SelectFrame(frame):
            session.selected_frame = None if frame is None else checked_frame(session, frame)
            return "none" if frame is None else name_of(session, frame)
        case UseReference(poses, source):
            use_reference(session, poses)
            return source
        case AddFrames(paths):
            _trainer(session)
            return session.arrivals.ask(session, paths)
        case SaveCheckpoint(path):
            return str(session.writer.write(session, path))
        case Stop():
            session.stop()
        case Restart(settings):
            if settings is not None and not isinstance(settings, Settings):
                raise UserError(f"A run cannot be restarted with {settings!r}; give `Settings`.")
            session.restart(settings)
        case SetLambda(exponent):
            trainer = _trainer(session)
            if not abs(exponent) <= _STEEPEST:
                raise UserError(f"lambda cannot be 10^{exponent}; give an exponent between -30 and 30.")
            trainer.set_lambda(exponent)
            return f"10^{exponent:g}"
        case SetRates(field, pose):
            trainer = _trainer(session)
            if not (0 < field <= _FASTEST and 0 < pose <= _FASTEST):
                raise UserError(f"Learning rates cannot be multiplied by {field:g} and {pose:g}; give up to 100.")
            trainer.set_rates(field, pose)
            return f"field x{field:g}, pose x{pose:g}"
        case PerturbPose() | PerturbPatch() | PerturbAll():
            detail = perturb(session, _trainer(session), command)
            session.redoable.clear()
            return detail
        case UndoPerturbation():
            trainer = _trainer(session)
            if not session.undoable:
                raise UserError("There is no perturbation to take back.")
            return undo(session, trainer)
        case RedoPerturbation():
            trainer = _trainer(session)
            if not session.redoable:
                raise UserError("There is no perturbation to do again.")
            detail = perturb(session, trainer, session.redoable[-1])
            session.redoable.pop()
            return detail
    return ""


def _trainer(session: Session) -> AnyTrainer:
    if session.trainer is None:
        raise UserError("The run has not begun.")
    return session.trainer
