"""Gaussians as a PLY file of 3D Gaussian splatting: what viewers and editors of splats read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.export.splats.gaussians import COLOUR, DIRECTIONAL, LOG_SCALE, OPACITY, POSITION, QUATERNION, Gaussians

PROPERTIES = (
    *("x", "y", "z", "nx", "ny", "nz"),
    *(f"f_dc_{channel}" for channel in range(3)),
    *(f"f_rest_{number}" for number in range(9)),
    "opacity",
    *(f"scale_{axis}" for axis in range(3)),
    *(f"rot_{number}" for number in range(4)),
)
BYTES = 4 * len(PROPERTIES)  # of one Gaussian


def write_splats(gaussians: Gaussians, path: Path) -> None:
    """Writes a binary PLY file in the layout of the method's authors, with spherical harmonics up to degree 1.

    Scales are logarithms, opacities logits, quaternions (w, x, y, z) of length 1; `f_rest` has the three linear
    harmonics of red, then of green, then of blue; normals are zeros, as in the authors' files.

    Raises:
        OSError: the file cannot be written.
    """
    rows, count = gaussians.rows, len(gaussians)
    quaternions = rows[:, QUATERNION] / np.linalg.norm(rows[:, QUATERNION], axis=1, keepdims=True)
    by_channel = rows[:, DIRECTIONAL].reshape(count, 3, 3).transpose(0, 2, 1).reshape(count, 9)
    columns = [
        *(rows[:, POSITION], np.zeros((count, 3), np.float32), rows[:, COLOUR], by_channel),
        *(rows[:, OPACITY, None], rows[:, LOG_SCALE], quaternions),
    ]
    header = "\n".join(
        [
            *("ply", "format binary_little_endian 1.0", f"element vertex {count}"),
            *(f"property float {name}" for name in PROPERTIES),
            "end_header\n",
        ]
    )
    with path.open("wb") as file:
        file.write(header.encode("ascii"))
        file.write(np.concatenate(columns, axis=1).astype("<f4").tobytes())
