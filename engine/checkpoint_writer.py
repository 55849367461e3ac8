"""When and where a session writes its checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.checkpoint import Checkpoint, save_checkpoint, scene_identity
from engine.errors import UserError
from engine.perturbing import saved
from engine.scenes.options import SceneOptions

if TYPE_CHECKING:
    from engine.session import Session

CHECKPOINT_FILE = "checkpoint.safetensors"


class CheckpointWriter:
    """Writes the checkpoints of one session.

    Attributes:
        folder: where they belong, or None to write none unasked.
        period: seconds of the run's clock between them, or None for only one at the end.
        options: how the scene was read, kept so that a continued run reads it in the same way.
        changed: whether there is something new since the last one.
        unsaved: why the last one could not be written, or None.
    """

    def __init__(self, folder: Path | None, period: float | None, options: SceneOptions | None) -> None:
        self.folder, self.period, self.options = folder, period, options
        self.changed = True
        self.unsaved: UserError | None = None
        self._written_at = 0.0
        self._identity: dict[str, Any] | None = None  # of the scene, which does not change: its hash takes a moment

    def begin(self, seconds: float) -> None:
        """Counts the period from here."""
        self._written_at = seconds

    def due(self, seconds: float) -> bool:
        """Whether the period is over."""
        return self.period is not None and seconds - self._written_at >= self.period

    def write(self, session: Session, path: Path | None = None) -> Path:
        """Writes a checkpoint to `path` or where it belongs; tells where.

        Raises:
            UserError: there is nothing to save or nowhere to save it, or it could not be written.
        """
        if session.trainer is None:
            raise UserError("There is nothing to save before the run has begun.")
        if path is None:
            if self.folder is None:
                raise UserError("This run has no folder to save into; give a path.")
            path = self.folder / CHECKPOINT_FILE
        self._identity = self._identity or scene_identity(session.scene)
        checkpoint = Checkpoint(
            settings=session.settings,
            options=self.options,
            scene=self._identity,
            noise=session.scene.noise,
            trainer=session.trainer.state(),
            history=session.history,
            seconds=session.seconds,
            session={"perturbations": saved(session.undoable)},
        )
        save_checkpoint(path, checkpoint)
        return path

    def write_own(self, session: Session) -> UserError | None:
        """Writes one where it belongs, if there is something new; returns the failure, so that training goes on."""
        if self.folder is None or not self.changed:
            return None
        self._written_at = session.seconds
        try:
            self.write(session)
        except UserError as error:
            self.unsaved = error
            return error
        self.unsaved, self.changed = None, False
        return None
