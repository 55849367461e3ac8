"""Pictures of several sizes on one canvas."""

from __future__ import annotations

import numpy as np
import torch

from engine.scenes.canvas import cut_picture, mark_pictures, stack_pictures, stack_sizes

SIZES = [(4, 2), (3, 5)]


def test_pictures_lie_in_the_top_left_corner_and_are_cut_out_again() -> None:
    pictures = [np.full((height, width, 3), 7 + number, np.uint8) for number, (width, height) in enumerate(SIZES)]
    canvas = stack_pictures(pictures)
    assert canvas.shape == (2, 5, 4, 3)
    for frame, size, picture in zip(canvas, SIZES, pictures, strict=True):
        np.testing.assert_array_equal(cut_picture(frame, size), picture)
        assert frame.sum() == picture.sum()  # nothing outside


def test_only_the_own_picture_counts() -> None:
    sizes = stack_sizes(SIZES)
    assert sizes is not None
    counts = mark_pictures(sizes, (4, 5))
    assert counts.sum(dim=(1, 2)).tolist() == [8, 15]
    assert counts[0, :2].all()
    assert counts[1, :, :3].all()


def test_frames_of_one_size_need_no_sizes() -> None:
    assert stack_sizes([(4, 2), (4, 2)]) is None
    assert torch.equal(torch.tensor(SIZES), stack_sizes(SIZES))  # type: ignore[arg-type]
