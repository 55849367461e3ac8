"""What the kernels for CUDA compute in Numba's simulator, beside those of the CPU: a process of its own, because the
simulator is chosen when Numba is imported.

NUMBA_ENABLE_CUDASIM=1 python -m tests.support.simulated_march: the largest differences, as JSON, relative to the
largest value.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType

import torch
from torch import Tensor

from engine.fields.spaces import Lines
from engine.fields.voxel_grid import compiled, cuda_compiled
from engine.fields.voxel_grid import state as grid_state
from engine.fields.voxel_grid.blocks import make_visible_cells
from engine.fields.voxel_grid.state import GridState
from tests.engine.fields.voxel_grid import test_backends as passes

passes.RAYS, passes.SAMPLES = 6, 7
Pass = Callable[[ModuleType], tuple[GridState, list[Tensor]]]


def pass_through_blocks(backend: ModuleType) -> tuple[GridState, list[Tensor]]:
    """Straight rays through a lattice of 3 x 3 x 3 blocks, of which a third is missing; what they see is marked."""
    generator = torch.Generator().manual_seed(5)
    kept = torch.rand(3, 3, 3, generator=generator) > 0.35
    table = torch.where(kept, kept.flatten().cumsum(0).view(3, 3, 3), 0).int()
    voxels = torch.randn(int(kept.sum()) + 1, 8, 8, 8, 4, generator=generator)
    state = grid_state.make_block_state(voxels, table, (24, 24, 24))
    start, end = (torch.rand(2, passes.RAYS, 3, generator=generator) * 23).unbind()
    lines = Lines(
        start.requires_grad_(True), (end - start).detach().requires_grad_(True), torch.full((len(start),), 9.0)
    )
    edges = torch.linspace(0, 1, passes.SAMPLES + 1).expand(len(start), -1).contiguous()
    seen = make_visible_cells(state.shape, torch.device("cpu"))
    basis = torch.nn.functional.normalize(torch.randn(len(start), 3, generator=generator), dim=-1)
    colour, opacity, position = backend.march(state, lines, basis, edges, True, torch.ones(3), True, seen)
    (colour * torch.rand(len(start), 3, generator=generator)).sum().backward()
    assert lines.start.grad is not None
    assert lines.step.grad is not None
    return state, [colour.detach(), opacity, position, lines.start.grad, lines.step.grad, seen.float()]


PASSES: dict[str, Pass] = {
    "dense, open": lambda backend: passes.one_pass(backend, closed=False, tinted=False),
    "dense, closed, directional": lambda backend: passes.one_pass(backend, closed=True, tinted=True),
    "dense, bent, directional": lambda backend: passes.bent_pass(backend, torch.float32, tinted=True),
    "blocks": pass_through_blocks,
}


def compare(made: Pass) -> float:
    """The largest difference between the two in anything that a pass gives."""
    pairs = []
    (one, first), (other, second) = (made(backend) for backend in (compiled, _with_cpu_edges()))
    pairs += list(zip(first, second, strict=True))
    pairs.append((one.gradient, other.gradient))
    if one.tint is not None and other.tint is not None:
        pairs.append((one.tint.gradient, other.tint.gradient))
    assert all(float(left.abs().max()) > 0 for left, _ in pairs)
    return max(float((left - right).abs().max() / left.abs().max()) for left, right in pairs)


def _with_cpu_edges() -> ModuleType:
    """The kernels for CUDA with the intervals of the CPU's, which are not what is compared."""
    made = ModuleType("simulated")
    made.march, made.edges = cuda_compiled.march, compiled.edges  # type: ignore[attr-defined]
    return made


if __name__ == "__main__":
    cuda_compiled._try_march(torch.device("cpu"))  # what a GPU is tried with
    print(json.dumps({name: compare(made) for name, made in PASSES.items()}))
