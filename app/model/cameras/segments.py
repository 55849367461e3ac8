"""Coloured line segments as arrays: frusta, links, trails, rays, points, grid and axes of the 3D view."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from app.model.common.pictures import Ground, PointCloud, RayBundle

# start, end, start colour, end colour, width: what `line.vert.glsl` takes per segment
Segments = Float32[np.ndarray, "segments 15"]
Colours = Float[np.ndarray, "*#segments 4"]
Planes = tuple[float, float] | Float[np.ndarray, "*frames 2"]  # half width and half height of photos at depth 1

# corners of a frustum: apex, image plane clockwise from the top left, then foot, tip and foot of the mark for up
EDGES: Int[np.ndarray, "10 2"] = np.array(
    [(0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (2, 3), (3, 4), (4, 1), (5, 6), (7, 6)]
)
AXIS_COLOURS: Float32[np.ndarray, "3 4"] = np.array(
    [(0.90, 0.33, 0.31, 1.0), (0.44, 0.76, 0.32, 1.0), (0.31, 0.56, 0.93, 1.0)], np.float32
)
RAY_OPACITY = (0.75, 0.15)  # at a ray's origin and at its far end
DASHES = 6  # of an edge of a dashed frustum
GRID_COLOUR = (0.62, 0.68, 0.76, 0.22)


def make_segments(
    starts: Float[np.ndarray, "*segments 3"],
    ends: Float[np.ndarray, "*segments 3"],
    colours: Colours,
    width: Float[np.ndarray, "*#segments"] | float,
    end_colours: Colours | None = None,
) -> Segments:
    """Packs segments as rows of `Segments`; those that are not finite are left out.

    Args:
        starts, ends: in the world.
        colours: RGBA in [0, 1], at the starts; at the ends too where `end_colours` is None.
        width: pixels.
    """
    packed = np.empty((*starts.shape[:-1], 15), np.float32)
    packed[..., 0:3], packed[..., 3:6] = starts, ends
    packed[..., 6:10], packed[..., 10:14] = colours, colours if end_colours is None else end_colours
    packed[..., 14] = width
    packed = packed.reshape(-1, 15)
    return packed[np.isfinite(packed).all(axis=1)]


def dash_segments(segments: Segments, dashes: int = DASHES) -> Segments:
    """The same lines as `dashes` dashes each, with gaps of the same length between them."""
    places = np.linspace(0.0, 1.0, 2 * dashes)  # of the ends of the dashes: a line begins and ends with one
    parts = []
    for begin, end in zip(places[::2], places[1::2], strict=True):
        part = segments.copy()
        along = segments[:, 3:6] - segments[:, :3]
        part[:, :3], part[:, 3:6] = segments[:, :3] + begin * along, segments[:, :3] + end * along
        parts.append(part)
    return join_segments(parts)


def join_segments(parts: Sequence[Segments]) -> Segments:
    """All segments of the parts, in order."""
    return np.concatenate([np.empty((0, 15), np.float32), *parts])


def find_usable(poses: Float[np.ndarray, "frames 3 4"]) -> Bool[np.ndarray, " frames"]:
    """Which poses are finite."""
    return np.isfinite(poses).all(axis=(1, 2))


def find_camera_centres(poses: Float[np.ndarray, "frames 3 4"]) -> Float[np.ndarray, "frames 3"]:
    """Centres -R^T t of world-to-camera poses."""
    return -np.einsum("fij,fi->fj", poses[:, :, :3], poses[:, :, 3])


def make_frustum_corners(
    poses: Float[np.ndarray, "frames 3 4"], image_plane: Planes, depth: float
) -> Float[np.ndarray, "frames 8 3"]:
    """The points in the world between which `EDGES` run: apex, image plane, foot, tip and foot of the up mark.

    Args:
        poses: world-to-camera.
        image_plane: half width and half height of the photos at depth 1, of all or of each.
        depth: length of the frusta.
    """
    x, y = np.broadcast_to(np.asarray(image_plane, poses.dtype), (len(poses), 2)).T
    tip, foot, none = -y - 0.32 * np.minimum(x, y), 0.28 * np.minimum(x, y), np.zeros_like(x)
    plane = [(-x, -y), (x, -y), (x, y), (-x, y), (-foot, -1.06 * y), (none, tip), (foot, -1.06 * y)]
    corners = [(none, none, none), *((u, v, none + 1) for u, v in plane)]
    local = depth * np.array(corners, poses.dtype).transpose(2, 0, 1)
    return find_camera_centres(poses)[:, None] + np.einsum("fij,fci->fcj", poses[:, :, :3], local)


def make_frustum_segments(
    poses: Float[np.ndarray, "frames 3 4"],
    colours: Float[np.ndarray, "frames 4"],
    image_plane: Planes,
    depth: float,
    width: float,
    *,
    up_mark: bool = True,
) -> Segments:
    """The edges of frusta; `width` in pixels."""
    corners = make_frustum_corners(poses, image_plane, depth)[:, EDGES if up_mark else EDGES[:8]]
    return make_segments(corners[:, :, 0], corners[:, :, 1], colours[:, None], width)


def make_link_segments(
    poses: Float[np.ndarray, "frames 3 4"],
    reference: Float[np.ndarray, "frames 3 4"],
    colours: Float[np.ndarray, "frames 4"],
    end_colours: Float[np.ndarray, "frames 4"],
    width: float,
) -> Segments:
    """Lines from each fitted centre to its reference centre; `width` in pixels."""
    return make_segments(find_camera_centres(poses), find_camera_centres(reference), colours, width, end_colours)


def make_trail_segments(
    trails: Float[np.ndarray, "frames moments 3"], colours: Float[np.ndarray, "frames 4"], width: float
) -> Segments:
    """Lines along trails; the colours' opacity is multiplied by 0.06 at the oldest moment to 0.7 at the newest."""
    moments = trails.shape[1]
    if moments < 2:
        return join_segments([])
    age = np.linspace(1.0, 0.0, moments)
    shades = np.repeat(colours[:, None], moments, axis=1)
    shades[..., 3] *= 0.06 + 0.64 * (1 - age) ** 1.5
    starts, ends = trails[:, :-1], trails[:, 1:]
    moved = (starts != ends).any(axis=-1)
    return make_segments(starts[moved], ends[moved], shades[:, :-1][moved], width, shades[:, 1:][moved])


def make_ray_segments(rays: RayBundle, width: float) -> Segments:
    """Lines along rays, with opacity that falls towards their far ends; `width` in pixels."""
    directions = rays.directions / np.linalg.norm(rays.directions, axis=1, keepdims=True)
    near, far = (rays.colours * np.array([1, 1, 1, opacity], np.float32) for opacity in RAY_OPACITY)
    return make_segments(rays.origins, rays.origins + rays.length * directions, near, width, far)


def make_point_segments(points: PointCloud, width: float) -> Segments:
    """Points as segments of no length, which are drawn as round dots of `width` pixels."""
    return make_segments(points.places, points.places, points.colours, width)


def find_ground_axes(ground: Ground) -> Float[np.ndarray, "2 3"]:
    """Two orthogonal unit vectors within the ground, as close to the world's axes as possible."""
    up = np.array(ground.up, np.float64)
    first = np.eye(3)[np.argmin(np.abs(up))]
    first = first - (first @ up) * up
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(up, first)])


def make_ground_segments(ground: Ground) -> Segments:
    """The grid: every fifth line stronger."""
    origin, cells = np.array(ground.origin), ground.cells
    across, along = find_ground_axes(ground) * ground.spacing
    steps = np.arange(-cells, cells + 1)
    offsets, reach = steps[:, None], np.sqrt(np.maximum(cells**2 - steps**2, 0.0))[:, None]  # a disc, not a square
    colours = np.tile(np.array(GRID_COLOUR), (len(steps), 1))
    colours[steps % 5 == 0, 3] *= 1.8
    lines = [
        make_segments(origin + offsets * one - reach * other, origin + offsets * one + reach * other, colours, 1.0)
        for one, other in ((across, along), (along, across))
    ]
    return join_segments(lines)


def make_axis_segments(ground: Ground) -> Segments:
    """The world's axes from the middle of the ground, one cell long: x red, y green, z blue."""
    origin = np.tile(np.array(ground.origin), (3, 1))
    return make_segments(origin, origin + ground.spacing * np.eye(3), AXIS_COLOURS, 2.4)
