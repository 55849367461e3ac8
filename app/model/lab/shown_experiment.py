"""The experiment that a panel of the lab shows: one at a time, beside the run that the window shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

from app.model.lab.lab_files import LabFiles, tell_when_written
from app.model.state.state import State
from app.model.state.viewed_run import ViewedRun
from engine.lab.beside import Experiment
from engine.run.session import Session

Made = TypeVar("Made")


class ShownExperiment(Generic[Made]):
    """Starts and gives up experiments, and writes files of what they found.

    Attributes:
        run: that was measured last, or is shown; None without one.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self.run: ViewedRun | None = None
        self._experiment: Experiment[Made] | None = None
        self._files: LabFiles | None = None

    @property
    def busy(self) -> bool:
        """Whether something is being measured."""
        return self._experiment is not None and not self._experiment.finished

    @property
    def error(self) -> str:
        """Why the last one failed; empty else."""
        return "" if self._experiment is None else self._experiment.error

    @property
    def newest(self) -> Made | None:
        """What the last one has made so far."""
        return None if self._experiment is None else self._experiment.newest

    def begin(self, run: ViewedRun, work: Callable[[Session], Iterator[Made | None]]) -> None:
        """Starts one beside a run that is open; the one under way is given up."""
        self.stop()
        self.run = run
        assert run.opened is not None
        self._experiment = Experiment(run.opened.run, work)
        self._experiment.start()

    def stop(self) -> None:
        """Gives up what is being measured; what there is of it stays."""
        if self._experiment is not None:
            self._experiment.cancel()

    def write(self, write: Callable[[Path], object], folder: Path) -> None:
        """Begins to call a function that writes into a folder; `refresh` says how that ended."""
        self._files = LabFiles(write, folder)

    def refresh(self) -> bool:
        """Once per frame of the window: whether another run is shown now, so that nothing is known of it."""
        self._files = tell_when_written(self._files, self._state)
        if self._state.run is self.run:
            return False
        self.stop()
        self._experiment, self.run = None, self._state.run
        return True
