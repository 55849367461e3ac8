"""Where a frame of which nothing is known is searched for."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.geometry import se3
from engine.registration.relocalisation.candidates import (
    DEFAULTS,
    candidate_frames,
    choose_spread_out,
    rank_by_similarity,
)

GENERATOR = torch.Generator().manual_seed(0)
PICTURES = torch.rand(6, 3, 12, 16, generator=GENERATOR)


def in_a_row(count: int) -> torch.Tensor:
    """Cameras that look ahead, one unit apart."""
    poses = se3.identity(count)
    poses[:, 0, 3] = -torch.arange(count, dtype=torch.float32)
    return poses


def test_the_most_similar_picture_comes_first_whatever_its_exposure() -> None:
    pictures = PICTURES.clone()
    pictures[5] = 0.2 + 0.5 * pictures[3]
    assert rank_by_similarity(5, pictures, [0, 1, 2, 3, 4])[0] == 3


@given(st.integers(1, 40), st.integers(1, 12))
def test_candidates_that_are_spread_out_are_all_different(count: int, wanted: int) -> None:
    chosen = choose_spread_out(in_a_row(count), range(count), wanted)
    assert len(chosen) == len(set(chosen)) == min(wanted, count)
    if count > 2 and wanted > 2:
        assert {0, count - 1} <= set(chosen)


def test_every_attempt_starts_elsewhere_and_only_where_poses_can_be_trusted() -> None:
    pictures, poses, others = torch.rand(41, 3, 12, 16, generator=GENERATOR), in_a_row(41), list(range(0, 40))
    found = candidate_frames(40, pictures, poses, others)
    assert len(found) == 3
    assert all(len(attempt) == len(set(attempt)) == DEFAULTS.per_attempt for attempt in found)
    assert set().union(*found) <= set(others)
    assert len(set(found)) == 3


def test_few_frames_are_enough() -> None:
    assert candidate_frames(2, PICTURES[:3], in_a_row(3), [0]) == ((0,), (0,), (0,))
