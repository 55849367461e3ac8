"""A camera path on disk: the key views that the user of the window has set for a video."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import UserError
from engine.geometry.view_camera import ViewCamera
from engine.system.files import write_json

PATH_FILE = "camera_path.json"
"""Name of the file in the folder of a run."""

_FORMAT = "l2g-viewer camera path"


@dataclass(frozen=True)
class PathLimits:
    """What is refused in a camera path, so that a damaged file cannot exhaust the memory.

    Attributes:
        keys: most key views.
        side: longest side of a view, pixels.
        file: largest file, bytes.
        orthogonality: largest difference of R R^T from the identity.
    """

    keys: int = 10_000
    side: int = 16_384
    file: int = 20_000_000
    orthogonality: float = 1e-3


LIMITS = PathLimits()


def write_path(keys: Sequence[ViewCamera], path: Path, closed: bool = False) -> None:
    """Writes key views; their poses are world-to-camera in the world of the run.

    Raises:
        UserError: the file cannot be written.
    """
    listed = [
        {"world_to_camera": key.world_to_camera, "focal": key.focal, "centre": key.centre, "size": key.size}
        for key in keys
    ]
    write_json(path, {"format": _FORMAT, "closed": closed, "keys": listed})


def read_path(path: Path) -> tuple[list[ViewCamera], bool]:
    """The key views, at least one, and whether the path is closed.

    Raises:
        UserError: there is no such file, or it is damaged or of another format.
    """
    try:
        if path.stat().st_size > LIMITS.file:
            raise ValueError("the file is too large")
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != _FORMAT or not 1 <= len(content["keys"]) <= LIMITS.keys:
            raise ValueError("another format, no keys or too many")
        return [_parse_key(entry) for entry in content["keys"]], bool(content["closed"])
    except FileNotFoundError as error:
        raise UserError(f"There is no camera path {path}; set keys in the window's novel view first.") from error
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise UserError(f"{path} is damaged or no camera path of l2g-viewer ({error}); record it again.") from error


def _parse_key(entry: dict[str, Any]) -> ViewCamera:
    pose = np.array(entry["world_to_camera"], np.float32)
    focal, centre = (tuple(float(value) for value in entry[name]) for name in ("focal", "centre"))
    width, height = (int(side) for side in entry["size"])
    numbers = [*focal, *centre]
    if pose.shape != (3, 4) or len(numbers) != 4 or not np.isfinite([*pose.flat, *numbers]).all():
        raise ValueError("a pose, focal length or centre is not valid")
    if np.abs(pose[:, :3] @ pose[:, :3].T - np.eye(3)).max() > LIMITS.orthogonality or np.linalg.det(pose[:, :3]) < 0:
        raise ValueError("a pose is not a rotation")
    if min(focal) <= 0 or not (1 <= width <= LIMITS.side and 1 <= height <= LIMITS.side):
        raise ValueError("the size or focal length of a view is not valid")
    return ViewCamera(pose, (focal[0], focal[1]), (centre[0], centre[1]), (width, height))
