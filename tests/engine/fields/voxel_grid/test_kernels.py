"""The compiled kernels against the same mathematics in plain torch, in float64, differentiated by autograd."""

from typing import NamedTuple

import numba
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from engine.fields.voxel_grid.kernels.activations import softplus, softplus_slope
from engine.fields.voxel_grid.kernels.backward import march_backward
from engine.fields.voxel_grid.kernels.forward import march_forward
from engine.fields.voxel_grid.kernels.layout import DENSE, TILE
from engine.fields.voxel_grid.kernels.proposals import mark_occupied, proposal_edges
from engine.fields.voxel_grid.kernels.scattering import scatter

SHAPE = (5, 14, 2 * TILE + 5)  # a width that is no multiple of the tiles
TILES = -(-SHAPE[2] // TILE)
BORDER = 1e-3  # voxels by which a sample may leave a closed volume
BACKGROUND = torch.tensor([0.9, 0.2, 0.4])
both = pytest.mark.parametrize("closed", [True, False])


class Lines(NamedTuple):
    start: Tensor
    step: Tensor
    length: Tensor
    edges: Tensor


class Rendered(NamedTuple):
    colour: Tensor
    opacity: Tensor
    position: Tensor


class Gradients(NamedTuple):
    voxels: Tensor
    start: Tensor
    step: Tensor


def last_voxel() -> Tensor:
    return torch.tensor([SHAPE[2], SHAPE[1], SHAPE[0]]) - 1.0


def volume(seed: int) -> Tensor:
    return torch.randn(*SHAPE, 4, generator=torch.Generator().manual_seed(seed)) * 1.5


def lines(seed: int, rays: int = 60, samples: int = 16, beyond: float = 0.15) -> Lines:
    """Across the volume from its last plane to its first, leaving it by up to a part `beyond` of its size."""
    generator = torch.Generator().manual_seed(seed)
    entry, leave = (torch.rand(2, rays, 3, generator=generator) * (1 + 2 * beyond) - beyond) * last_voxel()
    length = torch.rand(rays, generator=generator) * 3 + 1
    inner = torch.rand(rays, samples - 1, generator=generator).sort(dim=-1).values
    edges = torch.cat([torch.zeros(rays, 1), inner, torch.ones(rays, 1)], dim=-1)
    return Lines(entry, leave - entry, length, edges)


def compiled(
    voxels: Tensor, rays: Lines, closed: bool, colour_gradient: Tensor | None = None, slabs: int = 2
) -> tuple[Rendered, Gradients, Tensor]:
    """One pass forwards and backwards through the kernels; also the flags of the touched tiles."""
    count, samples = rays.edges.shape[0], rays.edges.shape[1] - 1
    start, step, length, edges = (tensor.contiguous().numpy() for tensor in rays)
    rendered = Rendered(torch.empty(count, 3), torch.empty(count), torch.empty(count))
    activated = np.empty((count, samples, 4), np.float32)
    outputs = (tensor.numpy() for tensor in rendered)
    seen = (voxels.numpy(), start, step, length, closed, edges, BACKGROUND.numpy())
    no_tint, basis = np.zeros((0, 0, 0, 9), np.float32), np.zeros((count, 3), np.float32)
    lattice = seen[0], DENSE, seen[0].shape[:3]
    no_cells = np.zeros((2, 0, 0, 0), np.uint8)
    march_forward(*lattice, no_tint, basis, *seen[1:], no_cells, *outputs, activated)
    gradients = Gradients(torch.zeros_like(voxels), torch.empty(count, 3), torch.empty(count, 3))
    at_samples = np.empty_like(activated)
    above = torch.ones(count, 3) if colour_gradient is None else colour_gradient
    march_backward(*lattice, *seen[1:], activated, above.numpy(), at_samples, *(g.numpy() for g in gradients[1:]))
    touched = torch.zeros(*SHAPE[:2], TILES, dtype=torch.uint8)
    rows = np.linspace(0, voxels.shape[1], slabs + 1).astype(np.int64)
    table_and_size = lattice[1:]
    samples = start, step, edges, activated, at_samples
    scatter(gradients.voxels.numpy(), touched.numpy(), *table_and_size, *samples, rows)
    return rendered, gradients, touched


def reference(voxels: Tensor, rays: Lines, closed: bool) -> Rendered:
    start, step, length, edges = rays
    s = (edges[:, 1:] + edges[:, :-1]) / 2
    positions = start[:, None] + s[..., None] * step[:, None]
    where = (positions / last_voxel() * 2 - 1)[None, :, :, None]
    interleaved = voxels.permute(3, 0, 1, 2)[None]
    raw = functional.grid_sample(interleaved, where, padding_mode="border", align_corners=True)[0, ..., 0]
    density = functional.softplus(raw[0])
    if closed:
        density = density * ((positions >= -BORDER) & (positions <= last_voxel() + BORDER)).all(-1)
    passed = torch.exp(-functional.pad(density * edges.diff(dim=-1) * length[:, None], (1, 0)).cumsum(-1))
    weights = passed[:, :-1] - passed[:, 1:]
    colour = (weights * raw[1:].sigmoid()).sum(-1).T + passed[:, -1:] * BACKGROUND
    return Rendered(colour, 1 - passed[:, -1], (weights * s).sum(-1) + passed[:, -1])


def assert_near(ours: Tensor, theirs: Tensor) -> None:
    torch.testing.assert_close(ours.double(), theirs, atol=3e-4 * max(theirs.abs().max().item(), 1.0), rtol=1e-3)


@both
@pytest.mark.parametrize(("seed", "beyond"), [(0, 0.15), (1, 0.15), (2, -0.05), (3, 1.5)])
def test_the_quadrature_and_its_gradients(closed, seed, beyond):
    voxels, rays = volume(seed), lines(seed, beyond=beyond)
    colour_gradient = torch.randn(60, 3, generator=torch.Generator().manual_seed(seed))
    rendered, gradients, touched = compiled(voxels, rays, closed, colour_gradient)

    exact = Lines(*(tensor.double() for tensor in rays))
    inputs = [tensor.double().requires_grad_() for tensor in (voxels, rays.start, rays.step)]
    expected = reference(inputs[0], exact._replace(start=inputs[1], step=inputs[2]), closed)
    for ours, theirs in zip(rendered, expected, strict=True):
        assert_near(ours, theirs.detach())
    slopes = torch.autograd.grad((expected.colour * colour_gradient).sum(), inputs)
    for ours, theirs in zip(gradients, slopes, strict=True):
        assert_near(ours, theirs)
    flags = touched.repeat_interleave(TILE, -1)[..., : SHAPE[2]]
    assert (gradients.voxels[flags == 0] == 0).all()


@both
@pytest.mark.parametrize("slabs", [1, 3, 7, 14])
def test_slabs_and_threads_change_no_bit(closed, slabs):
    voxels, rays = volume(0), lines(0, beyond=0.6)
    expected = compiled(voxels, rays, closed)
    threads = numba.get_num_threads()
    try:
        for count in {1, threads}:
            numba.set_num_threads(count)
            rendered, gradients, touched = compiled(voxels, rays, closed, slabs=slabs)
            for ours, theirs in zip((*rendered, *gradients), (*expected[0], *expected[1]), strict=True):
                assert torch.equal(ours, theirs)
            assert torch.equal(touched, expected[2])
    finally:
        numba.set_num_threads(threads)


def test_outside_a_closed_box_density_is_zero():
    rays = lines(0)
    beside = rays._replace(start=rays.start + torch.tensor([0.0, 100.0, 0.0]))
    rendered, gradients, touched = compiled(volume(0), beside, closed=True)
    assert torch.equal(rendered.colour, BACKGROUND.expand(60, 3))
    assert (rendered.opacity == 0).all()
    assert (rendered.position == 1).all()
    assert all((gradient == 0).all() for gradient in gradients)
    assert (touched == 0).all()


@pytest.mark.parametrize("side", [-1, 1])
def test_beside_an_open_volume_its_border_is_continued(side):
    rays = lines(0)
    beside = rays._replace(start=rays.start + torch.tensor([0.0, side * 100.0, 0.0]))
    further = rays._replace(start=rays.start + torch.tensor([0.0, side * 200.0, 0.0]))
    near, far = (compiled(volume(0), some, closed=False) for some in (beside, further))
    torch.testing.assert_close(near[0].colour, far[0].colour)
    edge, rest = (0, slice(1, None)) if side < 0 else (-1, slice(None, -1))
    assert near[1].voxels[:, edge].abs().sum() > 0
    assert (near[1].voxels[:, rest] == 0).all()
    assert (near[1].start[:, 1] == 0).all()  # moving along the border changes nothing


@given(st.floats(-30, 30))
def test_densities_of_any_size_are_precise(raw: float) -> None:
    exact = functional.softplus(torch.tensor(raw, dtype=torch.float64), threshold=40)
    density = softplus(np.float32(raw))
    assert density == pytest.approx(float(exact), rel=4e-6)
    assert softplus_slope(np.float32(exact)) == pytest.approx(float(1 - torch.exp(-exact)), rel=4e-6)


@both
def test_nan_in_the_voxels_reaches_the_colour(closed):
    rendered, gradients, _ = compiled(torch.full((*SHAPE, 4), torch.nan), lines(0, beyond=-0.05), closed)
    assert rendered.colour.isnan().all()
    assert gradients.start.isnan().all()


@both
@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
@pytest.mark.parametrize("part", ["start", "step", "edges"])
def test_a_ray_of_nan_has_a_colour_of_nan_and_affects_no_other_ray(closed, bad, part):
    rays = lines(0, beyond=-0.05)
    broken = rays._replace(**{part: getattr(rays, part).clone()})
    getattr(broken, part)[7, 1] = bad
    rendered, gradients, _ = compiled(volume(0), broken, closed)
    healthy = compiled(volume(0), rays, closed)
    if bad != bad:
        assert rendered.colour[7].isnan().all()
    others = torch.arange(60) != 7
    assert torch.equal(rendered.colour[others], healthy[0].colour[others])
    assert torch.equal(gradients.start[others], healthy[1].start[others])


def test_proposals_from_nan_stay_in_the_volume():
    rays = lines(0, beyond=-0.05)
    edges = np.empty((60, 9), np.float32)
    coarse = np.full(SHAPE, np.nan, np.float32)
    start, step, length = (tensor.contiguous().numpy() for tensor in rays[:3])
    occupied = np.empty(coarse.shape, np.uint8)
    mark_occupied(coarse, occupied)
    even = np.float32(0.1), np.full(60, 0.5, "f4")
    proposal_edges(coarse, occupied, start, step, length, False, *even, edges)
    rendered, _, _ = compiled(volume(0), rays._replace(edges=torch.from_numpy(edges)), closed=False)
    assert rendered.colour.isnan().all()
