"""What a sparse model of COLMAP holds, as far as a scene needs it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import roma
import torch
from jaxtyping import Float
from torch import Tensor

# Camera model by its number in binary files -> its name and number of parameters.
CAMERA_MODELS = {
    0: ("SIMPLE_PINHOLE", 3),
    1: ("PINHOLE", 4),
    2: ("SIMPLE_RADIAL", 4),
    3: ("RADIAL", 5),
    4: ("OPENCV", 8),
    5: ("OPENCV_FISHEYE", 8),
    6: ("FULL_OPENCV", 12),
    7: ("FOV", 5),
    8: ("SIMPLE_RADIAL_FISHEYE", 4),
    9: ("RADIAL_FISHEYE", 5),
    10: ("THIN_PRISM_FISHEYE", 12),
    11: ("RAD_TAN_THIN_PRISM_FISHEYE", 16),
    12: ("SIMPLE_DIVISION", 4),
    13: ("DIVISION", 5),
    14: ("SIMPLE_FISHEYE", 3),
    15: ("FISHEYE", 4),
    16: ("EUCM", 6),
    17: ("EQUIRECTANGULAR", 2),
}


@dataclass(frozen=True)
class ModelCamera:
    """A camera: the name of its model, the size of its images in pixels, and its parameters in COLMAP's order."""

    model: str
    width: int
    height: int
    parameters: tuple[float, ...]


@dataclass(frozen=True)
class ModelImage:
    """A registered image.

    Attributes:
        name: path relative to the folder of the images.
        camera: number of its camera.
        rotation: unit quaternion (w, x, y, z), world-to-camera; as written, so perhaps of another length or NaN.
        translation: world-to-camera; perhaps NaN.
    """

    name: str
    camera: int
    rotation: tuple[float, float, float, float]
    translation: tuple[float, float, float]

    def find_pose(self) -> Float[Tensor, "3 4"]:
        """The world-to-camera pose, double precision; NaN where the rotation is none."""
        quaternion = torch.tensor(self.rotation, dtype=torch.float64)
        if not math.isfinite(norm := quaternion.norm().item()) or norm < 1e-6:
            return torch.full((3, 4), math.nan, dtype=torch.float64)
        rotation = roma.unitquat_to_rotmat((quaternion / norm).roll(-1))
        return torch.cat([rotation, torch.tensor(self.translation, dtype=torch.float64)[:, None]], dim=-1)


@dataclass
class ModelContents:
    """A sparse model.

    Attributes:
        cameras: by number.
        images: in the order of the file.
        points: in the same world, double precision; those that are not finite are left out.
    """

    cameras: dict[int, ModelCamera] = field(default_factory=dict)
    images: list[ModelImage] = field(default_factory=list)
    points: Float[np.ndarray, "points 3"] = field(default_factory=lambda: np.zeros((0, 3)))
