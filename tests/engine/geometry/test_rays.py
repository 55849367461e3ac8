import numpy as np
import pycolmap
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from engine.geometry import rays, se3
from engine.geometry.intrinsics import Intrinsics
from tests.support.strategies import batches, dtypes, normal, poses, seeds, tolerance

LENSES = [(0.0, 0.0, 0.0, 0.0), (-0.2, 0.03, 1e-3, -2e-3), (0.3, 0.1, -5e-3, 4e-3), (-0.28, 0.0, 0.0, 0.0)]
FOCAL, CENTRE = torch.tensor([400.0, 420.0]).double(), torch.tensor([255.0, 180.0]).double()


def test_pixel_grid():
    grid = rays.pixel_grid(3, 4, dtype=torch.float64)
    assert grid.shape == (3, 4, 2)
    assert grid[0, 0].tolist() == [0.5, 0.5]
    assert grid[2, 1].tolist() == [1.5, 2.5]


@given(batches, dtypes, seeds, st.sampled_from(LENSES))
def test_undistort_inverts_distort(batch, dtype, seed, lens):
    ideal = (torch.rand(*batch, 2, generator=torch.Generator().manual_seed(seed)) - 0.5).to(dtype)
    distortion = torch.tensor(lens, dtype=dtype)
    back = rays.undistort(rays.distort(ideal, distortion), distortion)
    torch.testing.assert_close(back, ideal, atol=tolerance(dtype), rtol=0)


def test_without_distortion_nothing_moves():
    points, none = normal(50, 2), torch.zeros(4).double()
    assert (rays.distort(points, none) == points).all()
    assert (rays.undistort(points, none) == points).all()


@pytest.mark.parametrize("lens", LENSES)
def test_distortion_is_colmaps(lens):
    camera = pycolmap.Camera(model="OPENCV", width=510, height=360, params=[*FOCAL.tolist(), *CENTRE.tolist(), *lens])
    distortion = torch.tensor(lens, dtype=torch.float64)
    plane = (torch.rand(100, 2, generator=torch.Generator().manual_seed(1)).double() - 0.5) * 1.2
    in_camera = torch.cat([plane, torch.ones(100, 1).double()], dim=-1)
    pixels, depth = rays.project(in_camera, se3.identity(dtype=torch.float64), FOCAL, CENTRE, distortion)
    assert (depth == 1).all()
    np.testing.assert_allclose(pixels, camera.img_from_cam(in_camera.numpy()), atol=1e-9)
    np.testing.assert_allclose(
        rays.normalised_points(pixels, FOCAL, CENTRE, distortion), camera.cam_from_img(pixels.numpy()), atol=1e-7
    )


def test_undistort_is_finite_where_the_lens_folds_over():
    distortion = torch.tensor([-0.5, 0.0, 0.0, 0.0], requires_grad=True)
    points = torch.linspace(-5, 5, 40).expand(2, 40).T.clone().requires_grad_()
    ideal = rays.undistort(points, distortion)
    ideal.sum().backward()
    assert ideal.isfinite().all()
    assert points.grad is not None
    assert points.grad.isfinite().all()


@pytest.mark.parametrize("lens", LENSES)
def test_gradient_of_undistort(lens):
    points = (0.3 * normal(5, 2)).requires_grad_()
    distortion = torch.tensor(lens, dtype=torch.float64).requires_grad_()
    assert gradcheck(rays.undistort, (points, distortion))
    assert gradcheck(rays.distort, (points, distortion))


@given(dtypes, seeds, st.sampled_from(LENSES))
def test_rays_meet_their_pixels(dtype, seed, lens):
    intrinsics = Intrinsics(
        FOCAL.repeat(3, 1), CENTRE.repeat(3, 1), torch.tensor(lens, dtype=torch.float64).repeat(3, 1), 510, 360
    )
    tensors = [tensor.to(dtype) for tensor in (intrinsics.focal, intrinsics.centre, intrinsics.distortion)]
    pixels = rays.pixel_grid(9, 10, dtype=dtype).reshape(1, 90, 2) * 40
    pose = poses(3, seed=seed, dtype=dtype)
    plane = rays.normalised_points(pixels, *tensors)
    origin, direction = rays.rays_through(pose[:, None], plane)
    assert origin.shape == direction.shape == (3, 90, 3)
    torch.testing.assert_close(origin[:, 0], se3.camera_centre(pose))
    back, depth = rays.project(origin + 2.5 * direction, pose, *tensors)
    torch.testing.assert_close(depth, torch.full_like(depth, 2.5), atol=tolerance(dtype), rtol=0)
    torch.testing.assert_close(back, pixels.expand_as(back), atol=500 * tolerance(dtype), rtol=0)


def test_rays_are_those_of_the_inverse_pose():
    pose, plane = poses(4, 6), normal(4, 6, 2)
    on_plane = torch.cat([plane, torch.ones(4, 6, 1).double()], dim=-1)
    origin, direction = rays.rays_through(pose, plane)
    torch.testing.assert_close(origin + direction, se3.transform(se3.invert(pose), on_plane))


def test_projection_in_the_plane_of_the_camera_is_finite():
    points = torch.tensor([[1.0, 2.0, 0.0], [0.0, 0.0, 0.0], [1.0, 1.0, -1.0]], requires_grad=True)
    pixels, depth = rays.project(points, se3.identity(), FOCAL.float(), CENTRE.float())
    pixels.sum().backward()
    assert pixels.isfinite().all()
    assert points.grad is not None
    assert points.grad.isfinite().all()
    assert depth.tolist() == [0, 0, -1]
