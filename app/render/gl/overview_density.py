"""Which part of a volume is shown among the cameras: the surfaces they see, not the haze in space they do not see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float16, Float32

from engine.fields.baking import FieldVolume


@dataclass(frozen=True)
class OverviewOptions:
    """Which density is shown in the overview.

    Attributes:
        haze: densities per voxel: below the first nothing is shown, above the second everything, in between a share.
            The field fills space that no camera sees with densities of this size.
        most_voxels: per side; an overview a few hundred pixels wide shows no finer detail.
        visible_depth: optical depth up to which a surface is shown although its own front lies before it.
    """

    haze: tuple[float, float] = (0.1, 0.5)
    most_voxels: int = 200
    visible_depth: float = 1.5


OPTIONS = OverviewOptions()


def compute_overview_density(volume: FieldVolume) -> Float16[np.ndarray, "depth height width"]:
    """Density to be shown, on the volume's lattice or a coarser one whose corners are about the same.

    Where all cameras look along one axis, the space behind a surface was never learned and holds arbitrary density.
    In a projective volume density is therefore multiplied by the transmittance from there to the world's origin, near
    which the cameras stand.
    """
    density, (low, high) = _density(volume), OPTIONS.haze
    thick = np.clip((density - low) / (high - low), 0, 1)
    if volume.space == "projective":
        nearer = np.cumsum(density[::-1], axis=0)[::-1] - density  # planes count from infinity
        thick *= np.exp(-np.maximum(nearer - OPTIONS.visible_depth, 0))
    return (density * thick).astype(np.float16)


def _density(volume: FieldVolume) -> Float32[np.ndarray, "depth height width"]:
    """Density per voxel: the pooled one where there is one, otherwise every n-th voxel's.

    Beside a detail the pooled one counts per voxel of the detail, and is thinner: an average over larger blocks.
    """
    if volume.proposal_density is not None and volume.detail is None:
        return volume.proposal_density.astype(np.float32)
    steps = [-(-size // OPTIONS.most_voxels) for size in volume.voxels.shape[:3]]
    raw = volume.voxels[:: steps[0], :: steps[1], :: steps[2], 0].astype(np.float32)
    return softplus(raw)


def softplus(raw: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Density of raw values: log(1 + exp(raw)), per voxel."""
    return np.logaddexp(raw, np.float32(0))
