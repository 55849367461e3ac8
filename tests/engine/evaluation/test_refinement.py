import pytest
import torch

from engine.evaluation.refinement import BARF, Refinement, best_pose, lattice, refine_pose
from engine.evaluation.views import Photo, image_points, render_view
from engine.geometry.se3 import compose, exponential
from tests.engine.evaluation.analytic import HEIGHT, WALL, WIDTH, Wall, cameras, photographed


@pytest.fixture
def photo() -> Photo:
    scene = photographed(cameras(1), ())
    return Photo(image_points(scene.intrinsics, 0), scene.images[0].float() / 255)


def error(photo: Photo, pose: torch.Tensor) -> float:
    """Root mean square difference between the photo and the wall seen from a pose."""
    return float((render_view(Wall(), pose, photo.points).colour - photo.colours).square().mean().sqrt())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_pose_a_degree_off_finds_back(photo: Photo, seed: int) -> None:
    twist = torch.randn(6, generator=torch.Generator().manual_seed(seed)) * 0.015
    start = compose(exponential(twist), cameras(1)[0])
    refined = refine_pose(Wall(), photo, start, WALL, Refinement(rays=512), seed)
    assert error(photo, start) > 0.01
    assert error(photo, refined) < 0.004  # half a grey level is 0.002: 8-bit photos
    assert not refined.requires_grad


def test_a_perfect_pose_is_not_made_worse(photo: Photo) -> None:
    pose = cameras(1)[0]
    assert error(photo, refine_pose(Wall(), photo, pose, WALL)) <= error(photo, pose) + 1e-6


def test_no_steps_leave_the_pose_alone(photo: Photo) -> None:
    pose = cameras(1)[0]
    assert refine_pose(Wall(), photo, pose, WALL, Refinement(steps=0)) is pose


def test_nan_colours_give_the_pose_back(photo: Photo) -> None:
    pose = cameras(1)[0]
    blind = Photo(photo.points, torch.full_like(photo.colours, float("nan")))
    torch.testing.assert_close(refine_pose(Wall(), blind, pose, WALL), pose)


def test_the_same_seed_gives_the_same_pose_and_leaves_the_global_generator_alone(photo: Photo) -> None:
    start = compose(exponential(torch.full((6,), 0.01)), cameras(1)[0])
    state = torch.get_rng_state()
    first = refine_pose(Wall(), photo, start, WALL, BARF, seed=3)
    torch.testing.assert_close(refine_pose(Wall(), photo, start, WALL, BARF, seed=3), first, atol=0, rtol=0)
    assert torch.equal(torch.get_rng_state(), state)


def test_works_where_gradients_are_off(photo: Photo) -> None:
    start = compose(exponential(torch.full((6,), 0.01)), cameras(1)[0])
    with torch.no_grad():
        refined = refine_pose(Wall(), photo, start, WALL)
    assert error(photo, refined) < error(photo, start) / 3


def test_best_pose_is_the_one_the_photo_was_taken_from(photo: Photo) -> None:
    others = cameras(5, seed=7)
    poses = torch.cat([others, cameras(1)])
    assert torch.equal(best_pose(Wall(), photo, poses), poses[5])


@pytest.mark.parametrize("pixels", [1, 100, 10_000])
def test_the_lattice_spreads_over_the_photo(photo: Photo, pixels: int) -> None:
    chosen = lattice(photo, pixels)
    assert len(chosen.unique()) == len(chosen) <= max(1.3 * pixels, 1)
    assert 0 <= int(chosen.min()) <= int(chosen.max()) < WIDTH * HEIGHT
    rows = chosen // WIDTH
    assert float(rows.float().mean()) == pytest.approx(HEIGHT / 2, abs=HEIGHT / 6)
