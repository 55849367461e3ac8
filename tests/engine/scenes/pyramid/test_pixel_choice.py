"""Pixels are drawn where the error is, and weigh what makes up for it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from engine.geometry.intrinsics import Intrinsics
from engine.scenes.pyramid.photo_level import PhotoLevel
from engine.scenes.pyramid.photo_masks import PhotoMasks
from engine.scenes.pyramid.pixel_choice import OPTIONS, PixelChoice

FRAMES, HEIGHT, WIDTH = 3, 30, 44  # no multiples of a tile's side


def level(masks: PhotoMasks | None = None) -> PhotoLevel:
    intrinsics = Intrinsics(
        focal=torch.full((FRAMES, 2), 40.0),
        centre=torch.full((FRAMES, 2), 20.0),
        distortion=torch.zeros(FRAMES, 4),
        width=WIDTH,
        height=HEIGHT,
    )
    return PhotoLevel(torch.rand(FRAMES, 3, HEIGHT, WIDTH), torch.zeros(1, HEIGHT * WIDTH, 2), intrinsics, masks)


def learn(choice: PixelChoice, errors: Tensor, generator: torch.Generator, steps: int = 200) -> None:
    for _ in range(steps):
        pixels, _ = choice.draw(40, 2, generator)
        choice.add(errors.gather(1, pixels))


def test_while_nothing_is_known_pixels_are_drawn_evenly() -> None:
    pixels, weights = PixelChoice(level()).draw(4000, 1, torch.Generator().manual_seed(0))
    assert weights == pytest.approx(1.0)
    rows, columns = pixels // WIDTH, pixels % WIDTH
    assert rows.float().mean() == pytest.approx((HEIGHT - 1) / 2, abs=0.5)
    assert columns.float().mean() == pytest.approx((WIDTH - 1) / 2, abs=0.7)
    assert rows.max() == HEIGHT - 1
    assert columns.max() == WIDTH - 1


def test_most_pixels_are_drawn_where_the_error_is_and_some_everywhere() -> None:
    generator, choice = torch.Generator().manual_seed(1), PixelChoice(level())
    wrong = torch.zeros(FRAMES, HEIGHT, WIDTH)
    wrong[:, 8:16, 16:24] = 1.0
    learn(choice, wrong.flatten(1), generator)
    pixels, _ = choice.draw(4000, 1, generator)
    there = wrong.flatten(1).gather(1, pixels).mean()
    assert 0.5 < there < 1 - 0.5 * OPTIONS.even
    assert len(pixels.unique()) > 0.5 * HEIGHT * WIDTH


@pytest.mark.parametrize("block", [1, 2, 3])
def test_the_weighted_mean_is_that_of_all_pixels(block: int) -> None:
    generator, choice = torch.Generator().manual_seed(2), PixelChoice(level())
    errors = torch.rand(FRAMES, HEIGHT, WIDTH, generator=generator) * (1 + torch.linspace(0, 9, WIDTH).sin())
    learn(choice, errors.flatten(1), generator)
    means = []
    for _ in range(300):
        pixels, weights = choice.draw(60, block, generator)
        means.append((errors.flatten(1).gather(1, pixels) * weights).mean(dim=1))
    torch.testing.assert_close(torch.stack(means).mean(dim=0), errors.mean(dim=(1, 2)), rtol=0.06, atol=0.0)


def test_tiles_in_which_nothing_counts_are_never_drawn() -> None:
    counts = torch.ones(FRAMES, HEIGHT, WIDTH, dtype=torch.bool)
    counts[1, :, : WIDTH // 2] = False
    choice = PixelChoice(level(PhotoMasks(counts)))
    pixels, _ = choice.draw(2000, 1, torch.Generator().manual_seed(3))
    assert (pixels[1] % WIDTH).min() >= 16
    assert (pixels[0] % WIDTH).min() == 0


def test_an_error_that_is_no_number_is_forgotten() -> None:
    choice, generator = PixelChoice(level()), torch.Generator().manual_seed(4)
    choice.draw(40, 2, generator)
    choice.add(torch.full((FRAMES, 40), torch.nan))
    _, weights = choice.draw(40, 2, generator)
    assert torch.isfinite(weights).all()
