"""IDR's and NeuS's layout with known cameras, and broken ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.errors import UserError
from engine.scenes import load_scene
from engine.scenes.formats.matrices.neus import find_neus
from tests.support.scenes.synthetic import HEIGHT, WIDTH, distances, object_poses, relative, write_image

INTRINSICS = np.array([[40.0, 0.0, 15.5], [0.0, 41.0, 12.5], [0.0, 0.0, 1.0]])


def write_neus(folder: Path, frames: int = 10, sign: float = 1.0) -> None:
    """Cameras around (0.2, -0.1, 0.3), which is the middle of a sphere of radius 1.25; odd factors on the matrices."""
    arrays = {}
    sphere = np.diag([1.25, 1.25, 1.25, 1.0])
    sphere[:3, 3] = 0.2, -0.1, 0.3
    for index, pose in enumerate(object_poses(frames).numpy()):
        write_image(folder / "image" / f"{index:03d}.png", seed=index)
        projection = np.vstack([sign * (1 + index) * INTRINSICS @ pose, [0, 0, 0, 1]])
        arrays |= {f"world_mat_{index}": projection, f"scale_mat_{index}": sphere.astype(np.float32)}
    np.savez(folder / "cameras_sphere.npz", **arrays)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_cameras_of_projection_matrices(tmp_path: Path, sign: float) -> None:
    write_neus(tmp_path, sign=sign)
    scene = load_scene(tmp_path)
    assert scene.reference_poses is not None
    poses = scene.reference_poses.double()
    torch.testing.assert_close(relative(poses), relative(object_poses()), atol=1e-5, rtol=0)
    torch.testing.assert_close(distances(poses), distances(object_poses()) / 1.25, atol=1e-5, rtol=0)
    centres = -torch.einsum("fji,fj->fi", poses[:, :, :3], poses[:, :, 3])
    torch.testing.assert_close(centres.norm(dim=-1), torch.full((10,), 3.2).double(), atol=1e-5, rtol=0)
    torch.testing.assert_close(scene.intrinsics.focal, torch.tensor([40.0, 41.0]).repeat(10, 1), atol=1e-3, rtol=0)
    torch.testing.assert_close(scene.intrinsics.centre, torch.tensor([15.5, 12.5]).repeat(10, 1), atol=1e-3, rtol=0)
    assert (scene.box_centre, scene.box_half_extent) == ((0, 0, 0), 1)


def test_masks_belong_to_photos_by_their_order(tmp_path: Path) -> None:
    write_neus(tmp_path)
    for index in range(10):
        mask = write_image(tmp_path / "mask" / f"m{index}.png")
        pixels = np.zeros((HEIGHT, WIDTH), np.uint8)
        pixels[4:20, 4 + index : 20] = 255
        Image.fromarray(pixels).save(mask)
    scene = load_scene(tmp_path)
    assert scene.masks is not None
    assert scene.masks.sum(dim=(1, 2)).tolist() == [16 * (16 - index) for index in range(10)]


def test_what_is_broken_is_refused_in_a_sentence(tmp_path: Path) -> None:
    write_neus(tmp_path)
    (tmp_path / "image" / "004.png").unlink()
    with pytest.raises(UserError, match=r"10 cameras but .* has 9 images"):
        load_scene(tmp_path)
    write_neus(tmp_path)
    file = tmp_path / "cameras_sphere.npz"
    arrays = dict(np.load(file))
    np.savez(file, **(arrays | {"world_mat_3": np.zeros((4, 4)), "world_mat_5": np.eye(4) * np.nan}))
    with pytest.raises(UserError, match="world_mat_5 that is no finite 4x4 matrix"):
        load_scene(tmp_path)
    np.savez(file, **(arrays | {"world_mat_3": np.zeros((4, 4))}))
    assert [frame.name for frame in load_scene(tmp_path).left_out] == ["003.png"]
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(UserError, match="damaged"):
        load_scene(tmp_path)


def test_arrays_of_something_else_are_no_cameras(tmp_path: Path) -> None:
    write_image(tmp_path / "image" / "0.png")
    np.savez(tmp_path / "cameras.npz", poses=np.eye(4))
    assert find_neus(tmp_path) is None
