"""What the basin panel asks of the engine, what a click on a cell does, and the files that it writes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import torch

from app.model.common.gestures import begin_gesture
from app.model.lab.lab_frame import LabFrame, look_at
from app.model.lab.shown_experiment import ShownExperiment
from app.model.planar.patch_handles import make_perturb_command
from app.model.state.scene_kinds import get_planar_scene
from app.model.state.state import State
from app.model.state.viewed_run import ViewedRun
from engine.lab.basin.files import write_basin
from engine.lab.basin.map import Basin, Tried, measure_basin
from engine.lab.basin.options import BasinRequest
from engine.lab.basin.patch_kicks import kick_corners
from engine.messages import PerturbPatch, PerturbPose

Cell = tuple[int, int]  # row, column
Across = Literal["turn", "corners"]
BENDS: tuple[Across, ...] = ("turn", "corners")
FIXED = "The first patch is fixed; select another one."


@dataclass
class BasinChoices:
    """What the user has chosen.

    Attributes:
        turn_deg: the largest angle, degrees.
        shift: the largest distance: per cent of the cameras' spread, or pixels of the image.
        stage: whose band limit counts, an index into the schedule; None for all in turn, coarse to fine.
        all_frames: whether every frame is kicked, not only the selected one.
        across: what the columns are: turns, or displacements of the corners of patches.
        corners_px: the largest displacement of corners, pixels of the image.
    """

    turn_deg: float = 45.0
    shift: float = 100.0
    stage: int | None = None
    all_frames: bool = False
    across: Across = "turn"
    corners_px: float = 20.0


@dataclass(frozen=True)
class PatchReach:
    """How far patches of a scene are kicked, pixels of the image.

    Attributes:
        shift, most_shift: at first, and at most.
        corners, most_corners: the same of displacements of corners; farther, most of them would fold the patch.
        bends: whether corners can be moved on their own.
    """

    shift: float
    most_shift: float
    corners: float
    most_corners: float
    bends: bool


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

    @property
    def obstacle(self) -> str:
        """Why the selected frame cannot be kicked, in a sentence; empty where it can."""
        planar = get_planar_scene(self._state.run) is not None
        return FIXED if planar and self._state.selected == 0 and not self.choices.all_frames else ""

    @property
    def patch_reach(self) -> PatchReach | None:
        """Of the scene that is shown, by the sizes of its image and patches; None where it has cameras."""
        scene = get_planar_scene(self._state.run)
        if scene is None:
            return None
        longer, patch = max(scene.image_size), min(scene.patch_size)
        return PatchReach(longer / 5, longer / 2, patch / 5, patch * 0.4, scene.warp == "homography")

    def begin(self) -> None:
        """Tries kicks; those being tried are given up."""
        frame, run, choices = self.frame, self._state.run, self.choices
        if frame is None or run is None or run.opened is None or self.obstacle:
            return
        chosen = None if choices.all_frames else self._state.selected
        limits = (choices.turn_deg, choices.shift * frame.scale, 100 * frame.scale)
        corners = choices.corners_px if frame.planar and choices.across == "corners" else None
        request = BasinRequest(chosen, choices.stage, *limits, corners)
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
        self._state.select(one.frame)
        run.send(make_kick(run, one, cell))
        return one

    def save(self, folder: Path) -> None:
        """Begins to write the map as a table and a picture; `refresh` says how that ended."""
        basin, run = self.basin, self._experiment.run
        if basin is not None and run is not None and run.scene is not None:
            names = [run.scene.names[index] for index in run.scene.training_frames]
            self._experiment.write(partial(write_basin, basin, names), folder)


def make_kick(run: ViewedRun, one: Tried, cell: Cell) -> PerturbPose | PerturbPatch:
    """The command that does a kick of the map from where the frame is now."""
    scene, snapshot = get_planar_scene(run), run.snapshot
    if scene is None:
        rx, ry, rz, tx, ty, tz = one.kicks[cell].tolist()
        return PerturbPose(one.frame, (rx, ry, rz), (tx, ty, tz), begin_gesture())
    assert snapshot is not None
    assert snapshot.planar is not None
    corners = torch.from_numpy(snapshot.planar.corners[one.frame].copy())
    kicked = kick_corners(corners, torch.from_numpy(one.kicks[cell].copy()), scene)
    return make_perturb_command(one.frame, kicked.numpy(), begin_gesture())
