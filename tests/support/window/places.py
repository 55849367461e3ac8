"""Where cameras and the gizmo are in the window, by projection; written independently of the program."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from app.model.cameras.pictures_of_run import LOOK
from app.model.cameras.scene_scale import SceneScale, measure_scene
from engine.scenes import load_scene
from engine.scenes.options import SceneOptions
from tests.support.window.viewer import FERN, Box, Report


@cache
def fern_scale() -> SceneScale:
    """The sizes by which the fern is drawn: of its frusta, among others."""
    return measure_scene(load_scene(FERN, SceneOptions(downscale=2)))


def project(report: Report, box: Box, points: np.ndarray) -> np.ndarray:
    """Pixels of the window where points of the world are seen in the 3D view; (points, 2)."""
    pose, angle = np.array(report["view"]["pose"]), report["view"]["field_of_view"]
    left, top, width, height = box
    seen = points @ pose[:, :3].T + pose[:, 3]
    focal = 0.5 * height / math.tan(0.5 * angle)
    return np.array([left + width / 2, top + height / 2]) + focal * seen[:, :2] / seen[:, 2:]


def seen_photos(report: Report, box: Box, per_side: int = 9) -> dict[int, np.ndarray]:
    """For each frame whose photo is visible somewhere apart from all others: the place in it that is farthest from the
    others, pixels of the window."""
    poses, scale = np.array(report["poses"]), fern_scale()
    places = np.linspace(-0.8, 0.8, per_side)
    grid = np.stack([*np.meshgrid(*(side * places for side in scale.image_plane)), np.ones((per_side,) * 2)], axis=-1)
    on_photos = scale.frustum_depth * grid.reshape(-1, 3) - poses[:, None, :, 3]  # frames points 3
    pixels = np.stack(
        [project(report, box, points @ pose[:, :3]) for points, pose in zip(on_photos, poses, strict=True)]
    )
    found = {}
    for frame, candidates in enumerate(pixels):
        others = np.delete(pixels, frame, axis=0).reshape(-1, 2)
        room = np.linalg.norm(candidates[:, None] - others, axis=-1).min(axis=1)
        spacing = np.linalg.norm(np.ptp(candidates, axis=0)) / per_side
        if room.max() > 1.5 * spacing:
            found[frame] = candidates[room.argmax()]
    return found


def gizmo_tip(report: Report, box: Box, frame: int) -> tuple[np.ndarray, np.ndarray]:
    """Foot and tip of the arrow along a camera's own x axis, pixels of the window."""
    pose = np.array(report["poses"][frame])
    centre = -pose[:, :3].T @ pose[:, 3]
    view = np.array(report["view"]["pose"])
    depth = (view[:, :3] @ centre + view[:, 3])[2]
    focal = 0.5 * box[3] / math.tan(0.5 * report["view"]["field_of_view"])
    along = pose[0, :3] * depth * LOOK.gizmo_pixels / focal
    foot, tip = project(report, box, np.stack([centre + 0.2 * along, centre + along]))
    return foot, tip


def apart(one: Box, other: Box) -> bool:
    """Whether two boxes do not overlap."""
    across = one[0] + one[2] <= other[0] or other[0] + other[2] <= one[0]
    return across or one[1] + one[3] <= other[1] or other[1] + other[3] <= one[1]
