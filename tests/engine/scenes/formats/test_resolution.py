"""How images of several sizes come to one working size."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.errors import UserError
from engine.geometry.intrinsics import Intrinsics
from engine.scenes.formats.resolution import LONGER_SIDE, choose_factor, choose_reductions, reduce_intrinsics


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(4032, 3024), (3024, 4032)], [(504, 378), (378, 504)]),  # a phone held both ways
        ([(4032, 3024), (1920, 1080)], [(504, 378), (480, 270)]),  # two cameras
        ([(4032, 3024), (300, 200)], [(504, 378), (300, 200)]),  # small ones keep what they have
        ([(4032, 3024), (520, 390)], [(504, 378), (504, 378)]),  # half of it would lose too much
    ],
)
def test_each_image_has_a_factor_of_its_own(sizes: list[tuple[int, int]], expected: list[tuple[int, int]]) -> None:
    factor = choose_factor([Path("a.png"), Path("b.png")], sizes, None)
    reductions = choose_reductions(sizes, factor)
    assert [reduction.size for reduction in reductions] == expected
    assert max(max(reduction.size) for reduction in reductions) <= LONGER_SIDE


def test_intrinsics_follow_exactly() -> None:
    sizes = [(4035, 3024), (520, 390)]
    cameras = Intrinsics(
        focal=torch.tensor([[3000.0, 3010.0], [400.0, 401.0]]),
        centre=torch.tensor([[2000.0, 1500.0], [260.0, 195.0]]),
        distortion=torch.zeros(2, 4),
        width=4035,
        height=3024,
        sizes=torch.tensor(sizes),
    )
    small = reduce_intrinsics(cameras, choose_reductions(sizes, 8))
    assert small.own_sizes.tolist() == [[504, 378], [504, 378]]
    assert small.sizes is None  # of one size after all
    torch.testing.assert_close(small.focal[0], torch.tensor([375.0, 376.25]))  # whole blocks, three columns cut off
    torch.testing.assert_close(small.centre[1], torch.tensor([252.0, 189.0]))
    torch.testing.assert_close(small.focal[1], torch.tensor([400 * 504 / 520, 401 * 378 / 390]))


def test_a_factor_that_leaves_nothing_of_the_smallest_names_it() -> None:
    files, sizes = [Path("large.png"), Path("small.png")], [(4000, 3000), (400, 30)]
    with pytest.raises(UserError, match=r"small\.png; give at most 30"):
        choose_factor(files, sizes, 60)
    assert choose_factor(files, sizes, 30) == 30
