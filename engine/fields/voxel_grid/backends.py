"""What computes the voxel grid on a device."""

from __future__ import annotations

from collections.abc import Callable

import torch

from engine.fields.kernel_choice import choose_kernels
from engine.fields.voxel_grid import compiled, reference
from engine.fields.voxel_grid.backend import Backend

ABSENCE = ""  # why there are no kernels for CUDA to be tried
try:
    from engine.fields.voxel_grid import cuda_compiled
except ImportError as error:  # a Numba without its part for CUDA, which is to become a package of its own
    cuda_compiled = None  # type: ignore[assignment]
    ABSENCE = str(error)


def choose_backend(device: torch.device) -> Backend:
    """The module whose functions are the fastest that work there."""
    on_cuda: Callable[[], Backend] | None = None if cuda_compiled is None else cuda_compiled.choose_backend
    on_cpu: Backend = compiled
    return choose_kernels(device, on_cpu, on_cuda, reference, ABSENCE)
