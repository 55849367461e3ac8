"""A cloud of 3D Gaussians, in the parameters of 3D Gaussian splatting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32

COLUMNS = 23
POSITION, LOG_SCALE, QUATERNION = slice(0, 3), slice(3, 6), slice(6, 10)
OPACITY = 10
COLOUR, DIRECTIONAL = slice(11, 14), slice(14, 23)
CONSTANT_HARMONIC = 0.28209479177387814  # spherical harmonic of degree 0: 1 / (2 sqrt(pi))
LINEAR_HARMONIC = 0.4886025119029199  # factor of those of degree 1: sqrt(3 / (4 pi))


@dataclass(frozen=True)
class Gaussians:
    """Gaussians, one a row.

    Columns: position; logarithms of the three standard deviations; quaternion (w, x, y, z; any length but 0) from the
    Gaussian's axes to the world's; logit of the opacity; coefficient of the constant spherical harmonic for R, G, B;
    those of the three linear harmonics, each for R, G, B. Colours are 0.5 plus the sum of harmonics, at least 0; the
    linear ones are -y, z and -x of the unit direction from the camera to the Gaussian, times `LINEAR_HARMONIC`.

    Reference:
        Kerbl et al., 3D Gaussian Splatting for Real-Time Radiance Field Rendering, 2023; order and signs as in its
        files.
    """

    rows: Float32[np.ndarray, "gaussians 23"]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def positions(self) -> Float32[np.ndarray, "gaussians 3"]:
        """In the world, as a view."""
        return self.rows[:, POSITION]

    @property
    def scales(self) -> Float32[np.ndarray, "gaussians 3"]:
        """Standard deviations along the axes of the Gaussians, units of the world."""
        return np.exp(self.rows[:, LOG_SCALE])

    @property
    def opacities(self) -> Float32[np.ndarray, " gaussians"]:
        """In (0, 1)."""
        return 1 / (1 + np.exp(-self.rows[:, OPACITY]))

    def chosen(self, kept: Bool[np.ndarray, " gaussians"]) -> Gaussians:
        """Some of them, copied."""
        return Gaussians(self.rows[kept])
