import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from engine.geometry import se3
from engine.geometry.pose_errors import pose_errors
from engine.geometry.similarity import Similarity
from tests.support.strategies import dtypes, normal, poses, rotation_vectors, seeds


def _moved(world_to_camera: torch.Tensor, seed: int, scale: float = 3.0) -> torch.Tensor:
    pose = poses(seed=seed, angle=2.0, dtype=world_to_camera.dtype)
    similarity = Similarity(torch.tensor(scale, dtype=pose.dtype), pose[:, :3], pose[:, 3])
    return similarity.apply_to_poses(world_to_camera)


@given(dtypes, seeds, st.sampled_from([1, 2, 3, 12]))
def test_a_mere_change_of_gauge_is_no_error(dtype, seed, frames):
    reference = poses(frames, seed=seed, dtype=dtype)
    estimated = _moved(reference, seed)
    errors = pose_errors(estimated, reference)
    small = 0.05 if dtype == torch.float32 else 1e-4
    assert errors.rotation_deg.max() < small
    assert errors.relative_rotation_deg.max() < small
    assert errors.translation.max() < small
    assert errors.rotation_deg.dtype == dtype
    if frames > 1:
        torch.testing.assert_close(errors.aligned_reference, estimated, atol=small, rtol=0)


def test_units_are_degrees_and_scene_units():
    reference = poses(200)
    twist = torch.cat([rotation_vectors(200, angle=math.radians(2.0), seed=3), torch.zeros(200, 3).double()], dim=-1)
    estimated = _moved(se3.compose(se3.exponential(twist), reference), seed=1)  # cameras turned about their centres
    errors = pose_errors(estimated, reference)
    assert errors.rotation_deg.mean().item() == pytest.approx(2.0, abs=0.01)
    assert errors.relative_rotation_deg.mean().item() == pytest.approx(2.0, abs=0.05)
    assert errors.translation.max() < 1e-6
    distance = reference[..., 3].norm(dim=-1)
    assert errors.translation_vector.max() > 1e-3
    assert (errors.translation_vector <= math.radians(2.0) * distance + 1e-6).all()


def test_translation_error():
    reference = poses(500)
    shifted = reference.clone()
    shifted[..., 3] += 0.01 * torch.nn.functional.normalize(normal(500, 3, seed=5), dim=-1)
    errors = pose_errors(_moved(shifted, seed=2, scale=0.2), reference)
    assert errors.translation.mean().item() == pytest.approx(0.01, rel=0.1)
    assert errors.rotation_deg.max() < 0.2


def test_tilted_centres_do_not_touch_the_relative_rotation():
    reference = poses(20)
    tilt = poses(angle=math.radians(5), seed=8)[:, :3]
    centres = se3.camera_centre(reference) @ tilt.mT
    estimated = torch.cat([reference[..., :3], -reference[..., :3] @ centres[..., None]], dim=-1)
    errors = pose_errors(estimated, reference)
    torch.testing.assert_close(errors.rotation_deg, torch.full((20,), 5.0).double(), atol=1e-3, rtol=0)
    assert errors.relative_rotation_deg.max() < 1e-6


def test_agrees_with_a_procrustes_analysis_by_scipy():
    reference, estimated = poses(20), se3.compose(poses(20, angle=0.1, seed=4), poses(20))
    centres, wanted = se3.camera_centre(estimated).numpy(), se3.camera_centre(reference).numpy()
    centred, goal = centres - centres.mean(0), wanted - wanted.mean(0)
    turn, _ = Rotation.align_vectors(goal, centred)
    aligned = turn.apply(centred) * np.linalg.norm(goal) / np.linalg.norm(centred)
    orientations = Rotation.from_matrix(estimated[..., :3].mT.numpy())
    difference = (turn * orientations).inv() * Rotation.from_matrix(reference[..., :3].mT.numpy())
    errors = pose_errors(estimated, reference)
    np.testing.assert_allclose(errors.translation, np.linalg.norm(aligned - goal, axis=-1), atol=1e-5)
    np.testing.assert_allclose(errors.rotation_deg, np.rad2deg(difference.magnitude()), atol=1e-4)


@pytest.mark.parametrize("frames", [1, 2, 7])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_where_every_run_starts(frames, dtype):
    reference = poses(frames, angle=0.5, dtype=dtype)
    errors = pose_errors(se3.identity(frames, dtype=dtype), reference)
    for value in (errors.rotation_deg, errors.translation, errors.translation_vector, errors.aligned_reference):
        assert value.isfinite().all()
    centres = se3.camera_centre(reference)
    expected = (centres - centres.mean(0)).norm(dim=-1)
    torch.testing.assert_close(errors.translation, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(errors.rotation_deg, errors.relative_rotation_deg)
    assert errors.alignment.scale == 1
    back = pose_errors(errors.aligned_reference, reference)
    assert back.translation.max() < 1e-4


def test_coincident_reference_centres():
    reference = poses(6)
    reference[..., 3] = 0
    errors = pose_errors(poses(6, seed=3), reference)
    assert errors.translation.isfinite().all()
    assert errors.rotation_deg.isfinite().all()
    assert errors.aligned_reference.isfinite().all()


def test_frames_without_a_reference_have_no_errors_and_change_none():
    reference = se3.exponential(torch.randn(6, 6, generator=torch.Generator().manual_seed(3)))
    estimated = _moved(se3.compose(se3.exponential(0.01 * torch.ones(6, 6)), reference), seed=2)
    known = pose_errors(estimated[:4], reference[:4])
    reference[4:] = torch.nan
    errors = pose_errors(estimated, reference)
    for name in ("rotation_deg", "translation", "relative_rotation_deg", "aligned_reference"):
        values, wanted = getattr(errors, name), getattr(known, name)
        torch.testing.assert_close(values[:4], wanted)
        assert values[4:].isnan().all()
