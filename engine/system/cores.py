"""How many of the processor's cores a step takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numba
import torch


@contextmanager
def leave_one_core_free(light: bool = True) -> Iterator[None]:
    """Leaves a core alone while something light is done, where there are several.

    What is light is hardly done sooner by all cores: starting the threads and waiting for the last of them takes as
    long as it saves. On two cores the coarse stages of fern need 43 ms of processor time per step with one thread and
    56 ms with two, for the same 42 ms on the clock; and whoever else wants a core, as a window does, holds up no step
    that has none to wait for.
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
