"""What the learned image shows in a patch's place."""

from __future__ import annotations

import numpy as np
import torch

from app.model.planar.patch_pictures import render_patch
from engine.scenes.formats.patch_cutting import cut_patches


def smooth(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([np.sin(x / 5), np.cos(y / 4), np.sin((x + y) / 6)], axis=-1).astype(np.float32) * 0.4 + 0.5


def test_it_is_what_the_patch_was_cut_from() -> None:
    image = smooth(60, 80)
    transform = np.array([[0.9, -0.3, 30.0], [0.25, 0.95, 8.0], [0.0005, -0.0003, 1.0]], np.float32)
    levels = torch.from_numpy((255 * image).astype(np.uint8))
    wanted = cut_patches(levels, torch.from_numpy(transform)[None], (24, 16))[0].numpy() / 255
    found = render_patch(levels.numpy().astype(np.float32) / 255, (80, 60), transform, (24, 16), (24, 16))
    assert np.abs(found - wanted).max() < 0.01


def test_a_coarser_image_shows_the_same_places() -> None:
    image = np.repeat(np.repeat(smooth(30, 40), 2, axis=0), 2, axis=1)
    transform = np.array([[1.0, 0, 20], [0, 1.0, 10], [0, 0, 1]])
    fine = render_patch(image, (80, 60), transform, (24, 16), (12, 8))
    coarse = render_patch(smooth(30, 40), (80, 60), transform, (24, 16), (12, 8))
    assert np.abs(fine - coarse).max() < 0.06


def test_beyond_the_border_colours_go_on() -> None:
    image = smooth(30, 40)
    transform = np.array([[1.0, 0, -500], [0, 1.0, -500], [0, 0, 1]])
    found = render_patch(image, (40, 30), transform, (8, 8), (8, 8))
    np.testing.assert_allclose(found, np.broadcast_to(image[0, 0], (8, 8, 3)))
