"""The compiled rasteriser draws what a dense one draws, and its gradient is that of a dense one."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from engine.export.splats.gaussians import Gaussians
from engine.export.splats.rasteriser import differentiate, draw
from tests.support.worlds.dense_splats import a_camera, draw_densely, some_gaussians

BACKGROUND = np.array([0.2, 0.5, 0.9], np.float32)


def dense(gaussians: Gaussians, camera: object = None) -> tuple[np.ndarray, np.ndarray]:
    drawn = draw_densely(
        torch.from_numpy(gaussians.rows).double(), camera or a_camera(), torch.from_numpy(BACKGROUND).double()
    )
    return drawn[0].numpy(), drawn[1].numpy()


@pytest.mark.parametrize(("count", "size"), [(1, 0.3), (60, 0.15), (3000, 0.02), (400, 0.4)])
def test_the_picture_is_that_of_a_brute_force_composite(count: int, size: float) -> None:
    gaussians = some_gaussians(count, seed=count, size=size)
    made = draw(gaussians, a_camera(), BACKGROUND)
    image, left_over = dense(gaussians)
    np.testing.assert_allclose(made.left_over, left_over, atol=4e-4)  # a pixel is done at 1e-4; thresholds are rounded
    np.testing.assert_allclose(made.image, image, atol=1e-3)
    assert left_over.min() < 0.99


def test_what_is_nearer_covers_what_is_farther_whatever_the_order_in_the_file() -> None:
    rows = np.zeros((2, 23), np.float32)
    rows[:, 2] = 2.0, 4.0
    rows[:, 3:6] = np.log([[0.6], [1.2]])
    rows[:, 6], rows[:, 10] = 1.0, 8.0
    rows[0, 11:14], rows[1, 11:14] = [1.7, -1.7, -1.7], [-1.7, 1.7, -1.7]
    for order in ([0, 1], [1, 0]):
        middle = draw(Gaussians(rows[order]), a_camera(), BACKGROUND).image[10, 28]
        assert middle[0] > 0.9
        assert middle[1] < 0.1


def test_what_lies_behind_the_camera_or_has_no_opacity_is_not_drawn() -> None:
    gaussians = some_gaussians(50)
    gaussians.rows[:25, 2] -= 20
    gaussians.rows[25:, 10] = -9
    made = draw(gaussians, a_camera(), BACKGROUND)
    assert (made.image == BACKGROUND).all()
    gradient, weights = differentiate(made, np.ones_like(made.image))
    assert not gradient.any()
    assert not weights.any()


@pytest.mark.parametrize(("count", "size"), [(12, 0.3), (150, 0.1)])
def test_gradients_are_those_of_the_dense_composite(count: int, size: float) -> None:
    gaussians, camera = some_gaussians(count, seed=5, size=size), a_camera()
    slope = np.random.default_rng(1).normal(size=(camera.height, camera.width, 3)).astype(np.float32)
    gradient, weights = differentiate(draw(gaussians, camera, BACKGROUND), slope)
    rows = torch.from_numpy(gaussians.rows).double().requires_grad_(True)
    image, _ = draw_densely(rows, camera, torch.from_numpy(BACKGROUND).double())
    (image * torch.from_numpy(slope)).sum().backward()
    assert rows.grad is not None
    wanted = rows.grad.numpy()
    for column in range(23):
        unit = np.abs(wanted[:, column]).max()
        np.testing.assert_allclose(gradient[:, column], wanted[:, column], atol=5e-3 * unit, err_msg=f"{column}")
    assert ((weights > 0) == wanted.any(axis=1)).mean() > 0.98
    assert weights.max() <= 1


def test_the_picture_does_not_depend_on_how_it_is_cut_into_tiles() -> None:
    """A camera whose picture begins at another pixel shows the same, shifted."""
    gaussians, camera = some_gaussians(100, seed=3), a_camera()
    shifted = dataclasses.replace(camera, lens=camera.lens + np.array([0, 0, 5, 3], np.float32))
    whole, other = draw(gaussians, camera, BACKGROUND).image, draw(gaussians, shifted, BACKGROUND).image
    np.testing.assert_allclose(other[3:, 5:], whole[:-3, :-5], atol=2e-3)


def test_clipped_colours_get_no_gradient() -> None:
    gaussians = some_gaussians(1)
    gaussians.rows[0, :3], gaussians.rows[0, 10], gaussians.rows[0, 11:14] = [0, 0, 3], 2, [-9, 0, 0]
    gaussians.rows[0, 14:] = 0
    made = draw(gaussians, a_camera(), np.zeros(3, np.float32))
    gradient, _ = differentiate(made, np.ones_like(made.image))
    assert made.image[..., 0].max() == 0
    assert gradient[0, 11] == 0
    assert gradient[0, 12] > 0
