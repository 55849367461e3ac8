"""What computes the voxel grid on a device."""

from __future__ import annotations

import torch

from engine.fields.kernel_absence import say_kernels_are_absent
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
    if device.type == "cpu":
        return compiled
    if device.type == "cuda" and torch.cuda.is_available():
        if cuda_compiled is not None:
            return cuda_compiled.choose_backend()
        say_kernels_are_absent(f"{ABSENCE}; pip install 'l2g-viewer[gpu]'")
    return reference
