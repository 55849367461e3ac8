"""A coloured triangle mesh of the field's surfaces: marching cubes on its density."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int64, UInt8
from torch import Tensor

from engine.errors import UserError
from engine.export.images import Progress
from engine.export.lattice import Lattice, lattice_of
from engine.export.seen import Seen, farthest_depth, points_of, seen_by_cameras
from engine.geometry.rays import project
from engine.geometry.se3 import camera_centre
from engine.geometry.similarity import Similarity
from engine.training.radiance import Trainer

WITHIN = 0.9  # of what the cameras see lies inside the surface, where no density is asked for
RESOLUTION = 256
SMALLEST = 40  # lattice points: smaller clumps are dust
SEEN_PIXELS = 20_000  # of the depth picture of one camera
SLACK = 2.5  # spacings of the lattice by which a surface may lie behind what a camera sees


@dataclass(frozen=True)
class Mesh:
    """Triangles whose corners run counterclockwise as seen from outside.

    Attributes:
        vertices: places.
        faces: indices of vertices.
        colours: of the vertices, RGB.
    """

    vertices: Float32[np.ndarray, "vertices 3"]
    faces: Int64[np.ndarray, "faces 3"]
    colours: UInt8[np.ndarray, "vertices 3"]


def field_mesh(
    trainer: Trainer, gauge: Similarity, density: float | None, resolution: int, hidden: bool, progress: Progress
) -> Mesh:
    """The surface at which the field's density, per spacing of its lattice, passes a threshold.

    Args:
        trainer: at rest; it is not changed.
        gauge: from the run's world to the exported one.
        density: the threshold, > 0; None for one such that most of what the cameras see lies inside.
        resolution: lattice points along the longest side, at most.
        hidden: keep surfaces that no training camera sees; what lies behind the visible ones is seldom more than fog.
        progress: told as it goes on.
    Raises:
        UserError: there is no such surface.
    """
    progress(0.0, "density")
    lattice = lattice_of(trainer, resolution)
    views = list(seen_by_cameras(trainer, SEEN_PIXELS, lambda part, what: progress(0.1 + 0.6 * part, what)))
    density = density or usual_density(lattice, views)
    progress(0.7, "surface")
    indices, faces = surface(lattice, density, farthest_depth(trainer))
    world = lattice.world(indices)
    if not hidden:
        progress(0.8, "what is seen of it")
        kept = seen_vertices(trainer, views, lattice, world)
        indices, world, faces = without(kept, indices, world, faces)
    if not len(faces):
        raise UserError(f"No camera sees a surface of density {density:g}; give a smaller --density or train on.")
    progress(0.9, "colours")
    middle = camera_centre(trainer.poses().cpu()).double().mean(dim=0)
    directions = torch.nn.functional.normalize(world - middle, dim=-1)
    if not lattice.projective:
        directions = -normals(world, faces)
    colours = (lattice.colours(indices, directions) * 255).round().byte()
    return Mesh(gauge.apply(world).float().numpy(), faces.numpy(), colours.numpy())


def surface(
    lattice: Lattice, density: float, farthest: float
) -> tuple[Float[Tensor, "vertices 3"], Int64[Tensor, "faces 3"]]:
    """Vertices in lattice coordinates (z, y, x), and faces that run counterclockwise in the world seen from outside.

    Args:
        lattice: of the field.
        density: per spacing.
        farthest: of a projective lattice, the depth up to which it is looked at.
    Raises:
        UserError: the density is nowhere passed.
    """
    from skimage.measure import marching_cubes
    from skimage.morphology import remove_small_objects

    # Raw values are interpolated, so their surface is the field's own; softplus is undone on the threshold.
    level = density + math.log(-math.expm1(-density))
    raw = lattice.voxels[..., 0].numpy().copy()
    if lattice.projective:  # plane 0 lies at infinity
        first = math.ceil((lattice.shape[0] - 1) / farthest)
        raw = raw[min(max(first, 1), lattice.shape[0] - 2) :]
    dense = raw > level
    raw[dense & ~remove_small_objects(dense, max_size=SMALLEST)] = level - 1.0
    if not (raw.min() < level < raw.max()):
        raise UserError(f"The field has no surface of density {density:g}; give a smaller --density or train on.")
    vertices, faces, _, _ = marching_cubes(raw, level, allow_degenerate=False)
    indices = torch.from_numpy(vertices.astype(np.float64))
    indices[:, 0] += lattice.shape[0] - raw.shape[0]
    found = torch.from_numpy(faces.astype(np.int64))
    # The world's (x, y, z) for (z, y, x) is one mirror; depth against 1 / Z is another.
    return indices, found.flip(-1) if lattice.projective else found


def usual_density(lattice: Lattice, views: Sequence[Seen]) -> float:
    """The density, per spacing, that most of what the cameras see exceeds."""
    places = [points_of(seen) for seen in views]
    found = lattice.densities(lattice.indices(torch.cat(places)))
    return max(float(torch.quantile(found[:: len(found) // 1_000_000 + 1], 1 - WITHIN)), 1e-3) if len(found) else 1.0


def seen_vertices(
    trainer: Trainer, views: Sequence[Seen], lattice: Lattice, world: Float[Tensor, "vertices 3"]
) -> Bool[Tensor, " vertices"]:
    """Vertices that lie on, or hardly behind, what one of the training cameras sees."""
    kept = torch.zeros(len(world), dtype=torch.bool)
    intrinsics = trainer.calibration.intrinsics(trainer.scene.intrinsics)
    points, slack = world.float(), SLACK * lattice.spacing
    for frame, seen in zip(trainer.frames, views, strict=True):
        height, width = seen.view.depth.shape
        lens = intrinsics.resized(width, height)
        distortion = lens.distortion[frame] if lens.distorted else None
        pixels, depth = project(points, seen.pose.cpu(), lens.focal[frame], lens.centre[frame], distortion)
        column, row = pixels.floor().long().unbind(-1)
        inside = (depth > 0) & (column >= 0) & (column < width) & (row >= 0) & (row < height)
        # An expected depth at an edge lies between near and far: the farther neighbours decide.
        shown = torch.where(seen.view.opacity > 0.5, seen.view.depth, torch.inf).cpu()
        shown = torch.nn.functional.max_pool2d(shown[None], 3, stride=1, padding=1)[0]
        there = shown[row.clamp(0, height - 1), column.clamp(0, width - 1)]
        reached = 1 / depth >= 1 / there - slack if lattice.projective else depth <= there + slack
        kept |= inside & reached
    return kept


def without(
    kept: Bool[Tensor, " vertices"], indices: Tensor, world: Tensor, faces: Int64[Tensor, "faces 3"]
) -> tuple[Tensor, Tensor, Int64[Tensor, "left 3"]]:
    """Only faces of which all corners are kept, and only vertices that are corners of such."""
    faces = faces[kept[faces].all(dim=-1)]
    used = torch.zeros(len(kept), dtype=torch.bool)
    used[faces] = True
    number = used.cumsum(0) - 1
    return indices[used], world[used], number[faces]


def normals(vertices: Float[Tensor, "vertices 3"], faces: Int64[Tensor, "faces 3"]) -> Float[Tensor, "vertices 3"]:
    """Unit normals, outwards, weighted by the areas of the faces."""
    first, second, third = vertices[faces].unbind(dim=1)
    across = torch.linalg.cross(second - first, third - first)
    sums = torch.zeros_like(vertices)
    for corner in range(3):
        sums.index_add_(0, faces[:, corner], across)
    return torch.nn.functional.normalize(sums, dim=-1)


def write_mesh(mesh: Mesh, up: Float[np.ndarray, " 3"], path: Path) -> None:
    """Writes PLY, OBJ or GLB, as the ending says; raises `OSError` where the system refuses.

    Vertices have the exported world's coordinates. glTF says that y is up: a GLB's node turns the world upright for
    its viewers.

    Args:
        mesh: to be written.
        up: unit vector of the exported world.
        path: with one of the three endings.
    """
    import trimesh

    form = path.suffix.lower().removeprefix(".")
    made = trimesh.Trimesh(mesh.vertices, mesh.faces, vertex_colors=mesh.colours, process=False)
    content: Any = made.export(file_type=form) if form != "glb" else _upright(made, up).export(file_type="glb")
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def _upright(made: Any, up: Float[np.ndarray, " 3"]) -> Any:
    import trimesh

    scene = trimesh.Scene()
    scene.add_geometry(made, transform=trimesh.geometry.align_vectors(up, [0.0, 1.0, 0.0]))
    return scene
