"""Where cameras and the gizmo are in the window, by projection: written down once more, apart from the program."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from app.pictures_of_run import GIZMO_PIXELS
from app.scene_scale import scale_of
from engine.scenes import load_scene
from engine.scenes.options import SceneOptions
from tests.gui.viewer import FERN, Box, Report


@cache
def frustum_depth() -> float:
    """Length of the fern's frusta, scene units."""
    return scale_of(load_scene(FERN, SceneOptions(downscale=2))).frustum_depth


def project(report: Report, box: Box, points: np.ndarray) -> np.ndarray:
    """Pixels of the window where points of the world are seen in the 3D view; (points, 2)."""
    pose, angle = np.array(report["view"]["pose"]), report["view"]["field_of_view"]
    left, top, width, height = box
    seen = points @ pose[:, :3].T + pose[:, 3]
    focal = 0.5 * height / math.tan(0.5 * angle)
    return np.array([left + width / 2, top + height / 2]) + focal * seen[:, :2] / seen[:, 2:]


def frame_places(report: Report, box: Box) -> np.ndarray:
    """The middles of the photos in their frusta, pixels of the window."""
    poses = np.array(report["poses"])
    ahead = np.array([0.0, 0.0, frustum_depth()])
    middles = np.einsum("fij,fi->fj", poses[:, :, :3], ahead - poses[:, :, 3])
    return project(report, box, middles)


def gizmo_tip(report: Report, box: Box, frame: int) -> tuple[np.ndarray, np.ndarray]:
    """Foot and tip of the arrow along a camera's own x axis, pixels of the window."""
    pose = np.array(report["poses"][frame])
    centre = -pose[:, :3].T @ pose[:, 3]
    view = np.array(report["view"]["pose"])
    depth = (view[:, :3] @ centre + view[:, 3])[2]
    focal = 0.5 * box[3] / math.tan(0.5 * report["view"]["field_of_view"])
    along = pose[0, :3] * depth * GIZMO_PIXELS / focal
    foot, tip = project(report, box, np.stack([centre + 0.2 * along, centre + along]))
    return foot, tip


def apart(one: Box, other: Box) -> bool:
    """Whether two boxes do not overlap."""
    across = one[0] + one[2] <= other[0] or other[0] + other[2] <= one[0]
    return across or one[1] + one[3] <= other[1] or other[1] + other[3] <= one[1]
