"""What computes the voxel grid on a device."""

from __future__ import annotations

from types import ModuleType

import torch

from engine.fields.voxel_grid import compiled, cuda_compiled, reference


def choose_backend(device: torch.device) -> ModuleType:
    """The module whose `march`, `edges`, `optimise`, `interpolate` and `average` are the fastest that work there."""
    if device.type == "cpu":
        return compiled
    if device.type == "cuda" and torch.cuda.is_available():
        return cuda_compiled.choose_backend()
    return reference
