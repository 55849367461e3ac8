"""A lattice in blocks is the dense one where blocks are stored, and empty elsewhere."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
from torch import Tensor

from engine.fields.spaces import Lines
from engine.fields.voxel_grid import blocks as grid_blocks
from engine.fields.voxel_grid import compiled as grid_compiled
from engine.fields.voxel_grid import reference as grid_reference
from engine.fields.voxel_grid import state as grid_state
from engine.fields.voxel_grid.state import GridState

SHAPE = (21, 24, 30)
BACKENDS = [grid_compiled, grid_reference]


def dense(seed: int = 1) -> GridState:
    generator = torch.Generator().manual_seed(seed)
    return grid_state.make_state(torch.randn(*SHAPE, 4, generator=generator))


def in_blocks(missing: tuple[tuple[int, int, int], ...] = (), seed: int = 1) -> GridState:
    """The same values in blocks, but those that are missing."""
    kept = torch.ones(*(-(-size // 8) for size in SHAPE), dtype=torch.bool)
    for place in missing:
        kept[place] = False
    return grid_blocks.make_blocks(dense(seed), SHAPE, kept, grid_compiled.interpolate)


def rays(count: int = 60, seed: int = 2) -> Lines:
    """Straight rays across the lattice, some of them beside it."""
    generator = torch.Generator().manual_seed(seed)
    size = torch.tensor(SHAPE[::-1]).float() - 1
    start, end = torch.rand(2, count, 3, generator=generator) * size
    step = end - start
    return Lines(start, step, step.norm(dim=-1))


def render(backend: ModuleType, state: GridState, lines: Lines) -> list[Tensor]:
    """Colours, and the gradients of a loss by rays and by voxels."""
    edges = torch.linspace(0, 1, 25).expand(len(lines.start), -1).contiguous()
    start, step = lines.start.clone().requires_grad_(True), lines.step.clone().requires_grad_(True)
    basis = torch.nn.functional.normalize(lines.step, dim=-1)
    moved = lines._replace(start=start, step=step)
    colour, opacity, position = backend.march(state, moved, basis, edges, True, torch.ones(3), True)
    colour.square().sum().backward()
    assert start.grad is not None
    assert step.grad is not None
    return [colour.detach(), opacity, position, start.grad, step.grad]


@pytest.mark.parametrize("backend", BACKENDS, ids=["compiled", "reference"])
def test_all_blocks_together_are_the_dense_lattice(backend: ModuleType) -> None:
    whole, parts, lines = dense(), in_blocks(), rays()
    for expected, found in zip(render(backend, whole, lines), render(backend, parts, lines), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)
    gradient = torch.stack([grid_state.read_plane(with_gradient(parts), index) for index in range(SHAPE[0])])
    torch.testing.assert_close(gradient, whole.gradient, rtol=1e-3, atol=1e-5)


def with_gradient(state: GridState) -> GridState:
    """A state whose values are the gradients of another one."""
    assert state.table is not None
    return grid_state.make_block_state(state.gradient, state.table, state.shape)


def test_kernels_and_reference_agree_where_blocks_are_missing() -> None:
    missing = ((0, 1, 1), (1, 2, 2), (2, 0, 3), (1, 1, 0))
    one, other, lines = in_blocks(missing), in_blocks(missing), rays()
    reference, compiled = render(grid_reference, one, lines), render(grid_compiled, other, lines)
    for expected, found in zip(reference, compiled, strict=True):
        # Kernels leave out what lies behind a transmittance of 1e-4; beside an empty block it is a steep slope.
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=2e-3)
    torch.testing.assert_close(other.gradient[1:], one.gradient[1:], rtol=1e-3, atol=2e-4)
    assert not other.gradient[0].any(), "block 0 stands for all that are missing"
    for state, backend in ((one, grid_reference), (other, grid_compiled)):
        for _ in range(4):
            state.gradient[1:] = 0.01 * in_blocks(missing).voxels[1:]
            state.touched[1:] = 1
            backend.optimise(state, 0.1, 1e-3, 2.0)
    torch.testing.assert_close(other.voxels, one.voxels, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(grid_compiled.average(other, 4), grid_reference.average(other, 4))


def test_a_missing_block_is_empty() -> None:
    state = in_blocks(((1, 1, 1),))
    line = Lines(torch.tensor([[9.0, 12.0, 12.0]]), torch.tensor([[6.0, 0.0, 0.0]]), torch.tensor([6.0]))
    colour, opacity, _, *_ = render(grid_compiled, state, line)
    assert opacity.item() == 0.0
    torch.testing.assert_close(colour, torch.ones(1, 3))


def test_every_voxel_that_a_stored_block_is_interpolated_from_is_in_its_piece() -> None:
    state = in_blocks(((0, 0, 1),))
    pieces = torch.cat(list(grid_blocks.cut_pieces(state, at_once=7)))
    assert state.table is not None
    number = int(state.table[1, 1, 1])
    plane = grid_state.read_plane(state, 16)
    torch.testing.assert_close(pieces[number][8], plane[8:17, 8:17])
    beside = int(state.table[0, 0, 0])  # whose neighbour is missing
    assert (pieces[beside][:8, :8, 8, 0] == grid_blocks.EMPTY).all()
    assert (pieces[0][..., 0] == grid_blocks.EMPTY).all()


def test_blocks_are_kept_where_something_was_seen_and_around_it() -> None:
    cells = grid_blocks.make_visible_cells((32, 32, 32), torch.device("cpu"))
    cells[:, 8, 8, 8] = 1  # voxels 16 and 17 of 32, with what is around them 14 to 19: 28 to 40 of 64
    shape, kept = grid_blocks.choose_blocks(cells, (32, 32, 32), (64, 64, 64), cube=True)
    assert shape == (64, 64, 64)
    assert kept[3:6, 3:6, 3:6].all()
    assert kept.sum() == 27


def test_in_a_fog_what_was_seen_clearly_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid_blocks, "OPTIONS", grid_blocks.BlockOptions(most_voxels=100_000))
    cells = grid_blocks.make_visible_cells((32, 32, 32), torch.device("cpu"))
    cells[0] = 1
    cells[1, 8, 8, 8] = 1
    shape, kept = grid_blocks.choose_blocks(cells, (32, 32, 32), (64, 64, 64), cube=True)
    assert shape == (64, 64, 64)
    assert kept.sum() == 27


def test_rays_note_where_they_see_something() -> None:
    """A thin haze fills the lattice, and a wall stands behind it."""
    voxels = torch.zeros(16, 16, 16, 4)
    voxels[..., 0] = -9.0
    voxels[:, :, 12:, 0] = 4.0
    line = Lines(torch.tensor([[0.0, 8.0, 8.0]]), torch.tensor([[15.0, 0.0, 0.0]]), torch.tensor([15.0]))
    edges = torch.linspace(0, 1, 31)[None]
    for backend in BACKENDS:
        cells = grid_blocks.make_visible_cells((16, 16, 16), torch.device("cpu"))
        basis = torch.tensor([[1.0, 0.0, 0.0]])
        backend.march(grid_state.make_state(voxels), line, basis, edges, True, torch.ones(3), True, cells)
        for half in cells:
            assert half.nonzero()[:, :2].unique(dim=0).tolist() == [[4, 4]]
            assert 5 <= half.nonzero()[:, 2].min() <= 6


def test_a_lattice_that_would_not_fit_into_memory_becomes_coarser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid_blocks, "OPTIONS", grid_blocks.BlockOptions(most_voxels=100_000))
    cells = grid_blocks.make_visible_cells((32, 32, 32), torch.device("cpu"))
    shape, kept = grid_blocks.choose_blocks(cells, (32, 32, 32), (128, 128, 128), cube=True)
    assert kept.all(), "nothing is known, so everything is kept"
    assert kept.numel() * 512 <= 100_000
    assert 32 <= shape[0] < 64


def test_a_checkpoint_keeps_the_blocks() -> None:
    state = in_blocks(((1, 1, 1),))
    again = grid_state.restore_state(grid_state.tensors_to_save(state), torch.device("cpu"))
    assert again.shape == state.shape
    for expected, found in zip(
        render(grid_compiled, state, rays()), render(grid_compiled, again, rays()), strict=True
    ):
        torch.testing.assert_close(found, expected)
