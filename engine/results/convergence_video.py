"""A video of the cameras converging: fitted frusta walking to the reference ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import matplotlib
import numpy as np
import torch
from jaxtyping import Float
from PIL import Image, ImageDraw, ImageFont

from engine.geometry.pose_errors import pose_errors
from engine.geometry.se3 import camera_centre, is_finite
from engine.geometry.similarity import align_cameras, spread
from engine.run.history import History, Row, filled, mean_of
from engine.scenes.scene import Scene
from engine.system.durations import format_duration
from engine.system.video_writer import encode_video

WIDTH, HEIGHT, FRAMES_PER_SECOND, QUALITY = 800, 600, 24, 6
MOVING, RESTING = 6 * FRAMES_PER_SECOND, 2 * FRAMES_PER_SECOND  # pictures
SHARPER = 2  # drawn so many times larger, then reduced: smooth lines
PAPER, INK, REFERENCE, FITTED, LINK = "white", "#202830", "#9aa4af", "#12559b", "#c2402b"
EDGES = ((0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (2, 3), (3, 4), (4, 1))

Frusta = Float[np.ndarray, "frames 5 3"]


def write_video(history: History, scene: Scene, path: Path) -> None:
    """Writes the video, mp4, of the rows of a history.

    Where there is no reference, the last poses are what the others are aligned to and drawn beside.

    Raises:
        UserError: it could not be written.
    """
    rows = history.rows
    target, moments = worlds(rows, scene)
    size = frustum_size(target)
    openings = half_openings(scene)
    reference = frusta(target, size, openings)
    walk = np.stack([frusta(poses, size, openings) for poses in moments])
    view = View(reference)

    def pictures() -> Iterator[np.ndarray]:
        image, shown = np.empty(0), -1.0
        for position in moments_shown:
            if position != shown:
                words = caption(rows[int(position)], scene)
                image, shown = picture(between(walk, position), reference, view, words), position
            yield image

    moments_shown = positions(len(rows))
    encode_video(path, pictures(), len(moments_shown), FRAMES_PER_SECOND, QUALITY)


def worlds(rows: list[Row], scene: Scene) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """The poses to be reached, and those of every row, all in one world.

    Frames that joined on the way are NaN before; where there is no reference for them, they are to be reached where
    the last row has them.
    """
    counts = [len(row.poses) for row in rows]
    all_poses = [torch.tensor(poses) for poses in filled([row.poses for row in rows])]
    last = all_poses[-1]
    if scene.reference_poses is not None:
        target = scene.reference_poses[list(scene.training_frames)].float()
        gauges = [pose_errors(p[:n], target[:n]).alignment for p, n in zip(all_poses, counts, strict=True)]
        missing = ~is_finite(target)
        target[missing] = gauges[-1].apply_to_poses(last)[missing]
    else:
        target = last
        gauges = [align_cameras(p[:n], target[:n]) for p, n in zip(all_poses, counts, strict=True)]
    return target, [gauge.apply_to_poses(poses) for gauge, poses in zip(gauges, all_poses, strict=True)]


def frustum_size(poses: Float[torch.Tensor, "frames 3 4"]) -> float:
    """Length of the drawn frusta, scene units: large enough to see, small enough to tell apart."""
    extent = float(spread(camera_centre(poses)))
    return 0.25 * extent if extent > 0 else 1.0


def half_openings(scene: Scene) -> Float[torch.Tensor, "frames 2"]:
    """Half width and half height of each training frame's own picture at depth 1."""
    intrinsics = scene.intrinsics[torch.tensor(scene.training_frames)]
    return intrinsics.own_sizes / (2 * intrinsics.focal)


def frusta(poses: Float[torch.Tensor, "frames 3 4"], size: float, openings: Float[torch.Tensor, "frames 2"]) -> Frusta:
    """The tip and the four corners of every camera's frustum, in the world."""
    signs = torch.tensor([[0, 0, 0], [-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]]) * size
    corners = signs * torch.nn.functional.pad(openings[: len(poses), None], (0, 1), value=1.0)
    rotation, translation = poses[:, :, :3], poses[:, :, 3]
    return ((corners - translation[:, None]) @ rotation).numpy()


class View:
    """A camera that sees all of the reference from obliquely behind and above it."""

    def __init__(self, reference: Frusta) -> None:
        points = reference.reshape(-1, 3)
        forward = (reference[:, 1:].mean(1) - reference[:, 0]).mean(0)
        down = (reference[:, 4] - reference[:, 1]).mean(0)
        if np.linalg.norm(forward) < 0.3 * np.linalg.norm(reference[:, 1:].mean(1) - reference[:, 0], axis=1).mean():
            forward = np.cross(down, [0.3, 1.0, 0.2])  # the cameras look inwards from all around: any side will do
        forward, down = unit(forward), unit(down - forward * (down @ forward) / (forward @ forward))
        right = np.cross(down, forward)
        looking = unit(forward + 0.55 * down + 0.5 * right)
        down = unit(down - looking * (down @ looking))
        self.axes = np.stack([np.cross(down, looking), down, looking])
        self.centre = (points.min(0) + points.max(0)) / 2
        seen = (points - self.centre) @ self.axes.T
        self.distance = 4.0 * max(float(np.abs(seen).max()), 1e-9)
        self.focal = 1.0
        flat = np.abs(self.plane(points))
        self.focal = 0.74 / max(float(flat[:, 0].max() / WIDTH), float(flat[:, 1].max() / HEIGHT), 1e-12) / 2

    def plane(self, points: np.ndarray) -> np.ndarray:
        seen = (points - self.centre) @ self.axes.T
        return seen[..., :2] / np.maximum(seen[..., 2:] + self.distance, 0.05 * self.distance) * self.focal

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Pixels of the enlarged picture; far outside it, they are held near it."""
        pixels = (self.plane(points) + np.array([WIDTH, HEIGHT]) / 2) * SHARPER
        return np.clip(pixels, -WIDTH * SHARPER, 2 * WIDTH * SHARPER)


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)


def positions(rows: int) -> np.ndarray:
    """Which row each picture shows, in fractions."""
    moving = np.linspace(0, rows - 1, MOVING if rows > 1 else 1)
    return np.concatenate([moving, np.full(RESTING, rows - 1.0)])


def between(walk: Float[np.ndarray, "rows frames 5 3"], position: float) -> Frusta:
    """The frusta between two rows; corners move straight."""
    first = min(int(position), len(walk) - 1)
    second, weight = min(first + 1, len(walk) - 1), position - first
    return (1 - weight) * walk[first] + weight * walk[second]


def caption(row: Row, scene: Scene) -> str:
    """What is written on a picture."""
    parts = [scene.name, f"iteration {row.iteration}", format_duration(row.seconds), row.stage]
    if row.rotation_error_deg is not None and row.translation_error is not None:
        parts.append(f"{mean_of(row.rotation_error_deg):.2f}°  {mean_of(row.translation_error):.4f}")
    return "   ".join(parts)


def picture(fitted: Frusta, reference: Frusta, view: View, words: str) -> np.ndarray:
    """One picture of the video, RGB."""
    image = Image.new("RGB", (WIDTH * SHARPER, HEIGHT * SHARPER), PAPER)
    draw = ImageDraw.Draw(image)
    there, here = view(reference), view(fitted)
    for corners in there:
        draw_frustum(draw, corners, REFERENCE, 2)
    joined = np.isfinite(here).all(axis=(1, 2))
    for tip, wanted in zip(here[joined, 0], there[joined, 0], strict=True):
        draw.line([*tip, *wanted], LINK, 2)
    for corners in here[joined]:
        draw_frustum(draw, corners, FITTED, 3)
    image = image.reduce(SHARPER)
    draw = ImageDraw.Draw(image)
    draw.text((20, 16), words, INK, font())
    draw.text(
        (20, HEIGHT - 34), "blue: fitted   grey: reference, or the last poses where there is none", INK, font(12)
    )
    return np.asarray(image)


def draw_frustum(draw: ImageDraw.ImageDraw, corners: np.ndarray, colour: str, width: int) -> None:
    for first, second in EDGES:
        draw.line([*corners[first], *corners[second]], colour, width)


def font(size: int = 17) -> ImageFont.FreeTypeFont:
    """matplotlib's, as Pillow brings none of its own everywhere."""
    return ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf", size)
