"""The schedule as a bar: every stage has room, and the needle moves on with the iterations."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.model.plots.stage_bar import describe_stage, find_place, lay_out_stages
from engine.config.rows import Stage
from engine.config.settings import Settings
from tests.support.runs.registered_scene import forward_facing

SMALL = forward_facing()
SCENE = replace(SMALL, intrinsics=replace(SMALL.intrinsics, width=504, height=378))
COUNTS = st.lists(st.integers(1, 5000), min_size=1, max_size=8)


@given(COUNTS, st.floats(50, 1200))
def test_stages_fill_the_bar_in_order_and_none_vanishes(counts: list[int], width: float) -> None:
    found = lay_out_stages(counts, width)
    assert found[0].left == 0
    assert found[-1].right == pytest.approx(width)
    for before, after in itertools.pairwise(found):
        assert before.right == after.left
    narrowest = min(34.0, width / len(counts))
    assert all(span.right - span.left >= narrowest - 1e-6 for span in found)
    longest = max(range(len(counts)), key=counts.__getitem__)
    assert found[longest].right - found[longest].left == pytest.approx(max(s.right - s.left for s in found))


@given(COUNTS)
def test_the_needle_never_goes_back_and_stands_in_its_stage(counts: list[int]) -> None:
    found, begin = lay_out_stages(counts, 300.0), 0
    for count, span in zip(counts, found, strict=True):
        assert find_place(counts, found, begin) == pytest.approx(span.left)
        assert span.left <= find_place(counts, found, begin + count - 1) < span.right
        begin += count
    assert find_place(counts, found, begin) == find_place(counts, found, begin + 10**6) == found[-1].right


STAGE = Stage(
    *(24, 150, 5000, 12, True, (5e-2, 1e-2), (1e-3, 5e-4), 1e-9, 60, (8, 4)), name="1/4", downsample=4, voxels=158
)


def test_a_stage_says_what_it_is_made_of() -> None:
    text = describe_stage(STAGE, Settings(), SCENE)
    for part in (
        "1/4",
        "150 iterations",
        "126 x 94 px",
        "158 x 118 x 24",
        "5,000 rays of 12 samples",
        "1/8, 1/4",
        "60",
    ):
        assert part in text


def test_fixed_poses_have_no_bundle_adjustment() -> None:
    assert "bundle" not in describe_stage(STAGE, Settings(method="reference"), SCENE)
    assert "Network" in describe_stage(STAGE, Settings(field="mlp"), SCENE)


def test_a_stage_through_which_poses_stand_still_says_so() -> None:
    text = describe_stage(replace(STAGE, settle=STAGE.iterations), Settings(), SCENE)
    assert "Poses are fixed" in text
    assert "first" not in text
