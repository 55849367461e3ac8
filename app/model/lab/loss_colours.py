"""Losses as colours: low ones dark, high ones bright, on a logarithmic scale."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32

# Anchors of a ramp whose lightness grows evenly (after viridis of matplotlib, which is in the public domain).
_RAMP = np.array(
    [(68, 1, 84), (65, 68, 135), (42, 120, 142), (34, 168, 132), (122, 209, 81), (253, 231, 37)], np.float32
)
_LEAST_RATIO = 1.05  # of the largest loss to the smallest that the ramp spans: flatter ones do not look steep


def colour_losses(losses: Float[np.ndarray, "rows columns"]) -> Float32[np.ndarray, "rows columns 4"]:
    """RGBA in [0, 1]; transparent where nothing is known."""
    known = np.isfinite(losses) & (losses > 0)
    found = np.zeros((*losses.shape, 4), np.float32)
    if known.any():
        low, high = float(losses[known].min()), float(losses[known].max())
        logs = np.log(np.where(known, losses, low) / low)
        found[..., :3] = colour_shares(logs / np.log(max(high / low, _LEAST_RATIO)))
        found[..., 3] = known
    return found


def colour_shares(shares: Float[np.ndarray, "*batch"]) -> Float32[np.ndarray, "*batch 3"]:
    """RGB in [0, 1] of numbers in [0, 1]."""
    at = np.linspace(0, 1, len(_RAMP))
    channels = [np.interp(shares, at, _RAMP[:, channel]) for channel in range(3)]
    return (np.stack(channels, axis=-1) / 255).astype(np.float32)
