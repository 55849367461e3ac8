"""Displacements of a warp field: the engine's residual, and what known motions of a camera do to its image."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from app.model.warp.warp_vectors import WarpVectors, compute_warp_vectors, count_lattice_columns
from engine.geometry import rays, se3
from engine.geometry.intrinsics import Intrinsics
from engine.messages import WarpSnapshot
from engine.registration.registration import WarpField

WIDTH, HEIGHT, FOCAL = 320, 240, 300.0
LENS = Intrinsics(
    focal=torch.full((1, 2), FOCAL),
    centre=torch.tensor([[WIDTH / 2, HEIGHT / 2]]),
    distortion=torch.zeros(1, 4),
    width=WIDTH,
    height=HEIGHT,
)


def lattice() -> torch.Tensor:
    x, y = (torch.arange(16) + 0.5) / 16 * WIDTH, (torch.arange(12) + 0.5) / 12 * HEIGHT
    pixels = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).reshape(-1, 2)
    return rays.normalised_points(pixels[None], LENS.focal, LENS.centre)[0]


def moved(local: list[float], fitted: list[float]) -> WarpVectors:
    """The vectors where all local transforms are one twist from the start, and the fitted transform another."""
    points = lattice()
    parts = [rays.rays_through(se3.exponential(torch.tensor(twist)), points) for twist in (local, fitted)]
    arrays = [part.expand_as(points.new_empty(len(points), 3)).numpy() for pair in parts for part in pair]
    warp = WarpSnapshot(0, points.numpy(), *arrays, residual_px=np.zeros(len(points), np.float32))
    return compute_warp_vectors(warp, LENS, np.eye(3, 4, dtype=np.float32))


STILL = [0.0] * 6


def test_what_does_not_move_has_no_displacement() -> None:
    vectors = moved(STILL, STILL)
    for field in (vectors.local, vectors.fitted, vectors.residual):
        assert np.abs(field).max() < 1e-3
    assert (vectors.columns, vectors.rows) == (16, 12)
    assert vectors.places[0] == pytest.approx([10, 10], abs=1e-3)


def test_a_pan_of_the_local_warps_moves_the_image_sideways() -> None:
    angle = 0.01
    # the twist moves the world to the camera's right by -angle about y (down): the camera looks to its right
    vectors = moved([0.0, -angle, 0.0, 0.0, 0.0, 0.0], STILL)
    middle = np.linalg.norm(vectors.places - [WIDTH / 2, HEIGHT / 2], axis=1) < 20
    assert np.allclose(vectors.local[middle], [FOCAL * angle, 0.0], atol=0.05)
    assert np.allclose(vectors.residual[middle], [FOCAL * angle, 0.0], atol=0.05)
    assert np.abs(vectors.fitted).max() < 1e-3


def test_a_roll_turns_the_image_about_its_middle() -> None:
    angle = 0.02
    vectors = moved([0.0, 0.0, -angle, 0.0, 0.0, 0.0], STILL)
    arms = vectors.places - np.array([WIDTH / 2, HEIGHT / 2])
    across = np.stack([-arms[:, 1], arms[:, 0]], axis=1)  # clockwise, y being down
    along = (vectors.residual * across).sum(axis=1)
    assert (along > 0).all()
    assert np.linalg.norm(vectors.residual, axis=1) == pytest.approx(angle * np.linalg.norm(arms, axis=1), rel=0.02)


def test_where_the_fit_explains_everything_there_is_no_residual() -> None:
    twist = [0.05, -0.1, 0.2, 0.3, -0.1, 0.2]
    vectors = moved(twist, twist)
    assert np.abs(vectors.residual).max() < 1e-2
    assert np.linalg.norm(vectors.local, axis=1).min() > 1.0
    assert np.allclose(vectors.local, vectors.fitted, atol=1e-3)


def test_its_length_is_the_engines_residual() -> None:
    from engine.training.camera_snapshot import warp_snapshot

    class OneFrame:
        training_frames, intrinsics = (0,), LENS

    points = lattice()
    generator = torch.Generator().manual_seed(3)
    poses = se3.exponential(0.01 * torch.randn(len(points), 6, generator=generator))
    local = rays.rays_through(poses, points)
    fitted = rays.rays_through(se3.exponential(torch.tensor([0.1, 0.2, -0.1, 0.5, 0.0, 0.1])), points)
    field = WarpField(points, *local, fitted[0].expand_as(fitted[1]), fitted[1])
    warp = warp_snapshot(field, OneFrame(), 0)  # type: ignore[arg-type]
    vectors = compute_warp_vectors(warp, LENS, np.eye(3, 4))
    assert np.linalg.norm(vectors.residual, axis=1) == pytest.approx(warp.residual_px, abs=1e-2)


def test_what_is_behind_the_camera_is_unknown() -> None:
    vectors = moved([0.0, math.pi * 0.95, 0.0, 0.0, 0.0, 0.0], STILL)
    assert np.isnan(vectors.residual).all()


def test_a_lattice_of_one_row_has_all_its_columns() -> None:
    assert count_lattice_columns(np.array([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]])) == 3
