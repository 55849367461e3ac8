"""What computes the hash encoding on a device."""

from __future__ import annotations

from types import ModuleType

import torch

from engine.fields.hash import compiled, reference

try:
    from engine.fields.hash import cuda_compiled
except ImportError:  # a Numba without its part for CUDA, which is to become a package of its own
    cuda_compiled = None  # type: ignore[assignment]


def choose_backend(device: torch.device) -> ModuleType:
    """The module whose `encode` and `optimise` are the fastest that work there."""
    if device.type == "cpu":
        return compiled
    if device.type == "cuda" and torch.cuda.is_available() and cuda_compiled is not None:
        return cuda_compiled.choose_backend()
    return reference
