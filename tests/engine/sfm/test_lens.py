"""Lens estimation from matches of synthetic points whose cameras are known."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pycolmap
import pytest
import roma
import torch

from engine.geometry import rays
from engine.sfm.lens import Lens, combine_lenses, estimate_lens, make_prior_lens

SIZE, FOCAL = (640, 480), 520.0


def matched(frames: int, count: int, turned: float, noise: float, radial: float = 0.0) -> tuple[list[Any], Any]:
    """Features of photos that all show the same points, and the two-view geometries of their pairs."""
    generator = torch.Generator().manual_seed(0)
    points = (torch.rand(count, 3, generator=generator) - 0.5) * torch.tensor([5.0, 4.0, 5.0])
    points[:, 2] += 5.5
    turns = roma.rotvec_to_rotmat(torch.randn(frames, 3, generator=generator) * turned)
    steps = torch.randn(frames, 3, 1, generator=generator) * torch.tensor([[0.6], [0.6], [0.3]])
    lens = torch.tensor([[radial, 0.0, 0.0, 0.0]]).expand(frames, 4)
    focal, centre = torch.full((frames, 2), FOCAL), torch.tensor(SIZE).div(2).expand(frames, 2)
    pixels, _ = rays.project(
        points[None].expand(frames, -1, -1), torch.cat([turns, steps], dim=-1), focal, centre, lens
    )
    pixels = pixels + noise * torch.randn(pixels.shape, generator=generator)
    inside = ((pixels > 0) & (pixels < torch.tensor(SIZE))).all(dim=-1).numpy()
    seen = [np.nonzero(row)[0] for row in inside]
    features = [pixels[frame, index].double().numpy() for frame, index in enumerate(seen)]
    camera = pycolmap.Camera(model="SIMPLE_PINHOLE", width=SIZE[0], height=SIZE[1], params=[FOCAL, 320, 240])
    options = pycolmap.TwoViewGeometryOptions()
    options.ransac.random_seed = 0
    pairs = {}
    for one, other in combinations(range(frames), 2):
        _, first, second = np.intersect1d(seen[one], seen[other], return_indices=True)
        matches = np.stack([first, second], axis=-1).astype(np.uint32)
        pairs[one, other] = pycolmap.estimate_two_view_geometry(
            camera, features[one], camera, features[other], matches, options
        )
    return features, pairs


@pytest.mark.parametrize("radial", [0.0, 0.04])
def test_a_wrong_guess_is_corrected_and_its_covariance_is_realistic(radial: float) -> None:
    features, pairs = matched(8, 250, turned=0.25, noise=0.3, radial=radial)
    found = estimate_lens(features, pairs, SIZE, 1.1 * FOCAL)
    assert found is not None
    off = np.array([np.log(found.focal / FOCAL), found.radial - radial])
    assert np.abs(off).max() < 0.01
    assert off @ np.linalg.solve(found.covariance, off) < 12
    assert np.sqrt(found.covariance[0, 0]) < 0.01


def test_cameras_that_never_turn_give_a_large_covariance() -> None:
    turning = estimate_lens(*matched(6, 150, turned=0.25, noise=0.3), SIZE, FOCAL)
    still = estimate_lens(*matched(6, 150, turned=0.003, noise=0.3), SIZE, FOCAL)
    assert turning is not None
    assert still is None or still.covariance[0, 0] > 9 * turning.covariance[0, 0]


def test_too_few_matches_give_no_lens() -> None:
    features, pairs = matched(3, 20, turned=0.25, noise=0.3)
    assert estimate_lens(features, pairs, SIZE, FOCAL) is None
    assert estimate_lens(features, {}, SIZE, FOCAL) is None


def test_the_lens_with_the_smaller_covariance_counts_more() -> None:
    sure = Lens(500.0, 0.02, np.diag([0.01, 0.005]) ** 2)
    mixed = combine_lenses(make_prior_lens(600.0, nominal=False), sure)
    assert abs(mixed.focal / 500 - 1) < 0.002
    assert abs(mixed.radial - 0.02) < 0.002
    assert (np.diag(mixed.covariance) < np.diag(sure.covariance)).all()
    vague = Lens(500.0, 0.2, np.array([[1.0, 0.9], [0.9, 1.0]]))
    assert abs(combine_lenses(make_prior_lens(600.0, nominal=True), vague).focal / 600 - 1) < 0.02
    assert make_prior_lens(600.0, True).covariance[0, 0] < make_prior_lens(600.0, False).covariance[0, 0]
    assert sure.scaled(2.0).focal == 1000.0
