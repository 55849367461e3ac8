"""Reference poses that lie beside bare photos, in files that only tests read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

DESK = Path(__file__).parents[3] / "scenes" / "desk"


class Reference(NamedTuple):
    """What such a file says.

    Attributes:
        names: of the photos.
        poses: world-to-camera, OpenCV axes, double precision.
        focal: fx and fy in pixels of the photos.
        size: (width, height) of the photos, pixels.
    """

    names: tuple[str, ...]
    poses: Float[Tensor, "frames 3 4"]
    focal: tuple[float, float]
    size: tuple[int, int]


def read_reference(file: Path = DESK / "reference.json") -> Reference:
    """Reads a file with nerfstudio's keys, whatever its name."""
    content = json.loads(file.read_text())
    names = tuple(Path(frame["file_path"]).name for frame in content["frames"])
    matrices = torch.tensor([frame["transform_matrix"] for frame in content["frames"]], dtype=torch.float64)
    rotation = (matrices[:, :3, :3] * torch.tensor([1.0, -1.0, -1.0], dtype=torch.float64)).mT
    poses = torch.cat([rotation, -rotation @ matrices[:, :3, 3:]], dim=-1)
    return Reference(names, poses, (content["fl_x"], content["fl_y"]), (content["w"], content["h"]))
