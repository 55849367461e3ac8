"""What kernels for CUDA compile to, without a GPU: needs libnvvm alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from numba import cuda, typeof
from numba.cuda.cudadrv import nvvm
from torch import Tensor

from engine.fields import cuda_launch

NO_COMPILER = pytest.mark.skipif(not nvvm.is_available(), reason="no libnvvm")


def compile_launches(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """From now on a launch compiles its kernel for its arguments, and does nothing else; the code of each, by name."""
    launched: dict[str, str] = {}
    cuda_launch.prepare_compiler()

    def compile_it(kernel: Any, grid: tuple[int, int], threads: int, *arguments: Any) -> None:
        kinds = [typeof(one.detach().numpy() if isinstance(one, Tensor) else one) for one in arguments]
        code, _ = cuda.compile_ptx(kernel.py_func, tuple(kinds), cc=(8, 0))
        launched[kernel.py_func.__name__] = code

    monkeypatch.setattr("numba.cuda.dispatcher.get_current_device", lambda: SimpleNamespace(compute_capability=(8, 0)))
    monkeypatch.setattr(cuda_launch, "launch", compile_it)
    return launched


def find_slow(launched: dict[str, str]) -> list[str]:
    """Kernels that use double precision, up to 64 times as slow on most cards and let in by any literal, or keep
    variables in memory."""
    return [name for name, code in launched.items() if ".f64" in code or ".local" in code]
