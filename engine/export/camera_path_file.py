"""A camera path on disk: the keys that a flight goes through, as the window's user chose them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import UserError
from engine.geometry.view_camera import ViewCamera
from engine.system.files import write_json

PATH_FILE = "camera_path.json"  # in a run's folder
FORMAT = "l2g-viewer camera path"
MOST_KEYS, LARGEST_SIDE, LARGEST_FILE = 10_000, 16_384, 20_000_000  # pixels; bytes


def write_path(keys: Sequence[ViewCamera], path: Path, closed: bool = False) -> None:
    """Writes the keys; poses are world-to-camera in the run's own world.

    Raises:
        UserError: the file could not be written.
    """
    listed = [
        {"world_to_camera": key.world_to_camera, "focal": key.focal, "centre": key.centre, "size": key.size}
        for key in keys
    ]
    write_json(path, {"format": FORMAT, "closed": closed, "keys": listed})


def read_path(path: Path) -> tuple[list[ViewCamera], bool]:
    """The keys, one at least, and whether the path is closed.

    Raises:
        UserError: there is no such file, or it is something else.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ValueError("too large")
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT or not 1 <= len(content["keys"]) <= MOST_KEYS:
            raise ValueError("another format, or no keys")
        return [_key(entry) for entry in content["keys"]], bool(content["closed"])
    except FileNotFoundError as error:
        raise UserError(f"There is no camera path {path}; set keys in the window's novel view first.") from error
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise UserError(f"{path} is damaged or no camera path of l2g-viewer ({error}); record it again.") from error


def _key(entry: dict[str, Any]) -> ViewCamera:
    pose = np.array(entry["world_to_camera"], np.float32)
    focal, centre = (tuple(float(value) for value in entry[name]) for name in ("focal", "centre"))
    width, height = (int(side) for side in entry["size"])
    numbers = [*focal, *centre]
    if pose.shape != (3, 4) or len(numbers) != 4 or not np.isfinite([*pose.flat, *numbers]).all():
        raise ValueError("a pose, focal length or centre that is none")
    if np.abs(pose[:, :3] @ pose[:, :3].T - np.eye(3)).max() > 1e-3 or np.linalg.det(pose[:, :3]) < 0:
        raise ValueError("a pose that is no rotation")
    if min(focal) <= 0 or not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
        raise ValueError("a picture without size")
    return ViewCamera(pose, (focal[0], focal[1]), (centre[0], centre[1]), (width, height))
