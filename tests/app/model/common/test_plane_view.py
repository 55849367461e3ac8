"""Looking at an image: what is under the mouse stays there, and everything fits."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.model.common.plane_view import PlaneView, frame_pixels

coordinate = st.floats(-2000, 2000)
views = st.builds(PlaneView, st.tuples(coordinate, coordinate), st.floats(0.1, 30))
sizes = st.tuples(st.integers(64, 2000), st.integers(64, 2000))


@given(views, sizes, coordinate, coordinate)
def test_from_the_image_to_the_screen_and_back(view: PlaneView, size: tuple[int, int], x: float, y: float) -> None:
    there = view.on_screen(np.array([x, y]), size)
    np.testing.assert_allclose(view.in_image(there, size), (x, y), atol=1e-6)


@given(views, sizes, st.tuples(st.floats(0, 64), st.floats(0, 64)), st.integers(-6, 6))
def test_zooming_keeps_what_is_under_the_mouse(
    view: PlaneView, size: tuple[int, int], at: tuple[float, float], notches: int
) -> None:
    nearer = view.zoomed(notches, at, size)
    under = view.in_image(np.array(at), size)
    np.testing.assert_allclose(nearer.on_screen(under, size), at, atol=1e-5)
    assert (nearer.scale > view.scale) == (notches > 0) or nearer.scale == view.scale


def test_panning_draws_the_image_along() -> None:
    view, size = PlaneView((50, 40), 2.0), (200, 100)
    before = view.on_screen(np.array([10.0, 20.0]), size)
    after = view.panned(30, -8).on_screen(np.array([10.0, 20.0]), size)
    np.testing.assert_allclose(after - before, (30, -8))


@given(st.lists(st.tuples(st.floats(-500, 900), st.floats(-500, 900)), min_size=2, max_size=8), sizes)
def test_framed_shows_everything_as_large_as_it_can(points: list[tuple[float, float]], size: tuple[int, int]) -> None:
    where = np.array([*points, (np.nan, 3.0)])
    view = frame_pixels(where, size, margin=10)
    seen = view.on_screen(where[:-1], size)
    assert (seen >= 10 - 1e-6).all()
    assert (seen <= np.array(size) - 10 + 1e-6).all()
    extent = np.ptp(seen, axis=0)
    room = np.array(size) - 20.0
    assert np.isclose(extent, room).any() or view.scale == 64.0
