"""What the basin panel asks of the engine, what a click on a cell does, and the files that it writes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from app.model.common.gestures import begin_gesture
from app.model.lab.lab_frame import LabFrame, look_at
from app.model.lab.shown_experiment import ShownExperiment
from app.model.state.state import State
from engine.lab.basin.files import write_basin
from engine.lab.basin.map import Basin, Tried, measure_basin
from engine.lab.basin.options import DEFAULT, BasinRequest
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
        self._experiment: ShownExperiment[Basin] = ShownExperiment(state)
        self._kicked: dict[Cell, int] = {}  # how often each cell was done for real

    @property
    def frame(self) -> LabFrame | None:
        """What can be measured, or None."""
        return look_at(self._state)

    @property
    def busy(self) -> bool:
        """Whether kicks are being tried."""
        return self._experiment.busy

    @property
    def error(self) -> str:
        """Why the last map failed; empty else."""
        return self._experiment.error

    def begin(self) -> None:
        """Tries kicks; those being tried are given up."""
        frame, run, choices = self.frame, self._state.run, self.choices
        if frame is None or run is None or run.opened is None:
            return
        spread = 100 * frame.scale
        chosen = None if choices.all_frames else self._state.selected
        request = BasinRequest(chosen, choices.stage, choices.turn_deg, choices.shift / 100 * spread, spread)
        self.basin, self._kicked = None, {}
        self._experiment.begin(run, measure_basin(request))

    def stop(self) -> None:
        """Gives up what is being tried; what is known stays."""
        self._experiment.stop()

    def refresh(self) -> None:
        """Takes what is new; to be called once per frame of the window."""
        if self._experiment.refresh():
            self.basin = None
        self.basin = self._experiment.newest or self.basin

    def kick(self, cell: Cell) -> Tried | None:
        """Does a kick of this size for real, one of those that were tried, each time the next; None without a map."""
        run, basin = self._state.run, self.basin
        if run is None or basin is None or not basin.tried or run is not self._experiment.run:
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
        basin, run = self.basin, self._experiment.run
        if basin is not None and run is not None and run.scene is not None:
            names = [run.scene.names[index] for index in run.scene.training_frames]
            self._experiment.write(partial(write_basin, basin, names), folder)


def define_return(spread: float) -> str:
    """What counts as having come back, in a sentence; `spread` of the cameras in scene units."""
    return (
        f"Came back: within {DEFAULT.angle_deg:g}° and {100 * DEFAULT.distance:g} % of the cameras' "
        f"spread ({DEFAULT.distance * spread:.3g} units) of where the pose ends that was not kicked, after "
        f"{DEFAULT.steps} steps."
    )
