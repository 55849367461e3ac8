"""Who may change tensors and arrays: read-only copies for other threads, tensors that are handed over."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def frozen(tensor: Tensor) -> np.ndarray:
    """A read-only numpy copy on the CPU: float32 for floating-point tensors, int64 for all others; same shape."""
    dtype = torch.float32 if tensor.is_floating_point() else torch.int64
    array = tensor.detach().to("cpu", dtype, copy=True).numpy()
    array.flags.writeable = False
    return array


class OwnTensors(dict[str, Tensor]):
    """Tensors that nothing else uses: what takes one out may keep and change it, where it otherwise needs a copy."""


def tensors_below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin with a prefix, by what follows it; those that are handed over still are."""
    found = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    return OwnTensors(found) if isinstance(tensors, OwnTensors) else found
