"""What the landscape panel asks of the engine: which loss, around which pose, how far."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from app.model.lab.lab_frame import LabFrame, look_at
from app.model.lab.shown_experiment import ShownExperiment
from app.model.state.state import State
from engine.lab.landscape.curves import Curves, measure_curves
from engine.lab.landscape.files import write_landscape
from engine.lab.landscape.map import LossMap, measure_map
from engine.lab.landscape.options import Window
from engine.run.session import Session

What = Literal["curves", "map"]
Work = Callable[[Session], Iterator[Curves | LossMap | None]]


@dataclass
class LandscapeChoices:
    """What the user has chosen.

    Attributes:
        turn_deg: how far the frame is turned, degrees, from - to +.
        shift: how far it is moved: per cent of the cameras' spread, or pixels of the image.
        stage: whose band limit counts, an index into the schedule; None for that of now.
        axes: of the map, by their place among those of the frame.
    """

    turn_deg: float = 5.0
    shift: float = 20.0
    stage: int | None = None
    axes: tuple[int, int] = (1, 3)


class LandscapeControl:
    """Starts one measurement at a time, and keeps the newest curves and the newest map.

    Attributes:
        choices: of the user.
        shown: what was asked for last, or None.
        curves, loss_map: the newest, or None.
    """

    def __init__(self, state: State, choices: LandscapeChoices) -> None:
        self._state, self.choices = state, choices
        self.shown: What | None = None
        self.curves: Curves | None = None
        self.loss_map: LossMap | None = None
        self._experiment: ShownExperiment[Curves | LossMap] = ShownExperiment(state)

    @property
    def frame(self) -> LabFrame | None:
        """What can be measured, or None."""
        return look_at(self._state)

    @property
    def busy(self) -> bool:
        """Whether something is being measured."""
        return self._experiment.busy

    @property
    def error(self) -> str:
        """Why the last measurement failed; empty else."""
        return self._experiment.error

    def begin(self, what: What) -> None:
        """Measures the selected frame; what is being measured is given up."""
        frame, run = self.frame, self._state.run
        if frame is None or run is None or run.opened is None:
            return
        choices, window = self.choices, Window(frame.find_reach(self.choices.turn_deg, self.choices.shift))
        stage = choices.stage if choices.stage is not None and choices.stage < len(frame.stages) else None
        work: Work = (
            measure_curves(self._state.selected, stage, window)
            if what == "curves"
            else measure_map(self._state.selected, stage, choices.axes, window)
        )
        self.shown = what
        self._experiment.begin(run, work)

    def again(self) -> None:
        """Measures anew what is shown: after another range or band limit was chosen."""
        if self.shown is not None:
            self.begin(self.shown)

    def stop(self) -> None:
        """Gives up what is being measured; what is there of it stays."""
        self._experiment.stop()

    def save(self, folder: Path) -> None:
        """Begins to write what is shown as tables and pictures; `refresh` says how that ended."""
        run, made = self._experiment.run, self.curves or self.loss_map
        if run is not None and run.scene is not None and made is not None:
            curves, loss_map = self.curves, self.loss_map
            if curves is not None and loss_map is not None and curves.frame != loss_map.frame:
                curves, loss_map = (curves, None) if self.shown == "curves" else (None, loss_map)
            frame = (curves or loss_map or made).frame
            name = run.scene.names[run.scene.training_frames[frame]]
            self._experiment.write(partial(write_landscape, curves, loss_map, name), folder)

    def refresh(self) -> None:
        """Takes what is new; to be called once per frame of the window."""
        if self._experiment.refresh():
            self.curves = self.loss_map = self.shown = None
        made = self._experiment.newest
        if isinstance(made, Curves):
            self.curves = made
        elif isinstance(made, LossMap):
            self.loss_map = made
