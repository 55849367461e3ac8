import pytest
import torch

from engine.evaluation.refinement import Level, choose_pose, downsample, make_pyramid, refine_pose, spread_pixels
from engine.evaluation.views import Photo, image_points, render_view
from engine.geometry.se3 import compose, exponential
from tests.support.worlds.analytic import HEIGHT, WIDTH, Wall, cameras, photographed


@pytest.fixture
def photo() -> Photo:
    scene = photographed(cameras(1), ())
    return Photo(image_points(scene.intrinsics, 0), scene.images[0].float() / 255)


def error(photo: Photo, pose: torch.Tensor) -> float:
    """Root mean square difference between the photo and the wall seen from a pose."""
    return float((render_view(Wall(), pose, photo.points).colour - photo.colours).square().mean().sqrt())


def levels() -> list[Level]:
    return make_pyramid(Wall(), WIDTH, HEIGHT)


@pytest.mark.parametrize("size", [0.015, 0.06])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_pose_with_errors_of_degrees_is_corrected(photo: Photo, seed: int, size: float) -> None:
    twist = torch.randn(6, generator=torch.Generator().manual_seed(seed)) * size
    start = compose(exponential(twist), cameras(1)[0])
    refined = refine_pose(levels(), photo, start[None])
    assert error(photo, start) > 0.01
    assert error(photo, refined) < 0.0015  # the photo's 8 bits leave 0.0011
    assert not refined.requires_grad


def test_the_best_of_several_initial_poses_is_chosen(photo: Photo) -> None:
    near = compose(exponential(torch.full((6,), 0.02)), cameras(1)[0])
    starts = torch.cat([cameras(6, seed=9, spread=0.6), near[None]])
    assert error(photo, refine_pose(levels(), photo, starts)) < 0.0015


def test_a_perfect_pose_is_not_made_worse(photo: Photo) -> None:
    pose = cameras(1)[0]
    assert error(photo, refine_pose(levels(), photo, pose[None])) <= error(photo, pose) + 1e-6


def test_nan_colours_leave_the_pose_unchanged(photo: Photo) -> None:
    pose = cameras(1)[0]
    blind = Photo(photo.points, torch.full_like(photo.colours, float("nan")))
    torch.testing.assert_close(refine_pose(levels(), blind, pose[None]), pose)


def test_nothing_is_random(photo: Photo) -> None:
    start = compose(exponential(torch.full((6,), 0.01)), cameras(1)[0])[None]
    state = torch.get_rng_state()
    first = refine_pose(levels(), photo, start)
    torch.testing.assert_close(refine_pose(levels(), photo, start), first, atol=0, rtol=0)
    assert torch.equal(torch.get_rng_state(), state)


def test_works_where_gradients_are_off(photo: Photo) -> None:
    start = compose(exponential(torch.full((6,), 0.01)), cameras(1)[0])[None]
    with torch.no_grad():
        assert error(photo, refine_pose(levels(), photo, start)) < 0.0015


def test_levels_go_from_coarse_to_fine_and_are_never_too_small() -> None:
    seen: list[int] = []

    class Blurring(Wall):
        def at_resolution(self, voxels: int) -> Wall:
            seen.append(voxels)
            return Wall()

    field = Blurring()
    found = make_pyramid(field, 504, 378)
    assert [level.downsample for level in found] == [8, 4, 2, 1]
    assert found[-1].field is field
    assert seen == [79, 158, 315]
    assert [level.downsample for level in make_pyramid(field, 120, 90)] == [2, 1]
    assert [level.downsample for level in make_pyramid(field, 20, 10)] == [1]


def test_downsampled_photos_keep_points_and_colours_together(photo: Photo) -> None:
    small = downsample(photo, 5)
    assert small.colours.shape == (HEIGHT // 5, WIDTH // 5, 3)
    torch.testing.assert_close(small.points[1, 2], photo.points[5:10, 10:15].mean((0, 1)))
    torch.testing.assert_close(small.points[1, 2], photo.points[7, 12])
    torch.testing.assert_close(small.colours[1, 2], photo.colours[5:10, 10:15].mean((0, 1)))


def test_the_chosen_pose_is_that_of_the_photo(photo: Photo) -> None:
    others = cameras(5, seed=7)
    poses = torch.cat([others, cameras(1)])
    assert torch.equal(choose_pose(Wall(), photo, poses), poses[5])


@pytest.mark.parametrize("pixels", [1, 100, 10_000])
def test_the_lattice_spreads_over_the_photo(photo: Photo, pixels: int) -> None:
    chosen = spread_pixels(photo, pixels)
    assert len(chosen.unique()) == len(chosen) <= max(1.3 * pixels, 1)
    assert 0 <= int(chosen.min()) <= int(chosen.max()) < WIDTH * HEIGHT
    rows = chosen // WIDTH
    assert float(rows.float().mean()) == pytest.approx(HEIGHT / 2, abs=HEIGHT / 6)
