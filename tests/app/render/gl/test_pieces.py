"""Pieces of an upload take about as long as wanted, whatever their kind of work costs."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from unittest import mock

import pytest

from app.render.gl.pieces import PieceOptions, Pieces

OPTIONS = PieceOptions(seconds=0.003, first_bytes=1000, least_bytes=100, most_bytes=50_000)


class Machine:
    """A clock that goes on with the work: so many bytes per second, and pauses."""

    def __init__(self, rate: float) -> None:
        self.rate, self.now = rate, 0.0
        self.pauses: dict[int, float] = {}
        self.pieces: list[tuple[int, int]] = []

    def work(self, unit_bytes: int) -> Callable[[int, int], None]:
        def work(first: int, last: int) -> None:
            self.pieces.append((first, last))
            self.now += (last - first) * unit_bytes / self.rate + self.pauses.get(len(self.pieces), 0.0)

        return work

    def _tell(self) -> float:
        return self.now

    def cut(self, pieces: Pieces, units: int, unit_bytes: int, kind: str = "voxels") -> list[int]:
        """Bytes of each piece."""
        self.pieces = []
        with mock.patch("app.render.gl.pieces.time.perf_counter", self._tell):
            for _ in pieces.cut(kind, units, unit_bytes, self.work(unit_bytes)):
                pass
        assert [first for first, _ in self.pieces] == [0, *(last for _, last in self.pieces[:-1])]
        assert self.pieces[-1][1] == units
        return [(last - first) * unit_bytes for first, last in self.pieces]


@pytest.mark.parametrize("rate", [1e5, 1e6, 1e7])
def test_pieces_come_to_take_the_time_that_is_wanted(rate: float) -> None:
    sizes = Machine(rate).cut(Pieces(lambda: None, OPTIONS), 20_000, 10)
    assert sizes[-2] == pytest.approx(rate * 0.003, rel=0.05)
    assert max(sizes) <= max(rate * 0.003, OPTIONS.first_bytes)
    assert all(later <= 2 * earlier for earlier, later in pairwise(sizes))


def test_a_piece_that_was_interrupted_does_not_make_the_next_ones_small() -> None:
    machine, pieces = Machine(1e6), Pieces(lambda: None, OPTIONS)
    machine.pauses = {10: 0.5, 11: 0.5}
    sizes = machine.cut(pieces, 20_000, 10)
    assert min(sizes[4:-1]) >= 2990


def test_sizes_have_limits_and_a_unit_is_never_cut() -> None:
    assert max(Machine(1e12).cut(Pieces(lambda: None, OPTIONS), 500, 1000)) == 50_000
    assert min(Machine(1.0).cut(Pieces(lambda: None, OPTIONS), 500, 10)[:-1]) == 100
    assert set(Machine(1.0).cut(Pieces(lambda: None, OPTIONS), 5, 7000)) == {7000}


def test_kinds_of_work_have_sizes_of_their_own() -> None:
    pieces = Pieces(lambda: None, OPTIONS)
    Machine(1e7).cut(pieces, 20_000, 10)
    Machine(1e5).cut(pieces, 20_000, 10, "overview")
    assert pieces.bytes_of("voxels") == pytest.approx(30_000)
    assert pieces.bytes_of("overview") == pytest.approx(300)
