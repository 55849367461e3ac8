"""Which frames are held out where no file says so."""

from __future__ import annotations

import numpy as np
import pytest

from engine.scenes.world.split import list_remaining, spread_evenly, take_every_eighth, take_last_tenth


@pytest.mark.parametrize("frames", [5, 8, 11, 40, 64, 99, 300])
def test_held_out_photos_are_spread_and_none_lies_at_an_end(frames: int) -> None:
    held_out = spread_evenly(frames)
    assert len(held_out) == max(frames // 10, 1)
    assert 0 not in held_out
    assert frames - 1 not in held_out
    gaps = np.diff([-(held_out[0] + 1), *held_out, frames + (frames - held_out[-1])])
    assert max(gaps[1:-1], default=0) - min(gaps[1:-1], default=0) <= 1
    assert abs(held_out[0] - (frames - 1 - held_out[-1])) <= 1, "as far from the first as from the last"


def test_of_eleven_photos_the_middle_one_is_held_out() -> None:
    assert spread_evenly(11) == (5,)
    assert spread_evenly(40) == (5, 15, 25, 35)


def test_of_few_photos_none_is_held_out() -> None:
    for choose in (spread_evenly, take_last_tenth, take_every_eighth):
        assert choose(4) == ()
        assert len(list_remaining(4, choose(4))) == 4
