"""How many cores of the processor a training step uses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numba
import torch


@contextmanager
def leave_one_core_free(light: bool = True) -> Iterator[None]:
    """Limits torch and numba to one thread fewer than usual inside the block, on machines with several cores.

    For light work the last thread saves no time: starting threads and waiting for the slowest costs as much as it
    gains. On two cores the coarse stages of `scenes/fern` take 42 ms per step with one thread or two, but 43 ms or
    56 ms of processor time. The free core serves other threads, such as the window's, which would otherwise delay
    the step.

    Args:
        light: False leaves the thread counts as they are.
    """
    cores = torch.get_num_threads()
    if not light or cores == 1:
        yield
        return
    compiled = numba.get_num_threads()
    torch.set_num_threads(cores - 1)
    numba.set_num_threads(min(compiled, cores - 1))
    try:
        yield
    finally:
        torch.set_num_threads(cores)
        numba.set_num_threads(compiled)
