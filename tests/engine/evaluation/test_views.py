import torch

from engine.evaluation.views import image_points, render_view
from engine.geometry.distortion import distort
from engine.geometry.intrinsics import Intrinsics
from engine.geometry.rays import pixel_grid
from tests.support.worlds.analytic import FOCAL, HEIGHT, WALL, WIDTH, Wall, cameras, photographed


def test_rays_at_once_bound_the_batch_and_do_not_change_the_picture() -> None:
    scene = photographed(cameras(1), ())
    points, pose = image_points(scene.intrinsics, 0), cameras(1)[0]
    whole, chunked = Wall(), Wall()
    expected = render_view(whole, pose, points)
    found = render_view(chunked, pose, points, rays_at_once=100)
    assert chunked.largest_batch == 100
    assert whole.largest_batch == WIDTH * HEIGHT
    assert found.colour.shape == (HEIGHT, WIDTH, 3)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_a_photo_is_rendered_back_from_its_own_pose() -> None:
    poses = cameras(3, seed=1)
    scene = photographed(poses, ())
    view = render_view(Wall(), poses[2], image_points(scene.intrinsics, 2))
    assert float((view.colour - scene.images[2] / 255).abs().max()) <= 0.5 / 255 + 1e-6


def test_depth_is_along_the_optical_axis() -> None:
    """From the origin, looking straight at the wall, every pixel is as deep as the wall."""
    points = image_points(photographed(cameras(1), ()).intrinsics, 0)
    view = render_view(Wall(), torch.eye(3, 4), points)
    torch.testing.assert_close(view.depth, torch.full((HEIGHT, WIDTH), WALL))


def test_image_points_are_undistorted() -> None:
    intrinsics = Intrinsics(
        focal=torch.tensor([[FOCAL, FOCAL + 1]]),
        centre=torch.tensor([[20.0, 17.0]]),
        distortion=torch.tensor([[0.05, -0.01, 0.002, -0.001]]),
        width=WIDTH,
        height=HEIGHT,
    )
    points = image_points(intrinsics, 0)
    distorted = distort(points.flatten(0, 1), intrinsics.distortion)
    pixels = distorted * intrinsics.focal + intrinsics.centre
    torch.testing.assert_close(pixels.view(HEIGHT, WIDTH, 2), pixel_grid(HEIGHT, WIDTH), atol=1e-3, rtol=0)
