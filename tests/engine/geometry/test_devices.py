"""Results are on the device of the input. The meta device has no values but also refuses to mix devices."""

import pytest
import torch

from engine.geometry import rays, se2, se3, sl3
from engine.geometry.homography import apply_homography, solve_homography
from engine.geometry.pose_errors import pose_errors
from engine.geometry.rigid import solve_rigid, solve_rigid_planar
from engine.geometry.similarity import align_similarity

NO_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA")
DEVICES = ["meta", pytest.param("cuda", marks=[pytest.mark.gpu, NO_CUDA])]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("device", DEVICES)
def test_stays_on_its_device(device, dtype):
    def ones(*shape: int) -> torch.Tensor:
        return torch.ones(shape, dtype=dtype, device=device, requires_grad=True)

    twist, points, plane, weights = ones(4, 6), ones(4, 9, 3), ones(4, 9, 2), ones(4, 9)
    pose = se3.exponential(twist)
    distortion = ones(4, 4)
    homography = solve_homography(plane, plane, weights)
    normalised = rays.normalised_points(plane, ones(4, 2), ones(4, 2), distortion)
    outputs = [
        se3.compose(se3.identity(4, dtype=dtype, device=device), se3.invert(pose)),
        se3.logarithm(pose),
        se3.rotation_angle(pose[..., :3]),
        se3.orthonormalise(pose[..., :3]),
        se2.logarithm(se2.compose(se2.exponential(ones(4, 3)), se2.identity(4, dtype=dtype, device=device))),
        solve_rigid(points, points, weights),
        solve_rigid(points, points),
        solve_rigid_planar(plane, plane, weights),
        apply_homography(homography, plane),
        apply_homography(sl3.exponential(ones(4, 8)), plane),
        rays.rays_through(pose[:, None], normalised)[1] + rays.pixel_grid(3, 3, dtype, device)[0, 0, 0],
        rays.project(points, pose, ones(4, 2), ones(4, 2), distortion)[0],
    ]
    for output in outputs:
        assert output.device.type == device
        assert output.dtype == dtype
    sum(output.sum() for output in outputs).backward()
    assert twist.grad is not None
    errors = pose_errors(pose.detach(), pose.detach())
    assert errors.aligned_reference.device.type == errors.alignment.scale.device.type == device
    assert align_similarity(points[0].detach(), points[1].detach()).rotation.dtype == dtype
