"""When and where a run writes its checkpoints."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Any

from engine.errors import UserError
from engine.run.checkpoint import Checkpoint, save_checkpoint, scene_identity
from engine.run.state import RunState
from engine.scenes.load import AnyScene
from engine.scenes.options import SceneOptions
from engine.scenes.scene import Scene
from engine.system.background import Background, at_once

CHECKPOINT_FILE = "checkpoint.safetensors"


class CheckpointWriter:
    """Writes the checkpoints of one run.

    Attributes:
        folder: where they belong, or None to write none unasked.
        period: seconds of the run's clock between them, or None for only one at the end.
        options: how the scene was read, kept so that a continued run reads it in the same way.
        changed: whether there is something new since the last one.
        unsaved: why the last one could not be written, or None.
    """

    def __init__(
        self,
        folder: Path | None,
        period: float | None,
        options: SceneOptions | None,
        in_background: Background = at_once,
    ) -> None:
        self._in_background = in_background
        self._writing: Future[None] | None = None
        self.folder, self.period, self.options = folder, period, options
        self.changed = True
        self.unsaved: UserError | None = None
        self._written_at = 0.0
        self._identity: tuple[AnyScene, dict[str, Any]] | None = None  # of a scene: its hash takes a moment

    def begin(self, seconds: float) -> None:
        """The period between checkpoints begins at this time of the run's clock."""
        self._written_at = seconds

    def due(self, seconds: float) -> bool:
        """Whether the period between checkpoints is over."""
        return self.period is not None and seconds - self._written_at >= self.period

    def write(self, state: RunState, path: Path | None = None) -> Path:
        """Writes a checkpoint to `path`, or to the run's folder; returns its path.

        Raises:
            UserError: there is nothing to save or nowhere to save it, or it could not be written.
        """
        if state.trainer is None:
            raise UserError("There is nothing to save before the run has begun.")
        if path is None:
            if self.folder is None:
                raise UserError("This run has no folder to save into; give a path.")
            path = self.folder / CHECKPOINT_FILE
        self.finish()
        save_checkpoint(path, self._checkpoint(state))
        return path

    def begin_own(self, state: RunState) -> None:
        """Begins to write one into the run's folder, if something has changed; no step may be made until `finish`."""
        if self.folder is None or not self.changed or state.trainer is None:
            return
        self.finish()
        self._written_at, self.changed = state.seconds, False
        path, checkpoint = self.folder / CHECKPOINT_FILE, self._checkpoint(state)
        self._writing = self._in_background(lambda: save_checkpoint(path, checkpoint))

    @property
    def writing(self) -> bool:
        """Whether a checkpoint is being written."""
        return self._writing is not None

    def finish(self, timeout: float | None = None) -> UserError | None:
        """Waits for the checkpoint being written, `timeout` seconds at most; returns the error if it failed."""
        if self._writing is None:
            return None
        try:
            error = self._writing.exception(timeout)
        except TimeoutError:
            return None
        self._writing = None
        if error is not None and not isinstance(error, UserError):
            raise error
        self.unsaved = error
        self.changed |= error is not None
        return error

    def _checkpoint(self, state: RunState) -> Checkpoint:
        """The run as it stands. What a command could change while it is written is copied.

        The field is not copied, as it is large: only a step changes it, and none is made meanwhile.
        """
        assert state.trainer is not None
        if self._identity is None or self._identity[0] is not state.scene:
            self._identity = (state.scene, scene_identity(state.scene))
        tensors, metadata = state.trainer.state()
        tensors = {name: value if name.startswith("field.") else value.clone() for name, value in tensors.items()}
        cameras = state.scene if isinstance(state.scene, Scene) else None
        return Checkpoint(
            settings=state.settings,
            options=self.options,
            scene=self._identity[1],
            added=cameras.added if cameras else None,
            reference=cameras.reference_poses if cameras else None,
            noise=cameras.noise if cameras else None,
            trainer=(tensors, metadata),
            history=state.history.copy(),
            seconds=state.seconds,
            session={"perturbations": state.undo.state()},
        )
