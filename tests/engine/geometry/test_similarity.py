import numpy as np
import pycolmap
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.geometry import se3
from engine.geometry.similarity import Similarity, align_cameras, align_similarity
from tests.support.strategies import dtypes, normal, poses, seeds, tolerance


def _similarity(seed: int = 0, scale: float = 2.5, dtype: torch.dtype = torch.float64) -> Similarity:
    pose = poses(seed=seed, angle=2.0, dtype=dtype)
    return Similarity(torch.tensor(scale, dtype=dtype), pose[:, :3], pose[:, 3])


def _assert_same(one: Similarity, other: Similarity, atol: float = 1e-9) -> None:
    torch.testing.assert_close(one.scale, other.scale, atol=atol, rtol=0)
    torch.testing.assert_close(one.rotation, other.rotation, atol=atol, rtol=0)
    torch.testing.assert_close(one.translation, other.translation, atol=atol, rtol=0)


@given(dtypes, seeds, st.floats(0.1, 10))
def test_recovers_the_similarity(dtype, seed, scale):
    moved, points = _similarity(seed, scale, dtype), normal(9, 3, seed=seed, dtype=dtype)
    _assert_same(align_similarity(points, moved.apply(points)), moved, atol=100 * tolerance(dtype))


def test_agrees_with_colmap():
    source, target = normal(30, 3), normal(30, 3, seed=1)
    target = _similarity().apply(source) + 0.1 * target
    fitted = align_similarity(source, target)
    reference = pycolmap.estimate_sim3d(source.numpy(), target.numpy())
    np.testing.assert_allclose(fitted.scale, reference.scale, atol=1e-9)
    np.testing.assert_allclose(fitted.rotation, reference.rotation.matrix(), atol=1e-9)
    np.testing.assert_allclose(fitted.translation, reference.translation, atol=1e-9)


def test_inverse():
    moved, points = _similarity(), normal(5, 3)
    torch.testing.assert_close(moved.inverse().apply(moved.apply(points)), points)
    torch.testing.assert_close(moved.apply(moved.inverse().apply(points)), points)


def test_cameras_move_with_the_world():
    moved, pose, points = _similarity(), poses(6), normal(6, 3, seed=4)
    new = moved.apply_to_poses(pose)
    torch.testing.assert_close(se3.camera_centre(new), moved.apply(se3.camera_centre(pose)))
    torch.testing.assert_close(torch.linalg.det(new[..., :3]), torch.ones(6).double())
    torch.testing.assert_close(se3.transform(new, moved.apply(points)), moved.scale * se3.transform(pose, points))


def test_mirrored_points_get_a_rotation():
    points = normal(8, 3)
    fitted = align_similarity(points, -points)
    assert fitted.scale > 0
    torch.testing.assert_close(torch.linalg.det(fitted.rotation), torch.tensor(1.0).double())


def test_collapsed_points_keep_their_scale():
    points, point = normal(8, 3, dtype=torch.float32), torch.full((8, 3), 0.3)
    for source, target in [(point, points), (points, point), (point, point + 1), (points[:1], points[1:2])]:
        fitted = align_similarity(source, target)
        assert fitted.scale == 1
        assert fitted.rotation.isfinite().all()
        torch.testing.assert_close(fitted.apply(source.mean(0)), target.mean(0), atol=1e-5, rtol=0)


@given(seeds, st.sampled_from([1, 2, 3, 10]))
def test_cameras_are_aligned_by_centres_and_orientations(seed, frames):
    moved, pose = _similarity(seed), poses(frames, seed=seed)
    fitted = align_cameras(pose, moved.apply_to_poses(pose))
    if frames > 1:
        _assert_same(fitted, moved, atol=1e-6)
    else:
        assert fitted.scale == 1
        torch.testing.assert_close(fitted.rotation, moved.rotation, atol=1e-6, rtol=0)


def test_scale_of_cameras_is_the_ratio_of_spreads():
    pose = poses(40)
    noisy = poses(40, seed=7)
    fitted = align_cameras(pose, noisy)
    centres, others = se3.camera_centre(pose), se3.camera_centre(noisy)
    ratio = (others - others.mean(0)).square().sum().sqrt() / (centres - centres.mean(0)).square().sum().sqrt()
    torch.testing.assert_close(fitted.scale, ratio)


def test_coincident_cameras_are_aligned_by_their_orientations():
    pose = poses(5)
    pose[..., 3] = 0
    moved = _similarity(scale=1.0)
    _assert_same(align_cameras(pose, moved.apply_to_poses(pose)), moved)
