import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from engine.fields.sampling import edges_from_weights, midpoints, uniform_edges
from engine.fields.voxel_grid.kernels import proposals


def drawn(seed: int, *shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def assert_tiles(edges: torch.Tensor) -> None:
    assert (edges[:, 0] == 0).all()
    assert (edges[:, -1] == 1).all()
    assert (edges.diff() >= 0).all()


def test_centred_edges_are_even():
    edges = uniform_edges(3, 4)
    torch.testing.assert_close(edges, torch.tensor([0, 0.25, 0.5, 0.75, 1]).expand(3, 5))
    torch.testing.assert_close(midpoints(edges)[0], torch.tensor([0.125, 0.375, 0.625, 0.875]))
    torch.testing.assert_close(uniform_edges(3, 4, torch.full((3,), 0.5)), edges)


@given(st.integers(0, 1000), st.integers(1, 50))
def test_uniform_edges_tile_the_ray(seed, count):
    jitter = drawn(seed, 8)
    edges = uniform_edges(8, count, jitter)
    assert_tiles(edges)
    if count > 2:
        torch.testing.assert_close(edges[:, 1:-1], (torch.arange(1, count) + jitter[:, None] - 0.5) / count)


def test_the_middles_of_jittered_intervals_cover_the_ray_evenly():
    middles = midpoints(uniform_edges(20_000, 8, drawn(0, 20_000)))[:, 1:-1].flatten()
    share = torch.histc(middles, 12, 1 / 8, 7 / 8) / len(middles)
    torch.testing.assert_close(share, torch.full((12,), 1 / 12), atol=0.01, rtol=0)


@given(st.integers(0, 1000), st.integers(1, 30), st.integers(2, 40))
def test_edges_from_weights_tile_the_ray(seed, count, bins):
    weights = drawn(seed, 6, bins) ** 8
    weights[0] = 0
    assert_tiles(edges_from_weights(weights, count, 0.05, drawn(seed + 1, 6)))


def test_even_weights_give_even_edges():
    torch.testing.assert_close(edges_from_weights(torch.ones(2, 10), 5, 0.1), uniform_edges(2, 5))


def test_most_intervals_are_at_a_surface_and_beside_it():
    weights = torch.zeros(1, 20)
    weights[0, 8] = 1
    middles = midpoints(edges_from_weights(weights, 24, 0.1))[0]
    assert ((middles > 7 / 20) & (middles < 10 / 20)).sum() >= 20
    assert middles[0] < 7 / 20
    assert middles[-1] > 10 / 20


def test_edges_carry_no_gradient():
    assert not edges_from_weights(torch.ones(2, 4, requires_grad=True), 3, 0.1).requires_grad


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_compiled_kernel_gives_the_same_edges(closed, seed):
    depth, height, width, rays, count = 6, 7, 9, 40, 12
    coarse = (drawn(seed, depth, height, width) ** 6 * 30).contiguous()
    coarse[:, : height // 2] *= coarse[:, : height // 2] > 1  # some cells are empty
    size = torch.tensor([width, height, depth]) - 1.0
    entry, exit = (drawn(seed + 1, rays, 3) * 1.2 - 0.1) * size, (drawn(seed + 2, rays, 3) * 1.2 - 0.1) * size
    step, length, jitter = exit - entry, drawn(seed + 3, rays) + 0.5, drawn(seed + 4, rays)
    bins = 2 * depth if closed else depth

    # torch: grid_sample with corners at the voxels' centres, zero outside a closed box
    s = (torch.arange(bins) + 0.5) / bins
    voxel = entry[:, None] + s[:, None] * step[:, None]
    where = (voxel / size * 2 - 1)[None, None]
    density = functional.grid_sample(coarse[None, None], where, padding_mode="border", align_corners=True)[0, 0, 0]
    if closed:
        density = density * ((voxel >= 0) & (voxel <= size)).all(-1)
    optical = density * (length / bins)[:, None]
    # Rays see through a quarter of it, so that those past the edge of a thing find what lies behind.
    reached = torch.exp(-0.25 * functional.pad(optical.cumsum(-1)[:, :-1], (1, 0)))
    weights = reached * (1 - torch.exp(-optical))
    weights = weights * (reached >= 1e-4)  # what lies behind an opaque surface is left out
    expected = edges_from_weights(weights, count, 0.1, jitter)

    edges = np.empty((rays, count + 1), np.float32)
    arrays = [tensor.contiguous().numpy() for tensor in (coarse, entry, step, length)]
    occupied = np.empty(coarse.shape, np.uint8)
    proposals.mark_occupied(arrays[0], occupied)
    proposals.proposal_edges(arrays[0], occupied, *arrays[1:], closed, np.float32(0.1), jitter.numpy(), edges)
    assert_tiles(torch.from_numpy(edges))
    torch.testing.assert_close(torch.from_numpy(edges), expected, atol=1e-4, rtol=0)
