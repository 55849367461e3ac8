"""What the kernels of the hash encoding for CUDA compute, beside those of the CPU: on a GPU, or in Numba's simulator.

The simulator needs a process of its own, because it is chosen when Numba is imported.

NUMBA_ENABLE_CUDASIM=1 python -m tests.support.simulated_encoding: the largest differences from the CPU's kernels and
from plain torch, as JSON, relative to the largest value.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType

import torch
from torch import Tensor

from engine.fields.hash import compiled, cuda_compiled, reference
from engine.fields.hash.options import DEFAULT
from engine.fields.hash.tables import Tables, make_levels, make_tables

POINTS = 25
WEIGHTS = torch.tensor([1.0, 1.0, 0.3])
Pass = Callable[[ModuleType, torch.device], list[Tensor]]


def make(device: torch.device) -> Tables:
    """Four levels, of which one stays closed and two share entries; the lattices reach beyond the volume."""
    levels = make_levels((24, 18, 12), 1.5, count=4, table=128)
    return make_tables(levels, DEFAULT.features, 1.0, torch.Generator().manual_seed(0), device)


def encode(backend: ModuleType, device: torch.device) -> list[Tensor]:
    """Points inside and outside of the volume; a third of them count for nothing."""
    generator = torch.Generator().manual_seed(1)
    tables = make(device)
    points = (torch.rand(POINTS, 3, generator=generator) * 1.6 - 0.2).to(device).requires_grad_()
    features = backend.encode(points, tables, WEIGHTS.to(device), True)
    slopes = torch.randn(features.shape, generator=generator) * (torch.rand(POINTS, 1, generator=generator) > 0.3)
    features.backward(slopes.to(device))
    assert points.grad is not None
    return [features.detach(), points.grad, tables.gradient]


def encode_in_part(backend: ModuleType, device: torch.device) -> list[Tensor]:
    """Points alone learn, as under `frozen`; entries alone, as of rays that are fixed; then nothing does."""
    generator = torch.Generator().manual_seed(2)
    tables = make(device)
    points = torch.rand(POINTS, 3, generator=generator).to(device).requires_grad_()
    backend.encode(points, tables, WEIGHTS.to(device), False).square().sum().backward()
    assert not bool(tables.gradient.any())
    assert points.grad is not None
    fixed = points.detach()
    backend.encode(fixed, tables, WEIGHTS.to(device), True).square().sum().backward()
    with torch.no_grad():
        return [points.grad, tables.gradient, backend.encode(fixed, tables, WEIGHTS.to(device), False)]


def optimise(backend: ModuleType, device: torch.device) -> list[Tensor]:
    """Two steps, each with gradients of a third of the entries, a few of which are not finite."""
    generator = torch.Generator().manual_seed(3)
    tables = make(device)
    end = tables.levels.offsets[3]
    for _ in range(2):
        gradient = torch.randn(tables.values.shape, generator=generator)
        gradient *= torch.rand(len(gradient), 1, generator=generator) < 0.35
        # A GPU's steps are taken without a look at the values; on the CPU a step with such a one is thrown away.
        wrong = torch.rand(gradient.shape, generator=generator) < 0.05
        gradient[wrong] = 0.0 if backend is compiled else torch.nan
        gradient[end:] = 0.0
        tables.gradient.copy_(gradient)
        backend.optimise(tables, 0.02, 3, DEFAULT)
        assert not bool(tables.gradient.any())
    return [tables.values, tables.first, tables.second]


PASSES: dict[str, Pass] = {
    "encoding and its gradients": encode,
    "encoding in part": encode_in_part,
    "Adam": optimise,
}


def find_differences(device: torch.device) -> dict[str, float]:
    """The largest difference in each of the passes, relative to the largest value."""
    differences = {}
    for name, made in PASSES.items():
        found = [value.cpu() for value in made(cuda_compiled, device)]
        differences[name] = max(
            float((one - other).abs().max() / one.abs().max())
            for backend in (compiled, reference)
            for one, other in zip(made(backend, torch.device("cpu")), found, strict=True)
        )
    return differences


if __name__ == "__main__":
    cuda_compiled._try_kernels(torch.device("cpu"))  # what a GPU is tried with
    print(json.dumps(find_differences(torch.device("cpu"))))
