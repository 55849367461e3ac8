"""Selected frames of a video are evenly spaced in motion, sharp and different."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from engine.scenes.photos.frame_selection import measure_sharpness, measure_shift, select_frames

TEXTURE = gaussian_filter(np.random.default_rng(0).normal(size=(200, 400)), 1.0)
TEXTURE = ((TEXTURE - TEXTURE.min()) / np.ptp(TEXTURE) * 255).astype(np.uint8)


def window(x: int, y: int = 20) -> np.ndarray:
    return TEXTURE[y : y + 90, x : x + 160]


@pytest.mark.parametrize(("across", "down"), [(0, 0), (7, 0), (-12, 3), (3, -9)])
def test_the_shift_of_a_picture_is_found(across: int, down: int) -> None:
    moved = measure_shift(window(100, 50), window(100 + across, 50 + down))
    assert moved == pytest.approx(np.hypot(across, down) / 160, abs=0.5 / 160)


def test_blur_is_less_sharp_and_darkness_is_not() -> None:
    sharp = window(50)
    assert measure_sharpness(gaussian_filter(sharp, 2.0)) < 0.3 * measure_sharpness(sharp)
    assert measure_sharpness((sharp * 0.4).astype(np.uint8)) == pytest.approx(measure_sharpness(sharp), rel=0.3)


def test_frames_lie_evenly_along_the_motion_and_not_in_time() -> None:
    motion = np.concatenate([np.full(100, 0.0), np.full(50, 0.02)])  # first the camera stands still
    chosen = select_frames(np.ones(150), motion, 10)
    assert len(chosen) == 10
    assert sum(frame >= 100 for frame in chosen) >= 9


def test_of_each_stretch_the_sharpest_is_taken_and_a_blurred_stretch_gives_none() -> None:
    sharp = np.ones(60)
    sharp[5::10] = 2.0
    assert select_frames(sharp, np.full(60, 0.01), 6) == [5, 15, 25, 35, 45, 55]
    sharp[20:30] *= 0.1
    assert select_frames(sharp, np.full(60, 0.01), 6) == [5, 15, 35, 45, 55]


def test_the_number_of_frames_follows_from_the_motion() -> None:
    assert len(select_frames(np.ones(600), np.full(600, 0.002))) == 24
    assert len(select_frames(np.ones(600), np.full(600, 0.1))) == 48
    assert len(select_frames(np.ones(5), np.full(5, 0.1))) == 5
