"""What the lab's panels ask for in the units that are shown, and what a click on a cell tells the run."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from app.model.lab.basin_control import BasinControl, make_kick
from app.model.lab.lab_frame import CAMERA_AXES, LabFrame, look_at
from app.model.lab.landscape_control import LandscapeChoices, LandscapeControl
from app.model.lab.loss_colours import colour_losses
from app.model.perturb.camera_motion import measure_spread
from app.model.state.state import State
from engine.config.settings import Settings
from engine.lab.basin.camera_kicks import CameraKicks
from engine.lab.basin.map import NEVER, Basin, Tried
from engine.lab.basin.options import BasinOptions, BasinRequest
from engine.messages import PerturbPatch, PerturbPose
from tests.support.runs.planar_runs import planar, shifted
from tests.support.runs.registered_scene import forward_facing, snapshot_of, state_of
from tests.support.scenes.planar_scenes import planar_scene
from tests.support.worlds.frozen_relief import frozen_relief

OPTIONS = BasinOptions(side=3, directions=2)
KICKS = CameraKicks(BasinRequest(None, None, 10.0, 0.4, 0.8), OPTIONS)


def state() -> tuple[State, list[object]]:
    found, sent = state_of(forward_facing())
    run = found.run
    assert run is not None
    run.settings = Settings()
    run.opened = SimpleNamespace(scene=run.scene, run=None, folder=Path("run"))  # type: ignore[assignment]
    return found, sent  # type: ignore[return-value]


def tried(frame: int, direction: int, ended: bool = True) -> Tried:
    steps = np.full((3, 3), 5 if direction else NEVER)
    return Tried(frame, KICKS.draw(direction, frozen_relief()).numpy(), steps, np.zeros((3, 3, 2)), ended)


def basin(*of: Tried) -> Basin:
    about = (KICKS.rows, KICKS.columns, KICKS.numbers, KICKS.measures, KICKS.definition)
    return Basin(None, *about, of, 2, ("1/4",), 0.5)


def test_shifts_are_shares_of_the_spread_and_stages_those_of_the_run() -> None:
    found, _ = state()
    frame = look_at(found)
    assert frame is not None
    spread = measure_spread(snapshot_of(forward_facing(), 0.5).poses, 1.0)
    assert frame.axes == CAMERA_AXES
    assert frame.find_reach(5.0, 20.0) == pytest.approx((5.0,) * 3 + (0.2 * spread,) * 3)
    assert frame.shows(4) * 100 == pytest.approx(spread)
    assert frame.stages[-1] == "1/1"
    assert look_at(State()) is None


def test_a_patch_is_moved_by_pixels_and_grows_as_far_as_its_corners_turn() -> None:
    frame = LabFrame("patch 1", ("x", "y", "turn", "scale"), "px", 1.0, ())
    across, down, turn, growth = frame.find_reach(10.0, 30.0)
    assert (across, down, turn) == (30.0, 30.0, 10.0)
    assert growth == pytest.approx(100 * np.radians(10.0))
    assert [frame.unit_of(axis) for axis in range(4)] == ["px", "px", "°", "%"]


def test_nothing_is_measured_again_before_something_was_asked_for() -> None:
    found, _ = state()
    control = LandscapeControl(found, LandscapeChoices())
    control.again()
    control.refresh()
    assert (control.busy, control.curves, control.shown, control.error) == (False, None, None, "")


def test_a_click_kicks_the_camera_as_it_was_tried_another_direction_each_time() -> None:
    found, sent = state()
    control = BasinControl(found)
    assert control.kick((1, 2)) is None
    control.basin, control._experiment.run = basin(tried(3, 0), tried(4, 1)), found.run
    for one in (tried(3, 0), tried(4, 1), tried(3, 0)):
        done = control.kick((1, 2))
        assert done is not None
        kick = sent[-1]
        assert isinstance(kick, PerturbPose)
        assert kick.frame == one.frame == found.selected
        np.testing.assert_allclose([*kick.rotation, *kick.translation], one.kicks[1, 2])


def test_a_kick_of_a_patch_is_done_from_where_it_is_now() -> None:
    scene = planar_scene("homography")
    there = planar(np.stack([shifted(5, 8), shifted(30, 20)]), np.stack([shifted(5, 8), shifted(30, 20)]))
    run = SimpleNamespace(scene=scene, snapshot=SimpleNamespace(planar=there))
    kick = np.array([[[3.0, -4.0, 0.0, *[0.0] * 6, 0.0, 7.0]]], np.float32)
    known = np.zeros((1, 1), np.int64)
    command = make_kick(run, Tried(1, kick, known, np.zeros((1, 1, 1)), True), (0, 0))  # type: ignore[arg-type]
    assert isinstance(command, PerturbPatch)
    assert command.frame == 1
    np.testing.assert_allclose(
        command.corners, shifted(33, 16) + np.array([(0, 0), (0, 0), (0, 0), (0, 7)]), atol=1e-4
    )


def test_the_first_patch_is_not_kicked_and_pixels_are_those_of_the_image() -> None:
    found = SimpleNamespace(run=None, selected=0)
    control = BasinControl(found)  # type: ignore[arg-type]
    assert (control.obstacle, control.patch_reach) == ("", None)
    found.run = SimpleNamespace(scene=planar_scene("homography"))
    assert "first patch is fixed" in control.obstacle
    control.choices.all_frames = True
    assert control.obstacle == ""
    reach = control.patch_reach
    assert reach is not None
    assert (reach.shift, reach.most_shift, reach.bends) == (32.0, 80.0, True)
    found.run = SimpleNamespace(scene=planar_scene("rigid"))
    reach = control.patch_reach
    assert reach is not None
    assert not reach.bends


def test_kicks_count_once_they_are_decided() -> None:
    under_way = dataclasses.replace(tried(3, 0, ended=False), steps=np.array([[1, NEVER, NEVER]] * 3))
    first = basin(under_way)
    assert np.isnan(first.returned[:, 1:]).all(), "not decided yet"
    assert (first.returned[:, 0] == 1).all()
    both = basin(tried(4, 1), under_way)
    assert both.counts[0].tolist() == [[2, 1, 1]] * 3
    assert both.returned.tolist() == [[1.0, 1.0, 1.0]] * 3
    assert basin(tried(3, 0), tried(4, 1)).returned.tolist() == [[0.5] * 3] * 3


def test_low_losses_are_dark_and_unknown_ones_transparent() -> None:
    found = colour_losses(np.array([[0.001, 0.01], [0.1, np.nan]]))
    assert found[1, 1, 3] == 0.0
    brightness = found[..., :3].sum(axis=-1)
    assert brightness[0, 0] < brightness[0, 1] < brightness[1, 0]
    assert found[0, 0, 3] == 1.0
