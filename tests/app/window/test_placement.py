"""The window is inside of the screen."""

import pytest

from app.window.display import Screen
from app.window.placement import choose_corner, fit_to_screen

SIZES = ((1600, 1000), (1280, 800), (960, 640))


@pytest.mark.parametrize("managed", [True, False])
@pytest.mark.parametrize("area", [(0, 0, 1280, 800), (0, 0, 1366, 768), (64, 28, 1856, 1052), (0, 0, 3840, 2160)])
@pytest.mark.parametrize("size", SIZES)
def test_all_of_the_window_can_be_seen(size, area, managed):
    screen = Screen(*area, managed)
    width, height = fit_to_screen(size, screen)
    left, top = choose_corner((width, height), screen)
    assert left >= area[0]
    assert top >= area[1]
    assert left + width <= area[0] + area[2]
    assert top + height <= area[1] + area[3]
    if size[0] <= area[2] and size[1] <= area[3] - 100:
        assert (width, height) == size


def test_without_a_window_manager_it_begins_in_the_corner():
    assert choose_corner((1280, 800), Screen(0, 0, 1800, 1200, managed=False)) == (0, 0)


def test_on_a_screen_that_is_higher_than_wide_it_is_high():
    assert fit_to_screen((1600, 1000), Screen(0, 0, 900, 1600, managed=False)) == (900, 1600)
    assert fit_to_screen((1600, 1000), Screen(0, 0, 1200, 1920, managed=True)) == (1000, 1600)
    assert fit_to_screen((800, 600), Screen(0, 0, 900, 1600, managed=False)) == (800, 600)
