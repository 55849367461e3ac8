"""Masks at a stage's resolution: what counts there, and where pixels are drawn."""

from dataclasses import replace

import pytest
import torch

from engine.scenes.pyramid import photo_level
from engine.scenes.pyramid.photo_masks import PhotoMasks, downsample_masks
from tests.support.runs.short_runs import fern

CPU = torch.device("cpu")
FRAMES = [0, 3]


def half_masked(width: int = 126, height: int = 94) -> torch.Tensor:
    """The left 50 columns of all frames of the fern are masked."""
    masks = torch.ones(len(fern().names), height, width, dtype=torch.bool)
    masks[:, :, :50] = False
    return masks


def test_a_pixel_counts_only_where_all_that_it_averages_counts():
    masks = torch.ones(1, 8, 8, dtype=torch.bool)
    masks[0, 0, 0] = False
    counts = downsample_masks(masks, 4).counts[0]
    assert counts.tolist() == [[False, True], [True, True]]


def test_a_frame_of_which_no_whole_block_counts_keeps_its_best_blocks():
    masks = torch.zeros(2, 8, 8, dtype=torch.bool)
    masks[0, :3, :4] = True
    masks[1] = True
    counts = downsample_masks(masks, 4).counts
    assert counts[0].tolist() == [[True, False], [False, False]]
    assert counts[1].all()


@pytest.mark.parametrize("block", [1, 4])
def test_every_drawn_block_has_a_pixel_that_counts(block):
    masks = torch.zeros(2, 20, 30, dtype=torch.bool)
    masks[0, 4, 7] = True
    masks[1, 10:, 20:] = True
    data = replace(photo_level.downsample_photos(fern(), FRAMES, 1, CPU), masks=PhotoMasks(masks))
    data = replace(data, intrinsics=replace(data.intrinsics, width=30, height=20))
    pixels = photo_level.draw_pixels(data, 2, 40 * block**2, block, torch.Generator().manual_seed(0))
    assert pixels.shape == (2, 40 * block**2)
    assert pixels.min() >= 0
    assert pixels.max() < 600
    hit = data.counts(torch.arange(2), pixels)
    assert hit is not None
    assert bool((hit.view(2, 40, -1).sum(dim=-1) > 0).all())
    if block == 1:
        assert bool((pixels[0] == 4 * 30 + 7).all())
        assert len(pixels[1].unique()) > 25, "drawn from all that counts"


def test_masked_colours_are_replaced_by_the_mean_of_the_others():
    masks = half_masked()
    scene = replace(fern(), masks=masks)
    data = photo_level.downsample_photos(scene, FRAMES, 2, CPU)
    plain = photo_level.downsample_photos(fern(), FRAMES, 2, CPU)
    assert data.masks is not None
    assert torch.equal(data.images[..., 25:], plain.images[..., 25:])
    wanted = plain.images[1, :, :, 25:].mean(dim=(1, 2))
    torch.testing.assert_close(data.images[1, :, 10, 10], wanted)


def test_without_masks_pixels_are_drawn_as_ever():
    data = photo_level.downsample_photos(fern(), FRAMES, 4, CPU)
    assert data.masks is None
    assert data.counts(torch.arange(2), torch.zeros(2, 3, dtype=torch.long)) is None
    drawn = photo_level.draw_pixels(data, 2, 6, 1, torch.Generator().manual_seed(3))
    generator = torch.Generator().manual_seed(3)
    x, y = (torch.randint(side, (2, 6), generator=generator) for side in (31, 23))
    assert torch.equal(drawn, y * 31 + x)


def test_the_border_of_a_mask_belongs_to_it_where_slopes_are_taken():
    masks = PhotoMasks(half_masked())
    inside = masks.inside(2)
    assert not inside[0, 40, 51]
    assert inside[0, 40, 52]
    assert inside[0, 0, 125], "the border of the photo is no mask"
