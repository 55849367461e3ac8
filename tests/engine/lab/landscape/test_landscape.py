"""Curves and maps of the loss: lowest where the camera belongs, and as steep as autograd says."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.lab.landscape.curves import Curves, draw_curves
from engine.lab.landscape.files import write_landscape
from engine.lab.landscape.map import LossMap, draw_map
from engine.lab.landscape.minima import find_descent, find_map_minima, find_minima
from engine.lab.landscape.options import LandscapeOptions, Window
from engine.lab.landscape.scan import order_coarse_to_fine
from tests.support.worlds.frozen_relief import frozen_relief

OPTIONS = LandscapeOptions(steps=21, side=9, first_pixels=100, samples=120_000)
WINDOW = Window((4.0, 4.0, 4.0, 0.1, 0.1, 0.1))


def curves_of(kick: tuple[float, ...] = (0.0,) * 6, options: LandscapeOptions = OPTIONS) -> Curves:
    found = [one for one in draw_curves(frozen_relief(kick), WINDOW, options) if one is not None]
    return found[-1]


def test_where_the_photo_was_taken_every_curve_is_lowest() -> None:
    found = curves_of()
    assert found.losses.shape == found.offsets.shape == (6, 21)
    assert found.losses.argmin(axis=1).tolist() == [10] * 6
    np.testing.assert_allclose(found.losses[:, 10], 0.0, atol=1e-9)
    assert (found.losses[:, [0, -1]].min(axis=1) > 1e-3).all()
    assert (found.pixels, found.of, found.share) == (600, 64 * 48, pytest.approx(1.0))


@pytest.mark.parametrize("axis", range(6))
def test_a_camera_that_was_kicked_sees_its_place_on_the_curve_of_that_direction(axis: int) -> None:
    by = 0.05 if axis > 2 else math.radians(2.0)
    kick = tuple(by if index == axis else 0.0 for index in range(6))
    found = curves_of(kick)
    shown = 0.05 if axis > 2 else 2.0
    assert found.offsets[axis, found.losses[axis].argmin()] == pytest.approx(-shown, abs=1e-6)
    assert found.losses[axis].min() == pytest.approx(0.0, abs=1e-8)
    assert found.reference is not None
    assert found.reference[axis] == pytest.approx(-shown, rel=1e-5)


def test_slopes_are_those_of_the_curves() -> None:
    narrow = Window((0.02, 0.02, 0.02, 0.0005, 0.0005, 0.0005))
    kick = (0.01, -0.015, 0.02, 0.01, 0.02, -0.01)
    done = list(draw_curves(frozen_relief(kick, samples=64), narrow, LandscapeOptions(steps=3, samples=120_000)))[-1]
    assert done is not None
    risen = (done.losses[:, 2] - done.losses[:, 0]) / (done.offsets[:, 2] - done.offsets[:, 0])
    np.testing.assert_allclose(done.slopes, risen, rtol=0.1, atol=0.02 * abs(risen[:3]).max())


def test_a_curve_of_all_pixels_is_the_loss_itself() -> None:
    frame = frozen_relief((0.01, 0.0, 0.0, 0.02, 0.0, 0.0))
    done = list(draw_curves(frame, WINDOW, OPTIONS))[-1]
    assert done is not None
    offset = torch.zeros(1, 6)
    offset[0, 4] = float(done.offsets[4, 3])
    assert float(done.losses[4, 3]) == pytest.approx(float(frame.losses(offset)), rel=1e-5)


def test_a_map_fills_from_coarse_to_fine_and_is_lowest_at_the_pose() -> None:
    states = [one for one in draw_map(frozen_relief(), (1, 3), WINDOW, OPTIONS) if isinstance(one, LossMap)]
    first, last = np.isfinite(states[0].losses), states[-1]
    assert 0 < first.sum() < first.size
    assert first[[0, 8, 0], [0, 8, 8]].all(), "the corners belong to the coarsest places"
    assert last.losses.shape == (9, 9)
    assert find_map_minima(last.losses)[0] == (4, 4)
    assert last.across.name, last.down.name == ("ry", "tx")
    assert last.x[-1] == 4.0
    assert last.y[-1] == pytest.approx(0.1)
    assert last.reference == (0.0, 0.0)


def test_files_hold_what_was_measured(tmp_path: Path) -> None:
    kick = (0.0, 0.02, 0.0, 0.0, 0.0, 0.0)
    found = list(draw_map(frozen_relief(kick), (1, 3), WINDOW, OPTIONS))[-1]
    written = write_landscape(curves_of(kick), found, "a.jpg", tmp_path / "made")
    assert [path.name for path in written] == ["curves.csv", "curves.png", "map.csv", "map.png"]
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == sorted(path.name for path in written)
    with (tmp_path / "made" / "curves.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6 * 21
    least = min((row for row in rows if row["axis"] == "ry"), key=lambda row: float(row["mean_squared_error"]))
    assert float(least["offset"]) == pytest.approx(-math.degrees(0.02), abs=0.2)
    with (tmp_path / "made" / "map.csv").open(encoding="utf-8") as file:
        places = list(csv.DictReader(file))
    assert len(places) == 81
    assert list(places[0]) == ["ry_°", "tx_units", "mean_squared_error"]
    assert write_landscape(None, None, "a.jpg", tmp_path) == []


def test_every_place_of_a_map_comes_once() -> None:
    assert sorted(order_coarse_to_fine(9).tolist()) == list(range(81))
    assert set(order_coarse_to_fine(9)[:4].tolist()) == {0, 8, 72, 80}


def test_minima_are_those_that_a_walk_would_end_in() -> None:
    x = np.linspace(-1, 1, 41)
    assert find_minima(x**2).tolist() == [20]
    waves = x**2 + 0.3 * np.cos(12 * x)
    found = find_minima(waves)
    assert len(found) == 4
    assert (np.diff(waves[found]) >= 0).all(), "the lowest first"
    rough = x**2 + 1e-4 * (-1.0) ** np.arange(41)
    assert len(find_minima(rough)) == 1, "what is as small as noise is none"
    assert find_minima(np.full(41, np.nan)).tolist() == []


def test_a_valley_across_the_lattice_has_one_minimum_and_two_hollows_have_two() -> None:
    y, x = np.meshgrid(np.linspace(-1, 1, 21), np.linspace(-1, 1, 21), indexing="ij")
    valley = (y - 2.3 * x) ** 2 + 0.01 * (x - 0.1) ** 2
    assert len(find_map_minima(valley)) == 1
    hollows = np.minimum((x - 0.5) ** 2 + y**2, (x + 0.5) ** 2 + y**2 + 0.05)
    assert find_map_minima(hollows) == [(10, 15), (10, 5)]
    assert find_map_minima(x) == [], "one that only falls has none inside"


def test_arrows_point_to_the_minimum_and_are_longest_where_it_is_steepest() -> None:
    y, x = np.meshgrid(np.arange(9.0), np.arange(9.0), indexing="ij")
    places, fall = find_descent((y - 4) ** 2 + (x - 4) ** 2, 2)
    towards = 4 - places
    inner = np.abs(towards).sum(axis=1) > 0
    cosine = (fall * towards).sum(axis=1)[inner]
    assert (cosine > 0).all()
    assert np.linalg.norm(fall, axis=1).max() == pytest.approx(1.0)
