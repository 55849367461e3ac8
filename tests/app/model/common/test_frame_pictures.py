"""The frame panel's pictures: sizes, error map, PSNR, sparkline."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from app.model.common.error_map import FULL, colour_levels, compute_psnr, measure_difference
from app.model.common.photo_sizes import fit_size, make_frame_camera, resize_mask, resize_photo, straighten_photo
from app.model.common.sparkline import make_sparkline
from engine.geometry.intrinsics import Intrinsics
from engine.geometry.lens_models import LensModel, make_row, stack_distortions
from engine.geometry.rays import normalised_points, pixel_grid


@given(st.integers(10, 4000), st.integers(10, 4000), st.floats(20, 800), st.floats(20, 800))
def test_a_picture_keeps_its_shape_and_touches_its_box(width: int, height: int, wide: float, high: float) -> None:
    w, h = fit_size((width, height), (wide, high))
    assert w <= max(wide, 1)
    assert h <= max(high, 1)
    assert w >= wide - 1 or h >= high - 1
    assert min(w, h) == 1 or w / h == pytest.approx(width / height, rel=2 / min(w, h))


def test_a_small_photo_is_the_mean_of_the_large_one() -> None:
    photo = torch.randint(0, 256, (60, 80, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    small = resize_photo(photo, (20, 15))
    assert small.shape == (15, 20, 3)
    assert small[2, 3] == pytest.approx(photo[8:12, 12:16].float().mean(dim=(0, 1)).numpy() / 255, abs=1e-5)


def test_a_smaller_camera_sees_the_same() -> None:
    lens = Intrinsics(torch.tensor([[300.0, 310.0]]), torch.tensor([[100.0, 80.0]]), torch.zeros(1, 4), 200, 160)
    camera = make_frame_camera(lens, 0, np.eye(3, 4, dtype=np.float32), (50, 40))
    assert camera.focal == (75.0, 77.5)
    assert camera.centre == (25.0, 20.0)
    assert camera.size == (50, 40)


@pytest.mark.parametrize("model", [LensModel.PERSPECTIVE, LensModel.FISHEYE])
def test_a_photo_is_shown_without_its_lens(model: LensModel) -> None:
    """A pattern on the plane z = 1 as a lens shows it becomes the pattern as a pinhole shows it."""
    row = stack_distortions([make_row([-0.4], model)])
    lens = Intrinsics(torch.tensor([[120.0, 120.0]]), torch.tensor([[104.0, 78.0]]), row, 200, 160)

    def pattern(plane: torch.Tensor) -> np.ndarray:
        return torch.stack([plane[..., 0], plane[..., 1], (4 * plane[..., 0]).sin()], dim=-1).numpy() / 4 + 0.5

    pixels = pixel_grid(80, 100) * 2  # a copy of half the size
    bent = normalised_points(pixels.reshape(1, -1, 2), lens.focal, lens.centre, lens.distortion).view(80, 100, 2)
    straight = (pixels - lens.centre[0]) / lens.focal[0]
    shown = straighten_photo(pattern(bent).astype(np.float32), lens, 0)
    inside = shown.min(axis=-1) > 0.1
    assert inside[20:60, 25:75].all()
    assert np.abs(shown - pattern(straight))[20:60, 25:75].max() < 0.005
    assert np.abs(shown - pattern(bent))[20:60, 25:75].max() > 0.015
    untouched = Intrinsics(lens.focal, lens.centre, torch.zeros(1, 4), 200, 160)
    assert straighten_photo(shown, untouched, 0) is shown


def test_the_error_map_is_dark_where_right_and_brighter_where_worse() -> None:
    photo = np.full((4, 4, 3), 0.5, np.float32)
    rendering = photo.copy()
    rendering[0, 0] += 10 / 255
    rendering[1, 1] += 60 / 255
    levels = measure_difference(photo, rendering)
    assert levels[0, 0] == pytest.approx(10, abs=0.01)
    brightness = colour_levels(levels).sum(axis=-1)
    assert brightness[2, 2] < 0.05 < brightness[0, 0] < brightness[1, 1]
    even = colour_levels(np.linspace(0, FULL, 64)) @ np.array([0.3, 0.59, 0.11])
    assert (np.diff(even) > 0).all()


def test_psnr_is_of_the_pixels_shown() -> None:
    photo = np.zeros((8, 8, 3), np.float32)
    assert compute_psnr(photo, photo + np.float32(0.1)) == pytest.approx(20.0, abs=1e-4)
    assert compute_psnr(photo, photo) == 60.0


def test_what_a_mask_hides_does_not_count() -> None:
    photo = np.full((8, 6, 3), 0.5, np.float32)
    rendering, counts = photo + np.float32(0.1), np.ones((8, 6), dtype=bool)
    rendering[:, 3:], counts[:, 3:] = 0.0, False
    assert compute_psnr(photo, rendering, counts) == pytest.approx(20.0, abs=1e-4)
    assert compute_psnr(photo, rendering) < 10
    small = resize_mask(torch.from_numpy(counts), (3, 4))
    assert small.tolist() == [[True, False, False]] * 4  # the middle column averages pixels that are hidden
    assert resize_mask(None, (3, 4)).all()


def test_a_sparkline_stays_in_its_box_and_falls_where_values_fall() -> None:
    where = make_sparkline(np.array([0.0, 1.0, 4.0]), np.array([10.0, 1.0, 0.001]), (100, 50), (0.01, 10.0))
    assert where[:, 0].tolist() == [2.0, 26.0, 98.0]
    assert (np.diff(where[:, 1]) > 0).all()
    assert where[:, 1].min() >= 2
    assert where[:, 1].max() <= 48
