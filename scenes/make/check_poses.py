"""Check the written poses against the pictures: known 3D points, projected, must fall on the right pixels.

Each scene's files are read back, converted to OpenCV world-to-camera, and used to project vertices of the geometry.
A vertex counts as seen when the ray from the camera to it meets the scene there.  Results per view: the largest
distance in pixels between a projection and where Mitsuba's own camera sees that point (a position image rendered
through the sensor that made the pictures), and, with --overlay, the picture with the projected marks.  Pictures with
alpha are also compared by the box around the object.

Run from the repository root: python -m scenes.make.check_poses fern --overlay check.png
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from scenes.make import fern, locomotive
from scenes.make.desk.build import build as build_desk
from scenes.make.mitsuba_scene import sensor
from scenes.make.variant import mi


def read_llff(path: Path) -> tuple[np.ndarray, tuple[int, int, float], list[Path]]:
    """World-to-camera (n, 3, 4) with OpenCV axes, (height, width, focal), image paths."""
    rows = np.load(path / "poses_bounds.npy")
    matrices = rows[:, :15].reshape(-1, 3, 5)
    down, right, backwards, centre = (matrices[:, :, column] for column in range(4))
    rotation = np.stack([right, down, -backwards], axis=1)
    world_to_camera = np.concatenate([rotation, -rotation @ centre[..., None]], -1)
    height, width, focal = matrices[0, :, 4]
    return world_to_camera, (int(height), int(width), float(focal)), sorted((path / "images").iterdir())


def read_blender(path: Path, split: str = "train") -> tuple[np.ndarray, tuple[int, int, float], list[Path]]:
    """The same for the Blender layout."""
    document = json.loads((path / f"transforms_{split}.json").read_text())
    images = [path / f"{frame['file_path']}.png" for frame in document["frames"]]
    width, height = Image.open(images[0]).size
    camera_to_world = np.array([frame["transform_matrix"] for frame in document["frames"]])
    rotation = (camera_to_world[:, :3, :3] * [1, -1, -1]).transpose(0, 2, 1)
    world_to_camera = np.concatenate([rotation, -rotation @ camera_to_world[:, :3, 3:]], -1)
    return world_to_camera, (height, width, width / (2 * np.tan(document["camera_angle_x"] / 2))), images


def read_reference(path: Path) -> tuple[np.ndarray, tuple[int, int, float], list[Path]]:
    """The same for bare photos with a reference beside them."""
    document = json.loads((path / "reference.json").read_text())
    camera_to_world = np.array([frame["transform_matrix"] for frame in document["frames"]])
    rotation = (camera_to_world[:, :3, :3] * [1, -1, -1]).transpose(0, 2, 1)
    world_to_camera = np.concatenate([rotation, -rotation @ camera_to_world[:, :3, 3:]], -1)
    images = [path / frame["file_path"] for frame in document["frames"]]
    return world_to_camera, (document["h"], document["w"], document["fl_x"]), images


def projected(points: np.ndarray, pose: np.ndarray, height: int, width: int, focal: float) -> np.ndarray:
    """Pixel coordinates (x, y) of world points, pixel centres at +0.5."""
    local = points @ pose[:, :3].T + pose[:, 3]
    return local[:, :2] / local[:, 2:] * focal + np.array([width / 2, height / 2])


def position_image(scene: mi.Scene, pose: np.ndarray, height: int, width: int, focal: float) -> np.ndarray:
    """World position seen at each pixel centre through the sensor that renders the pictures, NaN for none."""
    camera_to_world = np.eye(4)
    camera_to_world[:3, :3] = pose[:, :3].T * [1, -1, -1]
    camera_to_world[:3, 3] = -pose[:, :3].T @ pose[:, 3]
    camera = sensor(camera_to_world, width, height, focal)
    y, x = np.meshgrid((np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width, indexing="ij")
    film = mi.Point2f(x.ravel().astype(np.float32), y.ravel().astype(np.float32))
    ray, _ = camera.sample_ray(0.0, 0.5, film, mi.Point2f(0.5, 0.5))
    hit = scene.ray_intersect(ray)
    points = np.asarray(hit.p).T.astype(np.float64)
    points[~np.asarray(hit.is_valid())] = np.nan
    return points.reshape(height, width, 3)


def silhouette_gap(points: np.ndarray, image: Path) -> float:
    """Largest distance in pixels between the box around projected points and the box of the picture's alpha."""
    rows, columns = np.nonzero(np.asarray(Image.open(image))[..., 3] > 127)
    box = np.array([[columns.min(), rows.min()], [columns.max() + 1, rows.max() + 1]])
    return float(np.abs(np.stack([points.min(0), points.max(0)]) - box).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scene", choices=["fern", "locomotive", "desk"])
    parser.add_argument("--root", type=Path, default=Path("scenes"))
    parser.add_argument("--split", default="train", help="train or test, for the Blender layout")
    parser.add_argument("--view", type=int, default=0, help="view shown in the overlay")
    parser.add_argument("--overlay", type=Path)
    arguments = parser.parse_args()
    makers = {
        "fern": (fern.build, read_llff),
        "locomotive": (locomotive.build, read_blender),
        "desk": (lambda: build_desk().open, read_reference),
    }
    build, reader = makers[arguments.scene]
    options = {"split": arguments.split} if reader is read_blender else {}
    poses, (height, width, focal), images = reader(arguments.root / arguments.scene, **options)
    scene = build()
    rng = np.random.default_rng(0)
    vertices = [np.asarray(mi.traverse(part)["vertex_positions"]).reshape(-1, 3) for part in scene.shapes()]
    marks = np.concatenate([part[rng.integers(0, len(part), 12)] for part in vertices])
    for view, pose in enumerate(poses):
        seen = position_image(scene, pose, height, width, focal)
        y, x = np.meshgrid(np.arange(height) + 0.5, np.arange(width) + 0.5, indexing="ij")
        hit = np.isfinite(seen[..., 0])
        error = projected(seen[hit], pose, height, width, focal) - np.stack([x[hit], y[hit]], -1)
        print(f"view {view:02d}: largest error {np.abs(error).max():.5f} px over {hit.sum()} pixels")
        if Image.open(images[view]).mode == "RGBA":
            outline = projected(np.concatenate(vertices), pose, height, width, focal)
            print(f"         outline in the picture within {silhouette_gap(outline, images[view]):.2f} px")
        if arguments.overlay and view == arguments.view:
            pixels = projected(marks, pose, height, width, focal)
            inside = np.all((pixels > 0) & (pixels < [width, height]), 1) & ((marks @ pose[2, :3] + pose[2, 3]) > 0)
            column, row = pixels[inside].astype(int).T
            near = np.linalg.norm(seen[row, column] - marks[inside], axis=1) < 0.01
            picture = Image.open(images[view]).convert("RGBA").resize((2 * width, 2 * height))
            draw = ImageDraw.Draw(picture)
            for u, v in 2 * pixels[inside][near]:
                draw.line([(u - 5, v), (u + 5, v)], fill="magenta")
                draw.line([(u, v - 5), (u, v + 5)], fill="magenta")
            picture.save(arguments.overlay)


if __name__ == "__main__":
    main()
