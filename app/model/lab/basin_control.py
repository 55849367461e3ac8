"""What the basin panel asks of the engine, what a click on a cell does, and the files that it writes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from app.model.common.gestures import begin_gesture
from app.model.lab.lab_files import LabFiles, tell_when_written
from app.model.lab.lab_frame import LabFrame, look_at
from app.model.state.state import State
from app.model.state.viewed_run import ViewedRun
from engine.lab.basin.files import write_basin
from engine.lab.basin.map import Basin, Tried, measure_basin
from engine.lab.basin.options import DEFAULT, BasinRequest
from engine.lab.beside import Experiment
from engine.messages import PerturbPose

Cell = tuple[int, int]  # row (distance), column (angle)


@dataclass
class BasinChoices:
    """What the user has chosen.

    Attributes:
        turn_deg: the largest angle, degrees.
        shift: the largest distance, per cent of the cameras' spread.
        stage: whose band limit counts, an index into the schedule; None for all in turn, coarse to fine.
        all_frames: whether every frame is kicked, not only the selected one.
    """

    turn_deg: float = 45.0
    shift: float = 100.0
    stage: int | None = None
    all_frames: bool = False


class BasinControl:
    """Starts one map at a time, and keeps the newest.

    Attributes:
        choices: of the user.
        basin: what is known of the map so far, or None.
    """

    def __init__(self, state: State) -> None:
        self._state, self.choices = state, BasinChoices()
        self.basin: Basin | None = None
        self._experiment: Experiment[Basin] | None = None
        self._run: ViewedRun | None = None
        self._files: LabFiles | None = None
        self._kicked: dict[Cell, int] = {}  # how often each cell was done for real

    @property
    def frame(self) -> LabFrame | None:
        """What can be measured, or None."""
        return look_at(self._state)

    @property
    def busy(self) -> bool:
        """Whether kicks are being tried."""
        return self._experiment is not None and not self._experiment.finished

    @property
    def error(self) -> str:
        """Why the last map failed; empty else."""
        return "" if self._experiment is None else self._experiment.error

    def begin(self) -> None:
        """Tries kicks; those being tried are given up."""
        frame, run, choices = self.frame, self._state.run, self.choices
        if frame is None or run is None or run.opened is None:
            return
        self.stop()
        spread = 100 * frame.scale
        chosen = None if choices.all_frames else self._state.selected
        request = BasinRequest(chosen, choices.stage, choices.turn_deg, choices.shift / 100 * spread, spread)
        self._run, self.basin, self._kicked = run, None, {}
        self._experiment = Experiment(run.opened.run, measure_basin(request))
        self._experiment.start()

    def stop(self) -> None:
        """Gives up what is being tried; what is known stays."""
        if self._experiment is not None:
            self._experiment.cancel()

    def refresh(self) -> None:
        """Takes what is new; to be called once per frame of the window."""
        self._files = tell_when_written(self._files, self._state)
        if self._state.run is not self._run:
            self.stop()
            self.basin, self._experiment, self._run = None, None, self._state.run
        if self._experiment is not None and self._experiment.newest is not None:
            self.basin = self._experiment.newest

    def kick(self, cell: Cell) -> Tried | None:
        """Does a kick of this size for real, one of those that were tried, each time the next; None without a map."""
        run, basin = self._state.run, self.basin
        if run is None or basin is None or not basin.tried or run is not self._run:
            return None
        number = self._kicked.get(cell, 0)
        self._kicked[cell] = number + 1
        one = basin.tried[number % len(basin.tried)]
        rx, ry, rz, tx, ty, tz = one.kicks[cell].tolist()
        self._state.select(one.frame)
        run.send(PerturbPose(one.frame, (rx, ry, rz), (tx, ty, tz), begin_gesture()))
        return one

    def save(self, folder: Path) -> None:
        """Begins to write the map as a table and a picture; `refresh` says how that ended."""
        basin, run = self.basin, self._run
        if basin is not None and run is not None and run.scene is not None:
            names = [run.scene.names[index] for index in run.scene.training_frames]
            self._files = LabFiles(partial(write_basin, basin, names), folder)


def define_return(spread: float) -> str:
    """What counts as having come back, in a sentence; `spread` of the cameras in scene units."""
    return (
        f"Came back: within {DEFAULT.angle_deg:g}° and {100 * DEFAULT.distance:g} % of the cameras' "
        f"spread ({DEFAULT.distance * spread:.3g} units) of where the pose ends that was not kicked, after "
        f"{DEFAULT.steps} steps."
    )
