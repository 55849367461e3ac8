"""Displacements in pixels as colours: the direction is the hue, the length the opacity, on one fixed log scale.

The scale never adapts to what is shown, so that a warp that softens gains colour and one that stiffens pales.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32

PALEST_PX, FULLEST_PX = 0.003, 30.0  # lengths of no and of full colour: from invisible to a gross error, 4 decades
RINGS_PX = (0.01, 0.1, 1.0, 10.0)  # lengths whose rings are drawn into the wheel


def find_strength(lengths: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    """0 for `PALEST_PX` pixels and less to 1 for `FULLEST_PX` and more, logarithmic; 1 for NaN."""
    clipped = np.minimum(np.maximum(lengths, PALEST_PX), FULLEST_PX)
    return np.nan_to_num(np.log(clipped / PALEST_PX) / np.log(FULLEST_PX / PALEST_PX), nan=1.0)


def colour_displacements(vectors: Float[np.ndarray, "*any 2"]) -> Float32[np.ndarray, "*any 4"]:
    """RGBA in [0, 1] of displacements (x right, y down): alpha is the strength; what is not finite is dark grey.

    Right is red, down is green to yellow, left is cyan, up is violet: a turn of the camera gives the whole image one
    colour, a roll or a shift along the optical axis all colours of the wheel.
    """
    vectors = np.asarray(vectors, np.float32)
    lengths = np.sqrt(np.square(vectors).sum(axis=-1))
    unit = vectors / np.maximum(lengths, 1e-9)[..., None]
    found = np.empty((*lengths.shape, 4), np.float32)
    # cos(hue - offset) of a direction is linear in it: no angle is needed
    found[..., :3] = np.clip(0.58 + 0.5 * unit @ _TOWARDS, 0.0, 1.0)
    found[..., 3] = find_strength(lengths)
    found[~np.isfinite(lengths), :3] = 0.25
    return found


def draw_wheel(size: int) -> Float32[np.ndarray, "size size 4"]:
    """The legend: a disc of all directions and lengths in their colours, with rings at `RINGS_PX`.

    RGBA in [0, 1], transparent outside of the disc.
    """
    axis = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = np.meshgrid(axis, axis)
    radius = np.hypot(x, y)
    reach = PALEST_PX * (FULLEST_PX / PALEST_PX) ** np.clip(radius, 0, 1)
    unit = np.stack([x, y], axis=-1) / np.maximum(radius, 1e-6)[..., None]
    found = colour_displacements(unit * reach[..., None])
    rgb = found[..., :3] * found[..., 3:] + 0.12 * (1 - found[..., 3:])
    for ring in RINGS_PX:
        near = np.abs(radius - float(find_strength(np.array(ring)))) < 1.2 / size
        rgb[near] = 0.5 * rgb[near] + 0.5
    edge = np.clip((1 - radius) * size / 2, 0, 1)  # one pixel of soft rim
    return np.concatenate([rgb, edge[..., None]], axis=-1).astype(np.float32)


_HUES = 2 * np.pi * np.array([0.0, 1 / 3, 2 / 3])  # at which red, green and blue are brightest
_TOWARDS = np.stack([np.cos(_HUES), np.sin(_HUES)]).astype(np.float32)
