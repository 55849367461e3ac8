"""Small synthetic scenes with known cameras, written to disk in the layouts that the readers support."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import roma
import torch
from PIL import Image
from torch import Tensor

WIDTH, HEIGHT, FOCAL = 32, 24, 40.0


def looking_at(centres: Tensor, target: Tensor) -> Tensor:
    """World-to-camera poses (frames, 3, 4), double, of upright cameras at `centres` (world z is up)."""
    forward = torch.nn.functional.normalize(target - centres, dim=-1)
    up = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64).expand_as(forward)
    right = torch.nn.functional.normalize(torch.linalg.cross(forward, up), dim=-1)
    rotation = torch.stack([right, torch.linalg.cross(forward, right), forward], dim=-2)
    return torch.cat([rotation, -rotation @ centres[..., None]], dim=-1)


def object_poses(frames: int = 10, distance: float = 4.0, target: tuple[float, ...] = (0.2, -0.1, 0.3)) -> Tensor:
    """Cameras on a spiral around `target`, all looking at it."""
    turn = torch.linspace(0, 4 * torch.pi, frames + 1, dtype=torch.float64)[:-1]
    height = torch.linspace(-0.5, 1.1, frames, dtype=torch.float64)
    ring = torch.stack([turn.cos() * height.cos(), turn.sin() * height.cos(), height.sin()], dim=-1)
    middle = torch.tensor(target, dtype=torch.float64)
    return looking_at(middle + distance * ring, middle)


def forward_poses(frames: int = 10, depth: float = 5.0) -> Tensor:
    """Hand-held cameras side by side in a rotated world, all looking in roughly the same direction."""
    generator = torch.Generator().manual_seed(1)
    offsets = torch.randn(frames, 3, generator=generator, dtype=torch.float64) * depth * 0.06
    wobble = roma.rotvec_to_rotmat(torch.randn(frames, 3, generator=generator, dtype=torch.float64) * 0.05)
    world = roma.rotvec_to_rotmat(torch.tensor([0.4, -1.2, 0.7], dtype=torch.float64))
    centres = offsets + torch.tensor([3.0, -2.0, 1.0], dtype=torch.float64)
    rotation = wobble @ world
    return torch.cat([rotation, -rotation @ centres[..., None]], dim=-1)


def opengl_camera_to_world(poses: Tensor) -> Tensor:
    """4x4 camera-to-world with axes right, up, back, written out row by row (not by the code under test)."""
    matrices = torch.eye(4, dtype=torch.float64).repeat(len(poses), 1, 1)
    for matrix, pose in zip(matrices, poses, strict=True):
        right, down, forward = pose[:, :3]
        matrix[:3, 0], matrix[:3, 1], matrix[:3, 2] = right, -down, -forward
        matrix[:3, 3] = -(pose[:, :3].T @ pose[:, 3])
    return matrices


def project(points: Tensor, pose: Tensor, focal: float = FOCAL, width: int = WIDTH, height: int = HEIGHT) -> Tensor:
    """Pixels (points, 2) of world points in an ideal camera with a central principal point."""
    camera = points @ pose[:, :3].T + pose[:, 3]
    return camera[:, :2] / camera[:, 2:] * focal + torch.tensor([width / 2, height / 2])


def write_image(path: Path, width: int = WIDTH, height: int = HEIGHT, channels: int = 3, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def write_json(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def write_blender(folder: Path, poses: Tensor, split: str = "train", **keys: Any) -> dict[str, Any]:
    """One `transforms_<split>.json` with its images; returns what was written."""
    frames = [
        {"file_path": f"./{split}/r_{index}", "transform_matrix": matrix.tolist()}
        for index, matrix in enumerate(opengl_camera_to_world(poses))
    ]
    for index, frame in enumerate(frames):
        write_image(folder / (frame["file_path"] + ".png"), channels=4, seed=index)
    content = {"camera_angle_x": 2 * float(np.arctan(WIDTH / 2 / FOCAL)), "frames": frames} | keys
    write_json(folder / f"transforms_{split}.json", content)
    return content


def write_llff(folder: Path, poses: Tensor, near: float = 4.0, far: float = 20.0, factor: int = 4) -> np.ndarray:
    """`poses_bounds.npy` and `images_<factor>`; returns the table that was written."""
    rows = []
    for index, pose in enumerate(poses):
        right, down, forward = pose[:, :3].numpy()
        centre = -(pose[:, :3].T @ pose[:, 3]).numpy()
        size_and_focal = np.array([HEIGHT, WIDTH, FOCAL]) * factor
        matrix = np.stack([down, right, -forward, centre, size_and_focal], axis=1)
        rows.append(np.concatenate([matrix.ravel(), [near + 0.1 * index, far - 0.1 * index]]))
        write_image(folder / f"images_{factor}" / f"IMG_{index:03d}.png", seed=index)
    table = np.stack(rows)
    np.save(folder / "poses_bounds.npy", table)
    return table


def relative(poses: Tensor) -> Tensor:
    """Rotations (frames, 3, 3) relative to the first frame: the same in every world frame."""
    return poses[:, :, :3] @ poses[0, :, :3].T


def distances(poses: Tensor) -> Tensor:
    """Distances (frames, frames) between camera centres, computed without the code under test."""
    centres = -torch.einsum("fji,fj->fi", poses[:, :, :3], poses[:, :, 3])
    return (centres[:, None] - centres[None]).norm(dim=-1)


def write_nerfstudio(folder: Path, poses: Tensor, **keys: Any) -> dict[str, Any]:
    """`transforms.json` with shared intrinsics and its images, listed in reverse; returns what was written."""
    frames = [
        {"file_path": f"images/frame_{index}.png", "transform_matrix": matrix.tolist()}
        for index, matrix in enumerate(opengl_camera_to_world(poses))
    ]
    for index, frame in enumerate(frames):
        write_image(folder / frame["file_path"], seed=index)
    shared = {"w": WIDTH, "h": HEIGHT, "fl_x": FOCAL, "fl_y": FOCAL + 1, "cx": 15.5, "cy": 12.5, "k1": 0.01, "k2": 0.0}
    content = {"camera_model": "OPENCV"} | shared | {"p1": 0.001, "p2": -0.002, "frames": frames[::-1]} | keys
    write_json(folder / "transforms.json", content)
    return content


def scattered_points(middle: Tensor, count: int = 200, radius: float = 0.4) -> Tensor:
    """Points in a ball around `middle`, double."""
    generator = torch.Generator().manual_seed(2)
    directions = torch.randn(count, 3, generator=generator, dtype=torch.float64)
    return middle + radius * torch.nn.functional.normalize(directions, dim=-1)
