"""Hypothesis strategies and random tensors: hypothesis draws shapes and seeds, torch the numbers, which is fast."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from torch import Tensor

from engine.geometry import se3

batches = st.sampled_from([(), (1,), (5,), (2, 3), (0,)])
dtypes = st.sampled_from([torch.float32, torch.float64])
seeds = st.integers(0, 2**31)
angles = st.sampled_from([0.0, 1e-12, 1e-6, 1e-3, 0.1, 0.199, 0.201, 0.999, 1.001, 2.0, 3.0, 3.14, 3.1415926])


def tolerance(dtype: torch.dtype) -> float:
    return 2e-5 if dtype == torch.float32 else 1e-11


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def rotation_vectors(*batch: int, angle: float, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return angle * torch.nn.functional.normalize(normal(*batch, 3, seed=seed, dtype=dtype), dim=-1)


def twists(*batch: int, angle: float, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    rotation = rotation_vectors(*batch, angle=angle, seed=seed, dtype=dtype)
    return torch.cat([rotation, normal(*batch, 3, seed=seed + 1, dtype=dtype)], dim=-1)


def poses(*batch: int, angle: float = 1.0, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return se3.exponential(twists(*batch, angle=angle, seed=seed).to(dtype))
