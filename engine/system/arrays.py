"""Read-only numpy copies of tensors, for data that other threads read."""

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
