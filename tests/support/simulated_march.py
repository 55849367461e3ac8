"""What the kernels for CUDA compute, beside those of the CPU: on a GPU, or on the CPU in Numba's simulator.

The simulator needs a process of its own, because it is chosen when Numba is imported.

NUMBA_ENABLE_CUDASIM=1 python -m tests.support.simulated_march: the largest differences, as JSON, relative to the
largest value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from engine.fields.spaces import Lines
from engine.fields.voxel_grid import compiled, cuda_compiled, reference
from engine.fields.voxel_grid import state as grid_state
from engine.fields.voxel_grid.blocks import make_visible_cells
from engine.fields.voxel_grid.kernels.layout import TILE
from engine.fields.voxel_grid.options import DEFAULT
from engine.fields.voxel_grid.state import GridState
from tests.engine.fields.voxel_grid import test_backends as passes

Pass = Callable[[Any], tuple[GridState, list[Tensor]]]


def pass_through_blocks(backend: Any) -> tuple[GridState, list[Tensor]]:
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


def optimise(state: GridState, optimiser: Any) -> list[Tensor]:
    """A step with smoothness and one without, each with gradients on a third of the tiles; what they leave."""
    generator = torch.Generator().manual_seed(6)
    parts = [state] if state.tint is None else [state, state.tint]
    for part in parts:
        part.steps = DEFAULT.smoothness_period - 1
    for _ in range(2):
        for part in parts:
            part.touched.copy_(torch.rand(part.touched.shape, generator=generator) < 0.35)
            wide = part.touched.repeat_interleave(TILE, -1)
            flags = wide[..., : part.shape[2], None] if part.table is None else wide.view(-1, 8, 8, 8, 1)
            part.gradient.copy_(torch.randn(part.voxels.shape, generator=generator) * flags)
            # A GPU's steps are taken without a look at the values; on the CPU a step with such a one is thrown away.
            wrong = (torch.rand(part.voxels.shape, generator=generator) < 0.05) & (flags > 0)
            part.gradient[wrong] = 0.0 if optimiser is compiled else torch.nan
            if part.table is not None:
                part.touched[0] = 0
        optimiser.optimise(state, 0.02, 0.3, 4.0)
    assert not any(bool(part.touched.any()) for part in parts if optimiser is not reference)
    return [values for part in parts for values in (part.voxels, part.first, part.second)]


def optimise_dense(optimiser: Any) -> list[Tensor]:
    generator = torch.Generator().manual_seed(7)
    state = grid_state.make_state(torch.randn(3, 4, 6, 4, generator=generator))
    state.tint = grid_state.make_state(torch.randn(2, 3, 5, 9, generator=generator))
    return optimise(state, optimiser)


def optimise_blocks(optimiser: Any) -> list[Tensor]:
    """Two blocks beside each other and one alone, the fourth missing."""
    generator = torch.Generator().manual_seed(7)
    table = torch.tensor([[[1, 2], [0, 3]]]).int()
    state = grid_state.make_block_state(torch.randn(4, 8, 8, 8, 4, generator=generator), table, (8, 16, 16))
    return [part[1:] for part in optimise(state, optimiser)]


def draw_edges(backend: Any) -> list[Tensor]:
    """Straight rays through a closed and an open pooled volume that is half empty, opaque in places."""
    generator = torch.Generator().manual_seed(8)
    coarse = 20 * torch.rand(5, 6, 7, generator=generator) * (torch.rand(5, 6, 7, generator=generator) > 0.5)
    coarse[:, :, 4:] = 0.0
    start, end = (torch.rand(2, 9, 3, generator=generator) * 8 - 1).unbind()
    lines = Lines(start, end - start, torch.full((9,), 6.0))
    jitter = torch.rand(9, generator=generator)
    return [backend.edges(coarse, lines, closed, 6, 0.08, jitter) for closed in (True, False)]


def average_blocks(backend: Any) -> list[Tensor]:
    generator = torch.Generator().manual_seed(7)
    table = torch.tensor([[[1, 2], [0, 3]]]).int()
    state = grid_state.make_block_state(torch.randn(4, 8, 8, 8, 4, generator=generator), table, (7, 13, 16))
    return [backend.average(state, factor) for factor in (2, 4)]


OTHERS = {
    "Adam, dense, directional": optimise_dense,
    "Adam, blocks": optimise_blocks,
    "edges": draw_edges,
    "averages": average_blocks,
}
PASSES: dict[str, Pass] = {
    "dense, open": lambda backend: passes.one_pass(backend, closed=False, tinted=False),
    "dense, closed, directional": lambda backend: passes.one_pass(backend, closed=True, tinted=True),
    "dense, bent, directional": lambda backend: passes.bent_pass(backend, torch.float32, tinted=True),
    "blocks": pass_through_blocks,
}


class OnDevice:
    """The kernels for CUDA as a backend of tensors of the CPU, which are brought to the device and back."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._there: dict[int, tuple[GridState, GridState]] = {}

    def _bring(self, state: GridState) -> GridState:
        if id(state) not in self._there:
            kept = {name: value for name, value in vars(state).items() if name != "tint"}
            brought = GridState(**{name: _move(value, self._device) for name, value in kept.items()})
            brought.tint = None if state.tint is None else self._bring(state.tint)
            self._there[id(state)] = state, brought
        return self._there[id(state)][1]

    def fetch(self) -> None:
        """What the kernels have made of the states, to these."""
        for state, brought in self._there.values():
            for name in ("voxels", "gradient", "first", "second", "touched"):
                getattr(state, name).copy_(getattr(brought, name))

    def march(self, state: GridState, lines: Lines, *rest: Any) -> list[Tensor]:
        brought = [_move(value, self._device) for value in rest]
        results = cuda_compiled.march(self._bring(state), _move_lines(lines, self._device), *brought)
        if len(rest) > 5:
            rest[5].copy_(brought[5])  # what is seen is noted in it
        return [result.cpu() for result in results]

    def edges(self, coarse: Tensor, lines: Lines, *rest: Any) -> Tensor:
        moved = [_move(value, self._device) for value in rest]
        return cuda_compiled.edges(coarse.to(self._device), _move_lines(lines, self._device), *moved).cpu()

    def average(self, state: GridState, factor: int) -> Tensor:
        return cuda_compiled.average(self._bring(state), factor).cpu()

    def optimise(self, state: GridState, *rates: float) -> None:
        self._there.clear()  # gradients are new
        brought = self._bring(state)
        brought.steps = state.steps
        cuda_compiled.optimise(brought, *rates)
        self.fetch()
        for part, there in self._there.values():
            part.steps = there.steps


def _move(value: Any, device: torch.device) -> Any:
    return value.detach().to(device, copy=True) if isinstance(value, Tensor) else value


def _move_lines(lines: Lines, device: torch.device) -> Lines:
    return Lines(*(value if value is None else value.to(device) for value in lines))


def compare(made: Pass, device: torch.device) -> float:
    """The largest difference between the two in anything that a pass gives."""
    on_device = OnDevice(device)
    (one, first), (other, second) = made(compiled), made(on_device)
    on_device.fetch()
    pairs = []
    pairs += list(zip(first, second, strict=True))
    pairs.append((one.gradient, other.gradient))
    pairs.append((one.touched.float(), other.touched.float()))
    if one.tint is not None and other.tint is not None:
        pairs.append((one.tint.gradient, other.tint.gradient))
        pairs.append((one.tint.touched.float(), other.tint.touched.float()))
    return find_difference(pairs)


def compare_three(made: Callable[[Any], list[Tensor]], device: torch.device) -> float:
    """The largest difference from what the CPU's kernels make, and plain torch."""
    found = made(OnDevice(device))
    return max(find_difference(zip(made(other), found, strict=True)) for other in (compiled, reference))


def find_difference(pairs: Iterable[tuple[Tensor, Tensor]]) -> float:
    pairs = list(pairs)
    assert all(float(left.abs().max()) > 0 for left, _ in pairs)
    return max(float((left - right).abs().max() / left.abs().max()) for left, right in pairs)


def find_differences(device: torch.device) -> dict[str, float]:
    """The largest difference in each of the passes, relative to the largest value."""
    differences = {name: compare(made, device) for name, made in PASSES.items()}
    return differences | {name: compare_three(made, device) for name, made in OTHERS.items()}


if __name__ == "__main__":
    passes.RAYS, passes.SAMPLES = 6, 7
    cuda_compiled._try_kernels(torch.device("cpu"))  # what a GPU is tried with
    print(json.dumps(find_differences(torch.device("cpu"))))
