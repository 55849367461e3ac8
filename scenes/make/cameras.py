"""Camera poses: a handheld grid in front of a scene, a hemisphere about an object; and their file formats.

All poses here are 4x4 camera-to-world matrices with OpenGL axes (x right, y up, z backwards).
"""

import json
from pathlib import Path

import numpy as np

from scenes.make.meshes import rotation_about


def looking_at(centre: np.ndarray, target: np.ndarray, up: tuple[float, float, float] = (0, 1, 0)) -> np.ndarray:
    """The pose at `centre` that looks at `target` with `up` upwards."""
    backwards = (centre - target) / np.linalg.norm(centre - target)
    right = np.cross(up, backwards)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3] = np.stack([right, np.cross(backwards, right), backwards, centre], -1)
    return pose


def handheld_grid(
    centre: np.ndarray,
    target: np.ndarray,
    spread: tuple[float, float, float],
    rng: np.random.Generator,
    columns: int = 5,
    rows: int = 4,
    jitter_deg: float = 1.6,
) -> np.ndarray:
    """Forward-facing views (rows * columns, 4, 4), row by row, every second row from right to left.

    Offsets right, up and backwards are up to about plus or minus `spread`; each rotation axis gets normal jitter of
    standard deviation `jitter_deg`.
    """
    middle = looking_at(centre, target)
    poses = []
    for row in range(rows):
        order = range(columns) if row % 2 == 0 else reversed(range(columns))
        for column in order:
            cell = np.array([2 * column / (columns - 1) - 1, 1 - 2 * row / (rows - 1), rng.uniform(-1, 1)])
            jitter = rng.uniform(-1, 1, 3) * np.array([0.45 / (columns - 1), 0.45 / (rows - 1), 0])
            pose = np.eye(4)
            pose[:3, 3] = middle[:3, 3] + middle[:3, :3] @ ((cell + 2 * jitter) * np.asarray(spread) * 0.85)
            angles = rng.normal(0, jitter_deg, 3)
            wobble = rotation_about("x", angles[0]) @ rotation_about("y", angles[1]) @ rotation_about("z", angles[2])
            pose[:3, :3] = middle[:3, :3] @ wobble
            poses.append(pose)
    return np.stack(poses)


def hemisphere(
    count: int, distance: float, rng: np.random.Generator, lowest_deg: float = 4.0, highest_deg: float = 72.0
) -> np.ndarray:
    """Views of the origin (count, 4, 4), z upwards; azimuths advance by the golden angle, the aim varies a little."""
    poses = []
    sines = np.linspace(np.sin(np.radians(lowest_deg)), np.sin(np.radians(highest_deg)), count)
    for index, sine in enumerate(rng.permutation(sines)):
        azimuth = index * np.pi * (3 - np.sqrt(5)) + rng.uniform(-0.1, 0.1)
        cosine = np.sqrt(1 - sine**2)
        radius = distance * rng.uniform(0.96, 1.04)
        centre = radius * np.array([cosine * np.cos(azimuth), cosine * np.sin(azimuth), sine])
        poses.append(looking_at(centre, rng.uniform(-0.04, 0.04, 3), up=(0, 0, 1)))
    return np.stack(poses)


def llff_rows(poses: np.ndarray, width: int, height: int, focal: float, bounds: np.ndarray) -> np.ndarray:
    """The (n, 17) array of LLFF's poses_bounds.npy: [down, right, backwards, centre, (h, w, f)], near, far."""
    down, right, backwards, centre = -poses[:, :3, 1], poses[:, :3, 0], poses[:, :3, 2], poses[:, :3, 3]
    size = np.broadcast_to([height, width, focal], centre.shape)
    matrices = np.stack([down, right, backwards, centre, size], -1)
    return np.concatenate([matrices.reshape(len(poses), 15), bounds], 1)


def write_blender(path: Path, split: str, poses: np.ndarray, angle_x: float) -> None:
    """Blender layout (NeRF-synthetic): transforms_<split>.json."""
    frames = [
        {"file_path": f"./{split}/r_{index}", "transform_matrix": pose.tolist()} for index, pose in enumerate(poses)
    ]
    document = {"camera_angle_x": angle_x, "frames": frames}
    (path / f"transforms_{split}.json").write_text(json.dumps(document, indent=1) + "\n")
