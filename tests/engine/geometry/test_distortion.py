"""Lens models against COLMAP's, their inverses, and their derivatives."""

import math

import numpy as np
import pycolmap
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck

from engine.geometry.distortion import (
    add_to_radial,
    differentiate_by_radial,
    distort,
    distortion_jacobian,
    is_invertible,
    undistort,
)
from engine.geometry.lens_models import LensModel, find_models, make_row, stack_distortions
from engine.geometry.rays import differentiate_projection, project
from tests.support.strategies import normal

FOCAL, CENTRE, SIZE = (400.0, 420.0), (255.0, 180.0), (510, 360)
small = st.floats(-0.02, 0.02)
tiny = st.floats(-0.004, 0.004)


def row(model, **named):
    """A distortion from coefficients by their names."""
    order = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6", "s1", "s2", "s3", "s4")
    return torch.tensor(make_row([named.get(name, 0.0) for name in order], model), dtype=torch.float64)


@st.composite
def lenses(draw):
    """A name of COLMAP's, its parameters after focal lengths and principal point, and our row."""
    k = [draw(small) * 0.4**power for power in range(6)]  # no lens folds over within its field of view
    p = [draw(tiny) for _ in range(2)]
    s = [draw(tiny) for _ in range(4)]
    kinds = {
        "OPENCV": ([*k[:2], *p], row(0, k1=k[0], k2=k[1], p1=p[0], p2=p[1])),
        "FULL_OPENCV": (
            [*k[:2], *p, *k[2:]],
            row(0, **{f"k{i + 1}": k[i] for i in range(6)}, p1=p[0], p2=p[1]),
        ),
        "OPENCV_FISHEYE": (k[:4], row(1, **{f"k{i + 1}": k[i] for i in range(4)})),
        "THIN_PRISM_FISHEYE": (
            [*k[:2], *p, *k[2:4], *s[:2]],
            row(1, **{f"k{i + 1}": k[i] for i in range(4)}, p1=p[0], p2=p[1], s1=s[0], s3=s[1]),
        ),
        "RAD_TAN_THIN_PRISM_FISHEYE": (
            [*k, *p, *s],
            row(3, **{f"k{i + 1}": k[i] for i in range(6)}, p1=p[1], p2=p[0], s1=s[0], s2=s[1], s3=s[2], s4=s[3]),
        ),
        "FISHEYE": ([], row(1)),
        "FOV": ([0.9 + k[0]], row(4, k1=0.9 + k[0])),
        "DIVISION": ([k[0]], row(5, k1=k[0])),
        "EUCM": ([0.6 + k[0], 1.1 + k[1]], row(6, k1=0.6 + k[0], k2=1.1 + k[1])),
    }
    name = draw(st.sampled_from(sorted(kinds)))
    return name, *kinds[name]


def directions(lens, count=60):
    """Points of the plane z = 1 that a lens can show: wide ones for a fisheye."""
    wide = find_models(lens)[0] in (LensModel.FISHEYE, LensModel.RAD_TAN_FISHEYE)
    generator = torch.Generator().manual_seed(3)
    angle = torch.rand(count, generator=generator).double() * math.radians(78 if wide else 40)
    turn = torch.rand(count, generator=generator).double() * 2 * math.pi
    return torch.stack([turn.cos(), turn.sin()], dim=-1) * angle.tan()[:, None]


@settings(max_examples=60)
@given(lenses())
def test_lenses_are_colmaps(lens):
    name, parameters, distortion = lens
    camera = pycolmap.Camera(model=name, width=SIZE[0], height=SIZE[1], params=[*FOCAL, *CENTRE, *parameters])
    plane = directions(distortion)
    in_camera = torch.nn.functional.pad(plane, (0, 1), value=1.0)
    pixels = distort(plane, distortion) * torch.tensor(FOCAL) + torch.tensor(CENTRE)
    np.testing.assert_allclose(pixels, camera.img_from_cam(in_camera.numpy()), atol=1e-7)
    back = camera.cam_from_img(pixels.numpy())
    back = back[:, :2] / back[:, 2:] if back.shape[1] == 3 else back
    ours = undistort((pixels - torch.tensor(CENTRE)) / torch.tensor(FOCAL), distortion)
    np.testing.assert_allclose(ours, back, atol=1e-5)
    np.testing.assert_allclose(ours, plane, atol=1e-8, rtol=1e-8)
    assert is_invertible(distort(plane, distortion), distortion).all()


@settings(max_examples=30)
@given(lenses(), st.sampled_from([torch.float32, torch.float64]))
def test_the_inverse_undoes_a_lens(lens, dtype):
    distortion = lens[2].to(dtype)
    plane = directions(lens[2]).to(dtype)
    back = undistort(distort(plane, distortion), distortion)
    torch.testing.assert_close(back, plane, atol=1e-4 if dtype == torch.float32 else 1e-9, rtol=1e-4)


@settings(max_examples=15, deadline=None)
@given(lenses())
def test_derivatives_of_lenses(lens):
    distortion = lens[2]
    points = (0.3 * normal(4, 2)).requires_grad_()
    free = distortion[:12].clone().requires_grad_()

    def whole(function):
        return lambda points, free: function(points, torch.cat([free, distortion[12:]]))

    assert gradcheck(whole(distort), (points, free))
    assert gradcheck(whole(undistort), (points, free))


@settings(max_examples=40)
@given(lenses())
def test_jacobians_of_lenses(lens):
    distortion, plane = lens[2], directions(lens[2], 12)
    for one, jacobian in zip(plane, distortion_jacobian(plane, distortion), strict=True):
        true = torch.autograd.functional.jacobian(lambda point: distort(point, distortion), one)
        torch.testing.assert_close(jacobian, true, atol=1e-9, rtol=1e-7)


@pytest.mark.parametrize("model", list(LensModel))
def test_derivative_by_the_first_coefficient(model):
    distortion = row(model, k1=0.1, k2=0.05, k3=0.01, k4=-0.02)
    plane = directions(distortion, 12)
    change = torch.zeros_like(distortion)
    change[0] = 1e-6
    expected = (distort(plane, distortion + change) - distort(plane, distortion - change)) / 2e-6
    if not model.has_polynomial:
        expected = torch.zeros_like(expected)
    torch.testing.assert_close(differentiate_by_radial(plane, distortion), expected, atol=1e-7, rtol=1e-6)
    added = add_to_radial(distortion[None], torch.tensor(0.1).double())[0]
    assert float(added[0]) == pytest.approx(0.2 if model.has_polynomial else 0.1)
    assert (added[1:] == distortion[1:]).all()


def test_rows_of_different_models_stay_apart():
    rows = stack_distortions(
        [make_row([-0.1, 0.01]), make_row([0.05], LensModel.FISHEYE), make_row([0.9], LensModel.FOV)]
    )
    assert rows.shape == (3, 13)
    points = 0.4 * normal(3, 7, 2).float()
    together = distort(points, rows[:, None])
    for one, alone, points_of_one in zip(rows, together, points, strict=True):
        torch.testing.assert_close(alone, distort(points_of_one, one))
    rows.requires_grad_()
    undistort(points, rows[:, None]).sum().backward()
    assert rows.grad is not None
    assert rows.grad.isfinite().all()


def test_rows_are_as_short_as_their_lens_allows():
    assert make_row([]) == (0.0, 0.0, 0.0, 0.0)
    assert make_row([0.1, 0, 0, 0, 0, 0, 0, 0]) == (0.1, 0.0, 0.0, 0.0)
    assert len(make_row([0.1, 0, 0, 0, 0.2])) == 8
    assert len(make_row([0.0] * 11 + [0.1])) == 12
    assert make_row([], LensModel.FISHEYE) == (*[0.0] * 12, 1.0)


def test_a_perspective_polynomial_has_powers_where_opencv_divides():
    plane = directions(row(0), 20)
    squared = plane.square().sum(-1, keepdim=True)
    polynomial = distort(plane, row(2, k1=0.02, k3=0.01, k4=-0.03))
    torch.testing.assert_close(polynomial, plane * (1 + 0.02 * squared + 0.01 * squared**3 - 0.03 * squared**4))
    rational = distort(plane, row(0, k1=0.02, k4=0.1))
    torch.testing.assert_close(rational, plane * (1 + 0.02 * squared) / (1 + 0.1 * squared))


def test_what_a_lens_cannot_show_is_known():
    """A fisheye shows a circle; outside of it, and where its polynomial folds over, pixels have no ray."""
    angle = torch.tensor([0.0, 0.5, 1.2, 1.39, 1.41, 1.6, 3.0]).double()
    points = torch.stack([angle, torch.zeros_like(angle)], dim=-1)
    assert is_invertible(points, row(1)).tolist() == [True, True, True, True, False, False, False]
    folding = row(1, k1=-0.3)  # its image is largest at an angle of 1.05, where it is 0.70
    assert is_invertible(points, folding).tolist() == [True, True, False, False, False, False, False]
    assert undistort(points, folding).isfinite().all()
    barrel = row(0, k1=-0.5)  # largest at 0.82, where it is 0.54
    assert is_invertible(points, barrel).tolist() == [True, True, False, False, False, False, False]


def test_derivative_of_a_projection():
    distortion = row(1, k1=0.05, k2=-0.01, p1=0.001)
    in_camera = normal(9, 3) + torch.tensor([0.0, 0.0, 3.0])
    focal, pose = torch.tensor(FOCAL).double(), torch.eye(3, 4).double()

    def show(point):
        return project(point[None], pose, focal, torch.tensor(CENTRE).double(), distortion)[0][0]

    found = differentiate_projection(in_camera, focal, distortion, 1e-6)
    for one, jacobian in zip(in_camera, found, strict=True):
        torch.testing.assert_close(jacobian, torch.autograd.functional.jacobian(show, one))
