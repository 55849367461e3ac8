"""Light work uses one core fewer; afterwards all cores are used again."""

from __future__ import annotations

from collections.abc import Iterator

import numba
import pytest
import torch

from engine.system import cores


@pytest.fixture
def all_cores() -> Iterator[int]:
    """The number of threads that torch and numba both may use here."""
    before, many = torch.get_num_threads(), numba.config.NUMBA_NUM_THREADS
    torch.set_num_threads(many)
    numba.set_num_threads(many)
    yield many
    torch.set_num_threads(before)


def test_light_work_leaves_one_core(all_cores: int) -> None:
    with cores.leave_one_core_free():
        assert torch.get_num_threads() == numba.get_num_threads() == max(all_cores - 1, 1)
    assert torch.get_num_threads() == numba.get_num_threads() == all_cores


def test_heavy_work_has_them_all(all_cores: int) -> None:
    with cores.leave_one_core_free(light=False):
        assert torch.get_num_threads() == numba.get_num_threads() == all_cores


def test_a_failure_gives_the_core_back(all_cores: int) -> None:
    with pytest.raises(ValueError, match="inside"), cores.leave_one_core_free():
        raise ValueError("inside")
    assert torch.get_num_threads() == numba.get_num_threads() == all_cores


def test_one_core_is_enough() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with cores.leave_one_core_free():
            assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
