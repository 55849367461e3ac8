"""Two contestants of a race that have found the same cameras, in different worlds."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from app.model.cameras.drawn_reference import Gauge, move_poses
from app.model.novel import comparison
from app.model.state.state import State
from engine.config.settings import Settings
from engine.geometry.so3 import rotation_from_vector
from engine.geometry.view_camera import look_along
from engine.lab.race.definition import make_race
from engine.scenes.options import SceneOptions
from tests.support.runs.fake_run import FakeRun
from tests.support.runs.history_rows import snapshot

RACE = make_race(("l2g", "barf"), Settings(), SceneOptions())
WORLD = Gauge(1.7, rotation_from_vector(torch.tensor([0.2, -0.4, 0.1])).double().numpy(), np.array([0.3, 2.0, -1.0]))


def poses() -> np.ndarray:
    places = np.array([[0, 0, 0], [1, 0, 0.2], [0, 1, 0.1], [1, 1, -0.3]], np.float64)
    return np.stack([look_along(place, np.array([0.1, 0, 1.0]), np.array([0, -1.0, 0])) for place in places])


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> State:
    """Of two contestants that have found the same cameras, in different worlds."""
    runs = [FakeRun(), FakeRun()]
    for run, contestant, found in zip(runs, RACE.contestants, (poses(), move_poses(poses(), WORLD)), strict=True):
        run.contestant, run.snapshot = contestant, snapshot(20, poses=found)
        run.scene.reference_poses = None
    made = State(runs=runs)  # type: ignore[arg-type]
    made.race.begin(RACE)
    monkeypatch.setattr(comparison, "get_posed_scene", lambda run: run.scene)
    return made
