"""What decides where Gaussians begin: cells, edges and noise of depths, and what other views say."""

from __future__ import annotations

import numpy as np
import torch

from engine.export.splats.depth_maps import find_depth_edges, smooth_noise
from engine.export.splats.initial import Samples, make_gaussians
from engine.export.splats.support import DepthMap, find_supported
from tests.support.worlds.dense_splats import a_camera


def plane(count: int, footprint: float = 0.01, spacing: float = 0.02) -> Samples:
    """Samples of the square from -3 to 3 in x and y at z = 0, seen straight on; far from the origin, too."""
    generator = torch.Generator().manual_seed(0)
    places = torch.cat([6 * torch.rand(count, 2, generator=generator) - 3, torch.zeros(count, 1)], dim=1)
    towards = torch.tensor([[0.0, 0.0, 1.0]]).expand(count, 3)
    one = torch.ones(count)
    colours = torch.full((count, 3), 0.5)
    return Samples(places, towards, towards, colours, one, footprint * one, spacing * one, torch.zeros(count).bool())


def test_a_gaussian_lies_where_its_samples_lie() -> None:
    """Every sample has a Gaussian at most a cell away, and no Gaussian is off the surface."""
    samples = plane(200_000)
    gaussians, edges = make_gaussians(samples, 1_000_000)
    assert np.abs(gaussians.positions[:, 2]).max() < 1e-6
    assert edges.max() < 0.1
    cells = {tuple(place) for place in (gaussians.positions[:, :2] // 0.08).astype(int).tolist()}
    wanted = {tuple(place) for place in (samples.positions[:, :2] // 0.08).int().tolist()}
    assert len(cells - wanted) == 0
    assert len(wanted - cells) < 0.01 * len(wanted)
    scales = gaussians.scales
    np.testing.assert_allclose(scales[:, 2], 0.3 * scales[:, 0], rtol=1e-3)  # flat along the normal


def test_inverse_depth_of_a_slanted_plane_has_no_edge_and_a_step_has() -> None:
    inverse = torch.linspace(0.1, 0.9, 40).expand(30, 40).clone()
    assert not find_depth_edges(inverse, 0.05).any()
    inverse[:, 20:] += 0.5
    edges = find_depth_edges(inverse, 0.05)
    assert edges[:, 19:21].all()
    assert not edges[:, :18].any()
    assert not edges[:, 23:].any()


def test_noise_is_smoothed_and_a_thin_thing_is_kept() -> None:
    generator = torch.Generator().manual_seed(0)
    noisy = 0.5 + 0.05 * torch.randn(40, 40, generator=generator)
    smooth = smooth_noise(noisy, torch.ones(40, 40).bool(), 0.01)
    assert (smooth - 0.5).std() < 0.5 * (noisy - 0.5).std()
    thin = torch.full((40, 40), 0.5)
    thin[:, 20:22] = 0.9
    assert torch.equal(smooth_noise(thin, torch.ones(40, 40).bool(), 0.01), thin)


def test_what_views_see_through_is_not_supported() -> None:
    camera = a_camera()
    depth = torch.full((30, 40), 4.0)
    maps = [DepthMap(camera, depth, torch.zeros(2))] * 3
    rotation, translation = camera.world_to_camera[:, :3], camera.world_to_camera[:, 3]
    in_camera = np.array([[0, 0, 4.0], [0, 0, 2.0], [0, 0, 7.0]], np.float32)  # on the surface, before it, behind it
    points = torch.from_numpy((in_camera - translation) @ rotation)
    half = torch.full((3,), 0.5)
    assert find_supported(points, 0.01 * torch.ones(3), half, maps).tolist() == [True, False, True]
