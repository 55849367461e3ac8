"""Who is out of the loss, and where a frame of which nothing is known is looked for."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.geometry import se3
from engine.registration.relocalisation.added_frames import Newcomers
from engine.registration.relocalisation.candidates import PLACES, by_similarity, places, spread_out
from engine.registration.relocalisation.search import Recovery

GENERATOR = torch.Generator().manual_seed(0)
PICTURES = torch.rand(6, 3, 12, 16, generator=GENERATOR)


def in_a_row(count: int) -> torch.Tensor:
    """Cameras that look ahead, one unit apart."""
    poses = se3.identity(count)
    poses[:, 0, 3] = -torch.arange(count, dtype=torch.float32)
    return poses


def sought(newcomers: Newcomers) -> Recovery:
    recovery = Recovery()
    newcomers.look_for(recovery, torch.rand(7, 3, 12, 16, generator=GENERATOR), in_a_row(7), iteration=0)
    return recovery


def test_a_newcomer_waits_is_looked_for_and_found() -> None:
    newcomers = Newcomers()
    newcomers.add([4, 5])
    recovery = sought(newcomers)
    assert [search.frame for search in recovery.searches] == [4, 5]
    assert newcomers.waiting == []
    newcomers.found(4)
    newcomers.look_again(searched=())
    assert newcomers.waiting == [5]
    assert newcomers.unjoined == {5}


def test_who_is_being_looked_for_is_not_asked_to_wait_again() -> None:
    newcomers = Newcomers([4, 5])
    sought(newcomers)
    newcomers.look_again(searched=[4])
    assert newcomers.waiting == [5]


def test_after_a_checkpoint_a_search_begins_anew() -> None:
    newcomers = Newcomers([4, 5, 6])
    sought(newcomers)
    again = Newcomers.restored(newcomers.state(), searched=[1, 5])
    assert again.unjoined == {4, 5, 6}
    assert again.waiting == [5]
    assert Newcomers.restored(None, searched=[1]).unjoined == set()


def test_the_most_similar_picture_comes_first_whatever_its_exposure() -> None:
    pictures = PICTURES.clone()
    pictures[5] = 0.2 + 0.5 * pictures[3]
    assert by_similarity(5, pictures, [0, 1, 2, 3, 4])[0] == 3


@given(st.integers(1, 40), st.integers(1, 12))
def test_places_that_are_spread_out_are_all_different(count: int, wanted: int) -> None:
    chosen = spread_out(in_a_row(count), range(count), wanted)
    assert len(chosen) == len(set(chosen)) == min(wanted, count)
    if count > 2 and wanted > 2:
        assert {0, count - 1} <= set(chosen)


def test_every_attempt_starts_elsewhere_and_only_where_poses_can_be_trusted() -> None:
    pictures, poses, others = torch.rand(41, 3, 12, 16, generator=GENERATOR), in_a_row(41), list(range(0, 40))
    found = places(40, pictures, poses, others)
    assert len(found) == 3
    assert all(len(attempt) == len(set(attempt)) == PLACES for attempt in found)
    assert set().union(*found) <= set(others)
    assert len(set(found)) == 3


def test_few_frames_are_enough() -> None:
    assert places(2, PICTURES[:3], in_a_row(3), [0]) == ((0,), (0,), (0,))
