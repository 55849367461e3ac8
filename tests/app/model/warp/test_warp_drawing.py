"""Colours and arrows of a warp field."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.model.warp.warp_colours import (
    FULLEST_PX,
    PALEST_PX,
    RINGS_PX,
    colour_displacements,
    draw_wheel,
    find_strength,
)
from app.model.warp.warp_drawing import (
    LOOK,
    choose_magnification,
    format_factor,
    lay_over_photo,
    make_arrows,
    resample_lattice,
    thin_lattice,
)


def hue_of(rgb: np.ndarray) -> int:
    return int(rgb.argmax())


def test_directions_have_colours_of_their_own() -> None:
    right, left, up, down = colour_displacements(np.array([[1.0, 0], [-1, 0], [0, -1], [0, 1]]))
    assert hue_of(right[:3]) == 0  # red
    assert left[0] == min(left[:3])  # cyan
    assert up[2] == max(up[:3]) > up[1]  # violet
    assert down[1] == max(down[:3]) > down[2]  # green
    turns = np.linspace(0, 2 * np.pi, 13)[:-1]
    around = colour_displacements(np.stack([np.cos(turns), np.sin(turns)], axis=1))[:, :3]
    apart = np.abs(around[:, None] - around[None]).sum(axis=-1) + np.eye(12)
    assert apart.min() > 0.15


def test_the_length_is_the_strength_and_does_not_change_the_hue() -> None:
    lengths = np.array([0.0, 0.01, 0.1, 1.0, 10.0, 1000.0])
    found = colour_displacements(lengths[:, None] * np.array([0.6, 0.8]))
    assert (np.diff(found[:, 3]) > 0).all()
    assert (found[0, 3], found[-1, 3]) == (0.0, 1.0)
    assert np.allclose(found[1:, :3], found[1, :3], atol=1e-3)


@given(st.floats(PALEST_PX, FULLEST_PX))
def test_ten_times_the_length_is_always_the_same_step(length: float) -> None:
    step = find_strength(np.array(min(length * 10, FULLEST_PX))) - find_strength(
        np.array(min(length * 10, FULLEST_PX) / 10)
    )
    if length * 10 <= FULLEST_PX and length >= PALEST_PX:
        assert step == pytest.approx(0.25, abs=1e-6)  # four decades


def test_what_is_unknown_is_grey() -> None:
    assert colour_displacements(np.array([[np.nan, 1.0]]))[0].tolist() == [0.25, 0.25, 0.25, 1.0]


def test_a_turn_paints_one_colour_and_a_roll_the_whole_wheel() -> None:
    y, x = np.mgrid[-1:1:12j, -1:1:16j]
    photo = np.full((60, 80, 3), 0.5, np.float32)
    turn = lay_over_photo(photo, np.full((12, 16, 2), 3.0) * [1, 0], 1.0)
    roll = lay_over_photo(photo, np.stack([-y, x], axis=-1) * 3, 1.0)
    assert turn.std(axis=(0, 1)).max() < 1e-3
    assert {hue_of(roll[i, j]) for i, j in ((3, 40), (57, 40), (30, 3), (30, 77), (3, 3), (57, 77))} == {0, 1, 2}


def test_opacity_goes_from_the_photo_to_the_colours_and_no_field_leaves_a_dimmed_photo() -> None:
    photo = np.random.default_rng(0).random((40, 60, 3)).astype(np.float32)
    field = np.random.default_rng(1).standard_normal((12, 16, 2))
    assert np.allclose(lay_over_photo(photo, field, 0.0), photo)
    still = lay_over_photo(photo, np.zeros((12, 16, 2)), 1.0)
    assert np.allclose(still, still.mean(axis=-1, keepdims=True), atol=1e-6)  # grey
    assert still.mean() < 0.6 * photo.mean()
    soft = lay_over_photo(photo, 10 * field, 1.0)
    pale = lay_over_photo(photo, 0.01 * field, 1.0)
    colourful = [np.ptp(picture, axis=-1).mean() for picture in (still, pale, soft)]
    assert colourful[0] < colourful[1] < colourful[2]


@given(st.integers(2, 9), st.integers(2, 9), st.integers(2, 80), st.integers(2, 80))
def test_resampling_stays_within_the_values_and_is_exact_for_slopes(r: int, c: int, w: int, h: int) -> None:
    y, x = np.mgrid[0:r, 0:c] + 0.5
    slope = np.stack([x / c, y / r], axis=-1)
    found = resample_lattice(slope, (w, h))
    assert found.shape == (h, w, 2)
    expected = np.clip((np.arange(w) + 0.5) / w, 0.5 / c, 1 - 0.5 / c)
    assert np.allclose(found[h // 2, :, 0], expected, atol=1e-6)


@given(st.floats(2e-3, 200.0), st.floats(5.0, 60.0))
def test_arrows_are_magnified_by_a_round_factor_to_a_legible_length(length: float, cell: float) -> None:
    vectors = np.tile([0.6 * length, 0.8 * length], (50, 1))
    factor = choose_magnification(vectors, cell)
    assert f"{factor:.0e}"[0] in "125"
    if 0.01 < factor < 5000:
        assert 0.6 * cell < factor * length < 1.7 * cell
    tails, heads = make_arrows(np.zeros((50, 2)), vectors, factor, 0.5, LOOK.longest * cell * 0.5)
    assert np.allclose(heads - tails, vectors * factor * 0.5)


def test_no_arrow_leaves_its_neighbourhood_and_unknown_ones_have_no_length() -> None:
    vectors = np.array([[1000.0, 0.0], [np.nan, 1.0]])
    tails, heads = make_arrows(np.array([[4.0, 4.0], [8.0, 8.0]]), vectors, 1.0, 2.0, 30.0)
    assert heads[0].tolist() == [38.0, 8.0]
    assert heads[1].tolist() == [16.0, 18.0] or np.allclose(heads[1], tails[1])
    assert choose_magnification(np.full((5, 2), 1e-5), 10.0) == 1.0  # rounding is not blown up
    assert choose_magnification(np.full((5, 2), np.nan), 10.0) == 1.0


def test_factors_are_written_as_people_say_them() -> None:
    assert [format_factor(f) for f in (1, 20, 5000, 0.5, 0.05)] == ["×1", "×20", "×5,000", "×1/2", "×1/20"]


def test_arrows_thin_out_where_cells_are_narrow() -> None:
    assert len(thin_lattice(12, 16, 40.0)) == 192
    few = thin_lattice(12, 16, 13.0)
    assert len(few) == 48
    assert len(set(few.tolist())) == 48


def test_the_wheel_is_round_and_each_side_is_coloured_as_the_field() -> None:
    legend = draw_wheel(101)
    assert legend[0, 0, 3] == 0.0
    assert legend[50, 50, 3] == 1.0
    assert hue_of(legend[50, 97, :3]) == 0
    assert hue_of(legend[97, 50, :3]) == 1
    assert all(0 < float(find_strength(np.array(ring))) < 1 for ring in RINGS_PX)
