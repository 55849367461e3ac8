"""Surface bundle adjustment of photos of an analytic scene."""

import pytest
import torch

from engine.geometry import rays
from engine.geometry.lens_models import LensModel, make_row
from engine.geometry.pose_errors import pose_errors
from engine.registration.bundle import adjustment, surface_points
from engine.registration.bundle.adjustment import Adjustment
from engine.registration.bundle.options import OF_OBJECTS, SolverOptions
from engine.registration.bundle.surface_points import SurfacePoints
from tests.support.worlds.relief import (
    HEIGHT,
    WIDTH,
    cameras,
    intrinsics,
    moved,
    photos,
    plane_points,
    relief,
)

FRAMES = 7
OBJECT_SOLVER = SolverOptions(least_gain=OF_OBJECTS.gain_area / max(WIDTH, HEIGHT) ** 2)


@pytest.fixture(scope="module")
def world():
    """The field, the true poses and their photos."""
    field, poses = relief(samples=48), cameras(FRAMES)
    return field, poses, photos(field, poses)


def surface_seen_from(world, poses, per_frame=150) -> SurfacePoints:
    field, _, images = world
    small = intrinsics(FRAMES, scale=0.5)  # depth maps may be smaller than the photos
    depth, opacity = surface_points.render_depth_maps(field, poses, plane_points(small))
    generator = torch.Generator().manual_seed(0)
    return surface_points.choose_points(
        surface_points.measure_contrast(images), intrinsics(FRAMES), poses, depth, opacity, per_frame, generator
    )


def take_steps(made: Adjustment, most: int = 30) -> int:
    for step in range(most):
        if not made.improve():
            return step
    return most


def test_perturbed_poses_are_recovered(world):
    _, true, images = world
    start = moved(true, degrees=0.6, distance=0.015)
    made = adjustment.start_from_surface(images, intrinsics(FRAMES), start, surface_seen_from(world, start))
    assert take_steps(made) > 2
    before, after = pose_errors(start, true), pose_errors(made.poses, true)
    assert after.relative_rotation_deg.mean() < 0.25 * before.relative_rotation_deg.mean()
    assert after.rotation_deg.mean() < 0.3 * before.rotation_deg.mean()
    assert after.translation.mean() < 0.3 * before.translation.mean()


def test_perturbed_poses_of_a_fisheye_are_recovered(world):
    field, true, _ = world
    lens = make_row([0.3, -0.1], LensModel.FISHEYE)
    images, of = photos(field, true, lens), intrinsics(FRAMES, lens=lens)
    start = moved(true, degrees=0.6, distance=0.015)
    depth, opacity = surface_points.render_depth_maps(field, start, plane_points(intrinsics(FRAMES, 0.5, lens)))
    surface = surface_points.choose_points(
        surface_points.measure_contrast(images), of, start, depth, opacity, 150, torch.Generator().manual_seed(0)
    )
    made = adjustment.start_from_surface(images, of, start, surface)
    assert take_steps(made) > 2
    before, after = pose_errors(start, true), pose_errors(made.poses, true)
    assert after.relative_rotation_deg.mean() < 0.25 * before.relative_rotation_deg.mean()
    assert after.translation.mean() < 0.3 * before.translation.mean()


def test_every_accepted_step_lowers_the_cost(world):
    _, true, images = world
    start = moved(true, degrees=0.4, distance=0.01)
    made = adjustment.start_from_surface(images, intrinsics(FRAMES), start, surface_seen_from(world, start, 60))
    damping = made.damping
    assert made.improve()
    first, poses = made.cost, made.poses
    assert made.damping <= damping
    assert made.improve()
    assert made.cost < first
    assert not torch.equal(made.poses, poses)


def test_an_adjustment_of_an_object_ends_where_a_step_gains_little(world):
    _, true, images = world
    start = moved(true, degrees=0.6, distance=0.015)
    known = images, intrinsics(FRAMES), start, surface_seen_from(world, start, 60)
    made = [adjustment.start_from_surface(*known, options=options) for options in (SolverOptions(), OBJECT_SOLVER)]
    long, short = (take_steps(each) for each in made)
    assert 1 < short < long
    assert pose_errors(made[1].poses, true).rotation_deg.mean() < 0.5 * pose_errors(start, true).rotation_deg.mean()


def test_right_poses_stay(world):
    _, true, images = world
    made = adjustment.start_from_surface(images, intrinsics(FRAMES), true, surface_seen_from(world, true))
    take_steps(made)
    after = pose_errors(made.poses, true)
    assert after.relative_rotation_deg.max() < 0.15
    assert after.translation.max() < 0.006


def test_outliers_and_invisible_points_are_tolerated(world):
    _, true, images = world
    start = moved(true, degrees=0.6, distance=0.015)
    surface = surface_seen_from(world, start)
    generator = torch.Generator().manual_seed(5)
    count = len(surface.points) // 10
    wrong = torch.randn(count, 3, generator=generator) * 0.3 + torch.tensor([0.0, 0.0, 2.0])
    behind = torch.randn(20, 3, generator=generator) - torch.tensor([0.0, 0.0, 9.0])
    points = torch.cat([surface.points, wrong, behind, torch.full((3, 3), 1e9)])
    visible = torch.cat([surface.visible, torch.ones(FRAMES, count + 23, dtype=torch.bool)], dim=1)
    visible[:, :5] = False
    damaged = images.clone()
    damaged[2, :, 10:20, 10:20] = 1.0  # an object occludes the scene in one photo
    made = Adjustment(damaged, intrinsics(FRAMES), start, points, visible)
    take_steps(made)
    assert torch.isfinite(made.poses).all()
    before, after = pose_errors(start, true), pose_errors(made.poses, true)
    assert after.relative_rotation_deg.mean() < 0.5 * before.relative_rotation_deg.mean()
    assert after.translation.mean() < 0.6 * before.translation.mean()


@pytest.mark.parametrize("views", [0, 1, 2])
def test_without_usable_points_an_adjustment_ends_at_once(world, views):
    _, true, images = world
    surface = surface_seen_from(world, true, 20)
    visible = torch.zeros_like(surface.visible)
    visible[:views] = True
    made = Adjustment(images, intrinsics(FRAMES), true, surface.points, visible)
    assert not made.improve()
    assert torch.equal(made.poses, true)


def test_a_frame_that_sees_nothing_stays_about_where_it_is(world):
    _, true, images = world
    start = moved(true, degrees=0.4, distance=0.01)
    surface = surface_seen_from(world, start)
    visible = surface.visible.clone()
    visible[3] = False
    made = Adjustment(images, intrinsics(FRAMES), start, surface.points, visible)
    take_steps(made, 8)
    assert torch.isfinite(made.poses).all()
    torch.testing.assert_close(made.poses[3], start[3], atol=1e-3, rtol=0)


def test_photos_without_contrast_change_no_pose(world):
    _, true, images = world
    grey = torch.full_like(images, 0.5)
    made = adjustment.start_from_surface(grey, intrinsics(FRAMES), true, surface_seen_from(world, true, 20))
    take_steps(made, 3)
    torch.testing.assert_close(made.poses, true, atol=1e-5, rtol=0)


# ---------------------------------------------------------------------- surface points


def test_points_lie_on_the_pixels_they_were_drawn_at_and_on_the_surface(world):
    field, true, images = world
    per_frame = 100
    surface = surface_seen_from(world, true, per_frame)
    of = intrinsics(FRAMES)
    assert surface.points.shape == (FRAMES * per_frame, 3)
    assert surface.visible.shape == (FRAMES, FRAMES * per_frame)
    points = surface.points.view(FRAMES, per_frame, 3)
    pixels, depth = rays.project(points, true, of.focal, of.centre)
    assert (depth > 0).all()
    torch.testing.assert_close(pixels, pixels.floor() + 0.5, atol=2e-3, rtol=0)
    assert (pixels > 0).all()
    assert (pixels < torch.tensor([WIDTH, HEIGHT])).all()
    own = surface.visible.view(FRAMES, FRAMES, per_frame)[torch.arange(FRAMES), torch.arange(FRAMES)]
    assert own.float().mean() > 0.98
    origins, directions = rays.rays_through(true[:, None], rays.normalised_points(pixels, of.focal, of.centre))
    with torch.no_grad():
        seen = field.render(origins.expand_as(directions).reshape(-1, 3), directions.reshape(-1, 3))
    assert ((seen.depth / depth.reshape(-1) - 1).abs() < 0.03).float().mean() > 0.9
    colours = surface_points.sample_images(images, pixels).reshape(-1, 3)
    assert (seen.colour - colours).abs().mean() < 0.01


def test_points_are_drawn_where_there_is_contrast_and_the_field_is_opaque():
    images = torch.full((2, 3, 40, 60), 0.5)
    images[:, :, 10:30, 40:50] = (torch.arange(10) % 2).float()
    depth, opacity = torch.full((2, 40, 60), 2.0), torch.ones(2, 40, 60)
    of = intrinsics(2)
    of = type(of)(of.focal, torch.tensor([[30.0, 20.0]] * 2), of.distortion, 60, 40)
    poses = torch.eye(3, 4).repeat(2, 1, 1)
    surface = surface_points.choose_points(
        surface_points.measure_contrast(images), of, poses, depth, opacity, 30, torch.Generator().manual_seed(0)
    )
    pixels, _ = rays.project(surface.points[None].expand(2, -1, -1), poses, of.focal, of.centre)
    assert ((pixels[0] > torch.tensor([38.0, 8.0])) & (pixels[0] < torch.tensor([52.0, 32.0]))).all()
    assert surface.visible.all()
    torch.testing.assert_close(surface.points[:, 2], torch.full((60,), 2.0))
    opacity[:, :20] = 0.0
    surface = surface_points.choose_points(
        surface_points.measure_contrast(images), of, poses, depth, opacity, 30, torch.Generator().manual_seed(0)
    )
    pixels, _ = rays.project(surface.points[None].expand(2, -1, -1), poses, of.focal, of.centre)
    assert (pixels[0, :, 1] > 20).all()


def test_an_occluded_point_is_not_visible():
    images = torch.rand(2, 3, 40, 60, generator=torch.Generator().manual_seed(0))
    depth, opacity = torch.full((2, 40, 60), 4.0), torch.ones(2, 40, 60)
    depth[1] = 1.0  # an object is close to the second camera
    of = intrinsics(2)
    of = type(of)(of.focal, torch.tensor([[30.0, 20.0]] * 2), of.distortion, 60, 40)
    poses = torch.eye(3, 4).repeat(2, 1, 1)
    surface = surface_points.choose_points(
        surface_points.measure_contrast(images), of, poses, depth, opacity, 25, torch.Generator().manual_seed(0)
    )
    assert surface.visible[0, :25].all()
    assert not surface.visible[1, :25].any()
    assert not surface.visible[0, 25:].any()


def test_values_between_pixels_are_bilinear():
    images = torch.arange(12.0).view(1, 1, 3, 4)
    pixels = torch.tensor([[[0.5, 0.5], [1.0, 0.5], [2.5, 1.0], [-5.0, 0.5], [99.0, 99.0]]])
    found = surface_points.sample_images(images, pixels)[0, :, 0]
    torch.testing.assert_close(found, torch.tensor([0.0, 0.5, 4.0, 0.0, 11.0]))


def test_contrast_is_relative_to_its_neighbourhood():
    image = torch.full((1, 3, 40, 80), 0.5)
    stripes = (torch.arange(80) // 4 % 2).float() - 0.5
    image += stripes * torch.where(torch.arange(80) < 40, 0.8, 0.08)
    found = surface_points.measure_contrast(image)[0]
    bright, dark = found[10:30, 8:32].max(), found[10:30, 48:72].max()
    assert dark > 0.3 * bright
    assert (found[:3] == 0).all()
    assert (found[:, -3:] == 0).all()
