"""The warp field of a frame as displacements on its image: by the local warps, and by the pose fitted to them.

Every lattice point u of the image plane (depth 1) is taken into the world by its own rigid warp, x(u) = o(u) + d(u),
and by the fitted global transform, x*(u) = o* + d*(u). With K from the image plane to pixels and T0 the pose that the
frame began with, all in pixels of the scene's photos:

    local(u)    = K(T0 x(u))  - K(u)    by the local warps, since the start
    fitted(u)   = K(T0 x*(u)) - K(u)    by the one rigid motion of the camera that is fitted to them
    residual(u) = K(T* x(u))  - K(u)    between the two, seen by the fitted camera T*

The residual's length is the engine's `residual_px`; it is not exactly local - fitted, which are seen from T0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from engine.geometry.intrinsics import Intrinsics
from engine.geometry.rays import project
from engine.messages import WarpSnapshot


@dataclass(frozen=True)
class WarpVectors:
    """Displacements on one frame's image, pixels, x right and y down; NaN where a camera does not see the point.

    Attributes:
        places: of the lattice points on the image.
        columns, rows: of the lattice; points go row by row.
    """

    places: Float[np.ndarray, "points 2"]
    local: Float[np.ndarray, "points 2"]
    fitted: Float[np.ndarray, "points 2"]
    residual: Float[np.ndarray, "points 2"]
    columns: int
    rows: int


def compute_warp_vectors(warp: WarpSnapshot, intrinsics: Intrinsics, initial: Float[np.ndarray, "3 4"]) -> WarpVectors:
    """The displacements of a warp snapshot.

    Args:
        warp: of one frame.
        intrinsics: of that frame alone (`scene.intrinsics[i : i + 1]`).
        initial: the pose that the frame began with, world to camera.
    """
    plane = np.concatenate([warp.points, np.ones_like(warp.points[:, :1])], axis=1).astype(np.float64)
    # The global rays are R^T (u, 1) from -R^T t, from which R and t are recovered.
    rotation = np.linalg.lstsq(plane, warp.global_directions.astype(np.float64), rcond=None)[0]
    centre = warp.global_origins.astype(np.float64).mean(axis=0)
    pose = np.concatenate([rotation, -(rotation @ centre)[:, None]], axis=1)
    local = warp.local_origins.astype(np.float64) + warp.local_directions
    fitted = warp.global_origins.astype(np.float64) + warp.global_directions
    places, _ = _pixels(plane, np.eye(3, 4), intrinsics)
    columns = count_lattice_columns(places)
    return WarpVectors(
        places=places,
        local=_moved(local, initial, intrinsics, places),
        fitted=_moved(fitted, initial, intrinsics, places),
        residual=_moved(local, pose, intrinsics, places),
        columns=columns,
        rows=len(places) // columns,
    )


def count_lattice_columns(places: Float[np.ndarray, "points 2"]) -> int:
    """How many points a row of the lattice has: x grows along a row and falls back at the next one."""
    back = np.flatnonzero(np.diff(places[:, 0]) < 0)
    return int(back[0]) + 1 if len(back) else len(places)


def _moved(
    points: Float[np.ndarray, "points 3"],
    pose: Float[np.ndarray, "3 4"],
    intrinsics: Intrinsics,
    places: Float[np.ndarray, "points 2"],
) -> Float[np.ndarray, "points 2"]:
    pixels, depth = _pixels(points, pose, intrinsics)
    moved = pixels - places
    far = np.hypot(intrinsics.width, intrinsics.height)  # farther away the projection is meaningless
    seen = (depth > 0) & (np.abs(moved) < far).all(axis=1)
    return np.where(seen[:, None], moved, np.nan)


def _pixels(
    points: Float[np.ndarray, "points 3"], pose: Float[np.ndarray, "3 4"], intrinsics: Intrinsics
) -> tuple[Float[np.ndarray, "points 2"], Float[np.ndarray, " points"]]:
    double = torch.float64
    lens = (intrinsics.focal.to(double), intrinsics.centre.to(double))
    bent = intrinsics.distortion.to(double) if intrinsics.distorted else None
    pixels, depth = project(torch.from_numpy(points)[None], torch.from_numpy(pose).to(double)[None], *lens, bent)
    return pixels[0].numpy(), depth[0].numpy()
