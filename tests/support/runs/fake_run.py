"""A run that is looked at, without an engine: it keeps what it is told."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from app.model.state.opening import Opening
from app.model.state.state import State
from engine.config.settings import Settings
from engine.geometry.intrinsics import Intrinsics
from engine.lab.race.definition import Contestant
from engine.messages import Command, Snapshot
from engine.run.history import History
from engine.scenes.options import SceneOptions
from tests.support.runs.history_rows import FRAMES, row, snapshot

FERN = Path(__file__).parents[3] / "scenes" / "fern"  # a scene in LLFF's layout
NAMES = ("a.jpg", "b.jpg", "c.jpg", "d.jpg", "held.jpg")


class FakeRun:
    """What panels use of a `ViewedRun`."""

    def __init__(self, settings: Settings | None = None, options: SceneOptions | None = None) -> None:
        self.name, self.key = "fern", id(self)
        self.settings, self.options = settings or Settings(), options or SceneOptions()
        self.sent: list[Command] = []
        self.told_frame: int | None = 0
        self.error: str | None = None
        self.contestant: Contestant | None = None
        self.opening = Opening()
        self.history: History | None = History(rows=[row(iteration) for iteration in range(40)])
        self.snapshot: Snapshot | None = snapshot(20, rotation=[1.0] * FRAMES, translation=[0.01] * FRAMES)
        self.scene: Any = SimpleNamespace(
            name="fern",
            path=FERN,
            kind="forward-facing",
            training_frames=(0, 1, 2, 3),
            names=NAMES,
            near=1.0,
            poses_known=False,
            tracks=None,
            images=torch.zeros(5, 30, 40, 3, dtype=torch.uint8),
            initial_poses=torch.eye(3, 4).repeat(5, 1, 1),
            intrinsics=Intrinsics(torch.full((5, 2), 400.0), torch.full((5, 2), 200.0), torch.zeros(5, 4), 512, 384),
        )
        self.opened: Any = SimpleNamespace(
            scene=self.scene, run=SimpleNamespace(device="cpu"), folder=Path("runs/fern")
        )

    def send(self, command: Command) -> None:
        self.sent.append(command)

    def tell_frame(self, frame: int) -> None:
        self.told_frame = frame


def state_with(run: FakeRun) -> State:
    """The state of a window that shows the run."""
    return State(runs=[run])  # type: ignore[list-item]


def kicked(run: FakeRun, poses: np.ndarray) -> None:
    """Gives the run other poses."""
    run.snapshot = snapshot(21, poses=poses)
