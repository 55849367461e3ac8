"""What computes the hash encoding on a device."""

from __future__ import annotations

from types import ModuleType

import torch

from engine.fields.hash import compiled, reference
from engine.fields.kernel_choice import choose_kernels

ABSENCE = ""  # why there are no kernels for CUDA to be tried
try:
    from engine.fields.hash import cuda_compiled
except ImportError as error:  # a Numba without its part for CUDA, which is to become a package of its own
    cuda_compiled = None  # type: ignore[assignment]
    ABSENCE = str(error)


def choose_backend(device: torch.device) -> ModuleType:
    """The module whose `encode` and `optimise` are the fastest that work there."""
    on_cuda = None if cuda_compiled is None else cuda_compiled.choose_backend
    return choose_kernels(device, compiled, on_cuda, reference, ABSENCE)
