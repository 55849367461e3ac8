"""Kicks on a field that stands still: small ones come back, huge ones do not, and files say which."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.geometry import se3
from engine.lab.basin.camera_kicks import CameraKicks
from engine.lab.basin.descent import Rates
from engine.lab.basin.files import list_columns, write_basin
from engine.lab.basin.map import NEVER, Basin, Tried, try_kicks
from engine.lab.basin.options import BasinOptions, BasinRequest
from tests.support.worlds.frozen_relief import frozen_relief

OPTIONS = BasinOptions(side=2, directions=2, steps=250, pixels=96, every=3, angle_deg=1.0)
RATES = Rates(1e-2, 1e-4)
REQUEST = BasinRequest(0, None, turn_deg=3.0, shift=0.08, spread=0.8)  # a kick is larger than what counts as back


def basin_of(request: BasinRequest, options: BasinOptions = OPTIONS) -> Basin:
    views, kicks = [[frozen_relief(pixels=3072, samples=16)]], CameraKicks(request, options)
    done = list(try_kicks(views, 0, kicks, RATES, options))[-1]
    assert done is not None
    return done


def test_small_kicks_come_back_and_huge_ones_do_not() -> None:
    near = basin_of(REQUEST)
    assert near.share == pytest.approx(1.0)
    assert near.returned.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert near.median_steps[0, 0] <= near.median_steps[1, 1] <= OPTIONS.steps
    assert near.median_steps[1, 1] > 3
    far = basin_of(BasinRequest(0, None, turn_deg=120.0, shift=3.0, spread=0.8), BasinOptions(2, 1, 30, 64))
    assert far.returned.tolist() == [[1.0, 0.0], [0.0, 0.0]], "only the one that was not kicked"
    assert math.isnan(far.median_steps[1, 1])
    assert far.tried[0].steps[1, 1] == NEVER


def test_kicks_have_the_sizes_of_their_cells_and_one_direction() -> None:
    request, options = BasinRequest(0, None, 10.0, 0.5, 1.0), BasinOptions()
    draw, frame = CameraKicks(request, options).draw, frozen_relief()
    kicks = draw(3, frame)
    assert kicks.shape == (8, 8, 6)
    turned, moved = kicks[..., :3].norm(dim=-1), kicks[..., 3:].norm(dim=-1)
    torch.testing.assert_close(turned, torch.deg2rad(torch.linspace(0, 10, 8)).expand(8, 8))
    torch.testing.assert_close(moved, torch.linspace(0, 0.5, 8)[:, None].expand(8, 8))
    torch.testing.assert_close(kicks[0, 7, :3] / turned[0, 7], kicks[5, 2, :3] / turned[5, 2])
    assert not torch.allclose(kicks, draw(4, frame))


def test_the_way_back_is_measured_from_the_pose_that_was_not_kicked() -> None:
    pose = se3.exponential(torch.tensor([0.3, -0.2, 0.5, 1.0, 2.0, 3.0]))
    kick = torch.tensor([[0.0, math.radians(5), 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.4, 0.0]])
    poses = torch.cat([se3.compose(se3.exponential(kick), pose), pose[None]])
    angle, distance = CameraKicks(REQUEST, OPTIONS).measure(poses).unbind(dim=-1)
    torch.testing.assert_close(angle, torch.tensor([5.0, 0.0]), atol=1e-2, rtol=0)
    torch.testing.assert_close(distance, torch.tensor([0.0, 0.4]), atol=1e-5, rtol=0)


def test_files_hold_every_kick_and_a_picture(tmp_path: Path) -> None:
    kicks = CameraKicks(BasinRequest(None, None, 3.0, 0.16, 0.8), OPTIONS)
    drawn, steps = kicks.draw(0, frozen_relief()).numpy(), np.array([[1, 7], [NEVER, 9]])
    tried = (Tried(1, drawn, steps, np.full((2, 2, 2), 0.1), True), Tried(1, drawn, steps, np.ones((2, 2, 2)), False))
    about = (kicks.rows, kicks.columns, kicks.numbers, kicks.measures, kicks.definition)
    basin = Basin(None, *about, tried, 2, ("1/4", "1/2"), 0.7)
    write_basin(basin, ["a.jpg", "b.jpg"], tmp_path / "basin")
    with (tmp_path / "basin" / "basin.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == list_columns(basin)
    assert len(rows) == 4, "a direction that has not ended says nothing yet"
    assert [row["came_back"] for row in rows] == ["1", "1", "0", "1"]
    assert rows[2]["steps"] == ""
    assert float(rows[3]["shift_percent_of_spread"]) == pytest.approx(20.0)
    assert float(rows[3]["shift_units"]) == pytest.approx(0.16)
    assert {row["frame"] for row in rows} == {"b.jpg"}
    assert (tmp_path / "basin" / "basin.png").read_bytes().startswith(b"\x89PNG")
