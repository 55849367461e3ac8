"""What of a volume is worth showing among the cameras: surfaces that they see, not the fog they know nothing of."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float16, Float32

from engine.fields.baking import FieldVolume

FOG = (0.1, 0.5)  # density per voxel: below the one nothing is shown, from the other on all of it
FINEST = 200  # voxels a side are enough for an overview
SURFACE = 1.5  # optical depth of a surface that stays visible beneath its own front


def overview_density(volume: FieldVolume) -> Float16[np.ndarray, "depth height width"]:
    """Density on the volume's lattice or a coarser one, corners on about the same corners.

    Where cameras look along one axis, what they cannot see was never learned: behind a surface there is fog, drawn out
    to the end of the world. Density in a projective volume is therefore weighed by how much light comes from there to
    the world's origin, near which the cameras stand.
    """
    density = _density(volume)
    thick = np.clip((density - FOG[0]) / (FOG[1] - FOG[0]), 0, 1)
    if volume.space == "projective":
        nearer = np.cumsum(density[::-1], axis=0)[::-1] - density  # planes count from infinity
        thick *= np.exp(-np.maximum(nearer - SURFACE, 0))
    return (density * thick).astype(np.float16)


def _density(volume: FieldVolume) -> Float32[np.ndarray, "depth height width"]:
    if volume.proposal_density is not None:
        return volume.proposal_density.astype(np.float32)
    steps = [-(-size // FINEST) for size in volume.voxels.shape[:3]]
    raw = volume.voxels[:: steps[0], :: steps[1], :: steps[2], 0].astype(np.float32)
    return softplus(raw)


def softplus(raw: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Density of raw values."""
    return np.logaddexp(raw, np.float32(0))
