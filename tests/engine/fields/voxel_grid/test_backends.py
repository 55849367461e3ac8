"""The compiled grid and the plain torch one are the same field: pictures, gradients and optimiser steps."""

from types import ModuleType

import pytest
import torch
from torch import Tensor

from engine.fields.spaces import Lines, UnboundedSpace
from engine.fields.voxel_grid import compiled as grid_compiled
from engine.fields.voxel_grid import reference as grid_dense
from engine.fields.voxel_grid import state as grid_state
from engine.fields.voxel_grid.state import GridState

SHAPE = (6, 12, 19)
RAYS, SAMPLES = 80, 10


def grid(tinted: bool) -> GridState:
    generator = torch.Generator().manual_seed(3)
    state = grid_state.make_state(torch.randn(*SHAPE, 4, generator=generator))
    if tinted:
        state.tint = grid_state.make_state(torch.randn(3, 6, 9, 9, generator=generator))
    return state


def lines(generator: torch.Generator) -> Lines:
    last = torch.tensor([SHAPE[2], SHAPE[1], SHAPE[0]]) - 1.0
    entry, leave = torch.rand(2, RAYS, 3, generator=generator) * last
    return Lines(entry.requires_grad_(True), (leave - entry).detach().requires_grad_(True), torch.full((RAYS,), 5.0))


def one_pass(backend: ModuleType, closed: bool, tinted: bool) -> tuple[GridState, list[Tensor]]:
    generator = torch.Generator().manual_seed(4)
    state, rays = grid(tinted), lines(generator)
    basis = torch.nn.functional.normalize(torch.randn(RAYS, 3, generator=generator), dim=-1)
    edges = torch.linspace(0, 1, SAMPLES + 1).expand(RAYS, -1).contiguous()
    colour, opacity, position = backend.march(state, rays, basis, edges, closed, torch.tensor([1.0, 0.5, 0.2]), True)
    (colour * torch.rand(RAYS, 3, generator=generator)).sum().backward()
    assert rays.start.grad is not None
    assert rays.step.grad is not None
    return state, [colour.detach(), opacity, position, rays.start.grad, rays.step.grad]


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("tinted", [True, False])
def test_both_backends_render_and_differentiate_alike(closed, tinted):
    compiled_state, compiled = one_pass(grid_compiled, closed, tinted)
    dense_state, dense = one_pass(grid_dense, closed, tinted)
    for one, other in zip(compiled, dense, strict=True):
        torch.testing.assert_close(one, other, rtol=2e-3, atol=3e-3)
    torch.testing.assert_close(compiled_state.gradient, dense_state.gradient, rtol=2e-3, atol=2e-3)
    if tinted:
        assert float(compiled_state.tint.gradient.abs().max()) > 0
        torch.testing.assert_close(compiled_state.tint.gradient, dense_state.tint.gradient, rtol=2e-3, atol=2e-3)


def bent_pass(backend: ModuleType, kind: torch.dtype, tinted: bool) -> tuple[GridState, list[Tensor]]:
    """Rays of contracted space, from inside and outside of the box, with intervals drawn from a pooled volume."""
    generator = torch.Generator().manual_seed(4)
    space = UnboundedSpace((0.2, -0.3, 0.5), 1.3, nearest=0.3)
    size = 24
    state = grid_state.make_state(torch.randn(size, size, size, 4, generator=generator).to(kind))
    if tinted:
        state.tint = grid_state.make_state(torch.randn(12, 12, 12, 9, generator=generator).to(kind))
    coarse = torch.rand(12, 12, 12, generator=generator).to(kind)
    origins, directions = (torch.randn(RAYS, 3, generator=generator).to(kind).requires_grad_(True) for _ in range(2))
    jitter = torch.rand(RAYS, generator=generator).to(kind)
    with torch.no_grad():
        coarse_lines = space.lines(origins, directions, (12, 12, 12))
        edges = backend.edges(coarse, coarse_lines, space.closed, SAMPLES, 0.08, jitter)
    basis = torch.nn.functional.normalize(directions.detach(), dim=-1)
    lines = space.lines(origins, directions, state.shape)
    background = torch.tensor([1.0, 0.5, 0.2]).to(kind)
    colour, opacity, position = backend.march(state, lines, basis, edges, space.closed, background, True)
    (colour * torch.rand(RAYS, 3, generator=generator).to(kind)).sum().backward()
    assert origins.grad is not None
    assert directions.grad is not None
    return state, [edges, colour.detach(), opacity, position, origins.grad, directions.grad]


@pytest.mark.parametrize("tinted", [True, False])
def test_rays_without_end_are_rendered_and_differentiated_alike_in_double_precision_too(tinted):
    compiled_state, compiled = bent_pass(grid_compiled, torch.float32, tinted)
    dense_state, dense = bent_pass(grid_dense, torch.float64, tinted)
    for one, other in zip(compiled, dense, strict=True):  # the kernels leave a faint sample's directional colour out
        atol = (1.5e-2 if tinted else 3e-3) * max(float(other.abs().max()), 1.0)
        torch.testing.assert_close(one.double(), other, rtol=3e-3, atol=atol)
    torch.testing.assert_close(compiled_state.gradient.double(), dense_state.gradient, rtol=2e-3, atol=2e-3)
    if tinted:
        torch.testing.assert_close(
            compiled_state.tint.gradient.double(), dense_state.tint.gradient, rtol=2e-3, atol=2e-3
        )
    assert (compiled[2] > 0.999).all()  # infinity is opaque


def test_a_tint_makes_colour_depend_on_the_direction():
    state = grid(tinted=True)
    generator = torch.Generator().manual_seed(4)
    rays = lines(generator)
    edges = torch.linspace(0, 1, SAMPLES + 1).expand(RAYS, -1).contiguous()
    ahead = torch.tensor([[0.0, 0.0, 1.0]]).repeat(RAYS, 1)
    aside = torch.tensor([[1.0, 0.0, 0.0]]).repeat(RAYS, 1)
    black = torch.zeros(3)
    one = grid_compiled.march(state, rays, ahead, edges, False, black, False)
    other = grid_compiled.march(state, rays, aside, edges, False, black, False)
    assert float((one[0] - other[0]).detach().abs().max()) > 0.05
    torch.testing.assert_close(one[1], other[1])  # what is there does not depend on who looks


@pytest.mark.parametrize("backend", [grid_compiled, grid_dense])
def test_a_step_lowers_the_loss_and_clears_the_gradients(backend):
    state = grid(tinted=True)
    target = torch.full((RAYS, 3), 0.3)
    generator = torch.Generator().manual_seed(5)
    edges = torch.linspace(0, 1, SAMPLES + 1).expand(RAYS, -1).contiguous()
    rays = Lines(*(value.detach() for value in lines(generator)[:3]))
    basis = torch.nn.functional.normalize(torch.randn(RAYS, 3, generator=generator), dim=-1)
    losses = []
    for _ in range(30):
        colour = backend.march(state, rays, basis, edges, False, torch.ones(3), True)[0]
        loss = (colour - target).square().mean()
        loss.backward()
        losses.append(float(loss.detach()))
        backend.optimise(state, 0.05, 1e-9, 1.0)
        assert float(state.gradient.abs().max()) == 0
    assert losses[-1] < 0.3 * losses[0]


def test_a_gradient_that_is_not_finite_counts_as_zero_in_plain_torch_for_no_gpu_is_asked():
    state, other = grid(tinted=False), grid(tinted=False)
    for each in (state, other):
        each.gradient.copy_(torch.linspace(-1, 1, each.gradient.numel()).view_as(each.gradient))
    state.gradient[2, 3, 4, 1], state.gradient[3, 5, 7, 0] = torch.nan, torch.inf
    other.gradient[2, 3, 4, 1] = other.gradient[3, 5, 7, 0] = 0.0
    for each in (state, other):
        grid_dense.optimise(each, 0.05, 0.0, 1.0)
    assert torch.equal(state.voxels, other.voxels)
