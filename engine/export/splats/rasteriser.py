"""Pictures of Gaussians on the CPU, and their gradients."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float32, Int32, Int64

from engine.export.splats import kernels, projection_kernels
from engine.export.splats.camera import SplatCamera
from engine.export.splats.gaussians import COLUMNS, Gaussians


@dataclass(frozen=True)
class Picture:
    """A picture of Gaussians, with what its gradient needs.

    Attributes:
        image: RGB; at least 0, and above 1 where the colours of the Gaussians are.
        left_over: the share of the background in each pixel, in [0, 1].
    """

    image: Float32[np.ndarray, "height width 3"]
    left_over: Float32[np.ndarray, "height width"]
    gaussians: Gaussians
    camera: SplatCamera
    projected: Float32[np.ndarray, "gaussians 9"]
    bounds: Int32[np.ndarray, "gaussians 4"]
    first: Int64[np.ndarray, " gaussians_and_one"]
    starts: Int64[np.ndarray, " tiles_and_one"]
    ends: Int64[np.ndarray, " tiles"]
    listed: Int32[np.ndarray, "entries 2"]

    @cached_property
    def columns(self) -> int:
        """Tiles in a row of tiles."""
        return -(-self.camera.width // kernels.TILE)


def _eye(camera: SplatCamera) -> Float32[np.ndarray, " 3"]:
    pose = camera.world_to_camera
    return -(pose[:, :3].T @ pose[:, 3])


def draw(gaussians: Gaussians, camera: SplatCamera, background: Float32[np.ndarray, " 3"]) -> Picture:
    """Draws Gaussians before a background of one colour (RGB in [0, 1]).

    Uses the threads that Numba is set to. The same Gaussians give the same picture.
    """
    count, width, height = len(gaussians), camera.width, camera.height
    projected, depths = np.empty((count, 9), np.float32), np.empty(count, np.float32)
    bounds = np.empty((count, 4), np.int32)
    seen_by = (gaussians.rows, camera.world_to_camera, _eye(camera), camera.lens, width, height)
    projection_kernels.project(*seen_by, np.float32(camera.nearest), projected, depths, bounds)
    columns, lines = -(-width // kernels.TILE), -(-height // kernels.TILE)
    first, starts = kernels.count_tiles(bounds, columns, columns * lines)
    visible = np.flatnonzero(np.diff(first))
    order = visible[np.argsort(depths[visible], kind="stable")]
    listed = kernels.fill_tiles(bounds, order, columns, first, starts)
    image, left_over = np.empty((height, width, 3), np.float32), np.empty((height, width), np.float32)
    ends = np.empty(columns * lines, np.int64)
    kernels.blend(projected, bounds, listed, starts, columns, background, image, left_over, ends)
    return Picture(image, left_over, gaussians, camera, projected, bounds, first, starts, ends, listed)


def differentiate(
    picture: Picture, by_image: Float32[np.ndarray, "height width 3"]
) -> tuple[Float32[np.ndarray, "gaussians 23"], Float32[np.ndarray, " gaussians"]]:
    """The gradient of a number by the parameters of the Gaussians, from that by the picture.

    Returns:
        the gradient, in the order of `Gaussians.rows`; and the largest weight of each Gaussian in a pixel, in [0, 1]:
        0 for those that do not show.
    """
    entries = np.zeros((len(picture.listed), 10), np.float32)
    kernels.differentiate_blend(
        *(picture.projected, picture.bounds, picture.listed, picture.starts, picture.columns),
        *(picture.image, by_image, picture.ends, entries),
    )
    camera, rows = picture.camera, picture.gaussians.rows
    gradient, weights = np.empty((len(rows), COLUMNS), np.float32), np.empty(len(rows), np.float32)
    projection_kernels.differentiate_projection(
        *(rows, camera.world_to_camera, _eye(camera), camera.lens, camera.width, camera.height),
        *(picture.first, entries, gradient, weights),
    )
    return gradient, weights
