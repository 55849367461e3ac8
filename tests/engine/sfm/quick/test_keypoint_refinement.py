"""Keypoints of a textured plane seen by cameras that are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import roma
import torch
from jaxtyping import Float
from scipy.ndimage import gaussian_filter, map_coordinates

from engine.sfm.quick.keypoint_refinement import CopiesFile, SeenPoints, refine_keypoints

SIZE, FOCAL, RADIAL = (320, 240), 300.0, 0.03
TEXELS = 80.0  # of the texture, per unit of the plane


def make_poses() -> Float[np.ndarray, "photos 3 4"]:
    """Cameras about 3 units before the plane z = 0, turned towards its middle; the last one is rolled and nearer."""
    turns = torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.2, 0.0], [0.15, -0.15, 0.05], [0.0, 0.1, 0.5]])
    rotation = roma.rotvec_to_rotmat(turns).double().numpy()
    return np.concatenate([rotation, np.array([[0, 0, 3.0]] * 3 + [[0, 0, 2.6]])[..., None]], axis=-1)


def project(pose: Float[np.ndarray, "3 4"], points: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 2"]:
    seen = points @ pose[:, :3].T + pose[:, 3]
    ideal = seen[:, :2] / seen[:, 2:]
    return FOCAL * ideal * (1 + RADIAL * (ideal**2).sum(axis=1, keepdims=True)) + np.array(SIZE) / 2


def photograph(pose: Float[np.ndarray, "3 4"], texture: np.ndarray, gain: float) -> np.ndarray:
    """The plane as a camera sees it."""
    x, y = np.meshgrid(np.arange(SIZE[0]) + 0.5, np.arange(SIZE[1]) + 0.5)
    distorted = (np.stack([x, y], axis=-1).reshape(-1, 2) - np.array(SIZE) / 2) / FOCAL
    ideal = distorted
    for _ in range(8):
        ideal = distorted / (1 + RADIAL * (ideal**2).sum(axis=1, keepdims=True))
    direction = np.column_stack([ideal, np.ones(len(ideal))]) @ pose[:, :3]
    centre = -pose[:, :3].T @ pose[:, 3]
    on_plane = centre[:2] - centre[2] / direction[:, 2:] * direction[:, :2]
    places = on_plane * TEXELS + np.array(texture.shape)[::-1] / 2
    seen = map_coordinates(texture, [places[:, 1] - 0.5, places[:, 0] - 0.5], order=1, mode="reflect")
    return (gain * seen.reshape(SIZE[::-1])).clip(0, 255).round().astype(np.uint8)


def make_texture(*, flat: bool = False) -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=(500, 500))
    smooth = gaussian_filter(noise, 1.2)
    return np.full((500, 500), 120.0) if flat else 120 + 40 * smooth / smooth.std()


def observe(folder: Path, texture: np.ndarray) -> tuple[SeenPoints, Float[np.ndarray, "observations 2"]]:
    """Observations of a grid of points, each about half a pixel off, and where they are."""
    poses = make_poses()
    images = [photograph(pose, texture, gain) for pose, gain in zip(poses, (1.0, 0.8, 1.1, 0.9), strict=True)]
    CopiesFile.write(folder, images)
    x, y = np.meshgrid(np.linspace(-0.8, 0.8, 9), np.linspace(-0.6, 0.6, 7))
    points = np.column_stack([x.ravel(), y.ravel(), np.zeros(x.size)])
    true = np.stack([project(pose, points) for pose in poses], axis=1).reshape(-1, 2)
    count, photos = len(points), len(poses)
    noise = np.random.default_rng(1).normal(scale=0.5, size=true.shape)
    seen = SeenPoints(
        photo=np.tile(np.arange(photos), count),
        point=np.repeat(np.arange(count), photos),
        pixels=true + noise,
        poses=poses,
        focal=np.full(photos, FOCAL),
        radial=np.full(photos, RADIAL),
        points=points,
    )
    return seen, true


def disagreement(
    seen: SeenPoints, pixels: Float[np.ndarray, "observations 2"]
) -> Float[np.ndarray, "points photos photos"]:
    """How far the places on the plane that keypoints of one point show lie apart, in pixels of the first photo."""
    centres = -np.einsum("nji,nj->ni", seen.poses[:, :, :3], seen.poses[:, :, 3])
    distorted = (pixels - np.array(SIZE) / 2) / FOCAL
    ideal = distorted
    for _ in range(8):
        ideal = distorted / (1 + RADIAL * (ideal**2).sum(axis=1, keepdims=True))
    direction = np.einsum("nji,nj->ni", seen.poses[seen.photo, :, :3], np.column_stack([ideal, np.ones(len(ideal))]))
    centre = centres[seen.photo]
    place = (centre - centre[:, 2:] / direction[:, 2:] * direction)[:, :2].reshape(-1, len(seen.poses), 2)
    return np.linalg.norm(place[:, :, None] - place[:, None], axis=-1) * FOCAL / 3


def test_keypoints_of_a_point_agree_after_refinement_up_to_a_tenth_of_a_pixel(tmp_path: Path) -> None:
    seen, _ = observe(tmp_path, make_texture())
    (refined,) = refine_keypoints(tmp_path, seen)
    before, after = disagreement(seen, seen.pixels), disagreement(seen, refined)
    different = ~np.eye(len(seen.poses), dtype=bool)
    assert np.median(before[:, different]) > 0.6
    assert np.median(after[:, different]) < 0.1
    assert np.quantile(after[:, different], 0.9) < 0.3


def test_the_keypoint_of_the_most_frontal_photo_stays(tmp_path: Path) -> None:
    seen, _ = observe(tmp_path, make_texture())
    (refined,) = refine_keypoints(tmp_path, seen)
    stays = (refined == seen.pixels).all(axis=1).reshape(-1, len(seen.poses))
    assert stays.any(axis=1).all()
    assert stays.mean() < 0.4


def test_nothing_moves_where_there_is_nothing_to_see(tmp_path: Path) -> None:
    seen, _ = observe(tmp_path, make_texture(flat=True))
    (refined,) = refine_keypoints(tmp_path, seen)
    np.testing.assert_array_equal(refined, seen.pixels)


def test_keypoints_that_show_something_else_stay(tmp_path: Path) -> None:
    seen, _ = observe(tmp_path, make_texture())
    wrong = seen.pixels.copy()
    wrong[3::4] += 25
    moved = SeenPoints(**{**vars(seen), "pixels": wrong})
    (refined,) = refine_keypoints(tmp_path, moved)
    assert (refined[3::4] == wrong[3::4]).all(axis=1).mean() > 0.9


@pytest.mark.parametrize("place", [(-50.0, -50.0), (1000.0, 1000.0), (0.0, 239.9)])
def test_values_outside_are_those_of_the_border(tmp_path: Path, place: tuple[float, float]) -> None:
    image = np.arange(SIZE[0] * SIZE[1], dtype=np.int64).reshape(SIZE[::-1]) % 251
    CopiesFile.write(tmp_path, [image.astype(np.uint8)] * 2)
    value = CopiesFile(tmp_path).sample(np.array([1]), np.array([[place]]))
    column, row = (int(np.clip(x, 0, most - 1)) for x, most in zip(place, SIZE, strict=True))
    assert value.item() == pytest.approx(image[row, column], abs=1)
