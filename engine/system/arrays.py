"""From a tensor that goes on changing to an array that never does."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def frozen(tensor: Tensor) -> np.ndarray:
    """A copy in numpy, single precision or int64, that nobody can write to."""
    dtype = torch.float32 if tensor.is_floating_point() else torch.int64
    array = tensor.detach().to("cpu", dtype, copy=True).numpy()
    array.flags.writeable = False
    return array
