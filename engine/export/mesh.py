"""A coloured triangle mesh of the surfaces of a field: marching cubes on its density."""

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
from engine.export.lattice import Lattice, sample_field
from engine.export.progress import Progress, part_of
from engine.export.visible_surfaces import (
    NearBox,
    VisibleSurface,
    find_farthest_depth,
    find_near_box,
    render_visible_surfaces,
    surface_points,
)
from engine.fields.spaces import UnboundedSpace
from engine.geometry.rays import project
from engine.geometry.se3 import camera_centre
from engine.geometry.similarity import Similarity
from engine.training.radiance import RadianceTrainer


@dataclass(frozen=True)
class MeshOptions:
    """How a surface is found.

    Attributes:
        inside: share of the points visible to the cameras that lie inside the surface, where the user gives no
            density.
        least_density: the density chosen in this way is at least this much, per spacing.
        most_points: points that it is chosen from, at most about so many; bounds the memory.
        smallest_part: lattice points; smaller parts are removed as noise.
        depth_pixels: pixels of the depth map of one camera.
        depth_tolerance: spacings of the lattice by which a visible vertex may lie behind the depth map.
        opacity: least opacity of a pixel of the depth map; other pixels do not limit what is visible.
    """

    inside: float = 0.9
    least_density: float = 1e-3
    most_points: int = 1_000_000
    smallest_part: int = 40
    depth_pixels: int = 20_000
    depth_tolerance: float = 2.5
    opacity: float = 0.5


DEFAULT = MeshOptions()


@dataclass(frozen=True)
class Mesh:
    """Triangles whose corners run counterclockwise when seen from outside.

    Attributes:
        vertices: positions in the exported world.
        faces: indices of vertices.
        colours: RGB of the vertices.
    """

    vertices: Float32[np.ndarray, "vertices 3"]
    faces: Int64[np.ndarray, "faces 3"]
    colours: UInt8[np.ndarray, "vertices 3"]


def make_mesh(
    trainer: RadianceTrainer,
    gauge: Similarity,
    density: float | None,
    resolution: int,
    hidden: bool,
    progress: Progress,
    surroundings: bool = False,
) -> Mesh:
    """The surface on which the density of the field, per spacing of its lattice, equals a threshold.

    Args:
        trainer: not changed; no training may go on meanwhile.
        gauge: from the world of the run to the exported one.
        density: the threshold, > 0; None for one such that most of what the cameras see lies inside.
        resolution: most lattice points along the longest side.
        hidden: keep surfaces that no training camera sees; the field is not determined there.
        progress: called while the work goes on.
        surroundings: of an unbounded scene, take in what lies outside the near box, too.
    Raises:
        UserError: there is no such surface.
    """
    progress(0.0, "density")
    lattice = sample_field(trainer, resolution)
    views = list(render_visible_surfaces(trainer, DEFAULT.depth_pixels, part_of(progress, 0.1, 0.7)))
    density = density or choose_density(lattice, views, None if surroundings else find_near_box(trainer.scene))
    progress(0.7, "surface")
    indices, faces = find_surface(lattice, density, find_farthest_depth(trainer), surroundings)
    world = lattice.world(indices)
    if not hidden:
        progress(0.8, "visibility")
        kept = find_visible_vertices(trainer, views, lattice, world)
        indices, world, faces = select_vertices(kept, indices, world, faces)
    if not len(faces):
        raise UserError(f"No camera sees a surface of density {density:g}; give a smaller --density or train on.")
    progress(0.9, "colours")
    middle = camera_centre(trainer.poses().cpu()).double().mean(dim=0)
    directions = torch.nn.functional.normalize(world - middle, dim=-1)
    if not lattice.projective:
        directions = -vertex_normals(world, faces)
    colours = (lattice.colours(indices, directions) * 255).round().byte()
    return Mesh(gauge.apply(world).float().numpy(), faces.numpy(), colours.numpy())


def find_surface(
    lattice: Lattice, density: float, farthest: float, surroundings: bool = False
) -> tuple[Float[Tensor, "vertices 3"], Int64[Tensor, "faces 3"]]:
    """Vertices in lattice coordinates (z, y, x), and faces that run counterclockwise in the world, seen from outside.

    Args:
        lattice: of the field.
        density: per spacing.
        farthest: depth beyond which a projective lattice is ignored, and distance from the near box's middle beyond
            which the surroundings are.
        surroundings: take in what lies outside the near box of an unbounded scene.
    Raises:
        UserError: the density is above or below the threshold everywhere.
    """
    from skimage.measure import marching_cubes
    from skimage.morphology import remove_small_objects

    # The field interpolates raw values, so the surface is that of raw values at the inverse softplus of the threshold.
    level = density + math.log(-math.expm1(-density))
    raw = lattice.voxels[..., 0].numpy().copy()
    if lattice.projective:  # plane 0 lies at infinity
        first = math.ceil((lattice.shape[0] - 1) / farthest)
        raw = raw[min(max(first, 1), lattice.shape[0] - 2) :]
    cube = isinstance(lattice.space, UnboundedSpace)
    if cube and surroundings:
        raw[~lattice.reaches(farthest).numpy()] = level - 1.0
    elif cube:
        raw = raw[(lattice.near_part,) * 3]
    dense = raw > level
    raw[dense & ~remove_small_objects(dense, max_size=DEFAULT.smallest_part)] = level - 1.0
    if not (raw.min() < level < raw.max()):
        raise UserError(f"The field has no surface of density {density:g}; give a smaller --density or train on.")
    vertices, faces, _, _ = marching_cubes(raw, level, allow_degenerate=False)
    indices = torch.from_numpy(vertices.astype(np.float64))
    if lattice.projective:
        indices[:, 0] += lattice.shape[0] - raw.shape[0]
    elif cube and not surroundings:
        indices += lattice.near_part.start
    found = torch.from_numpy(faces.astype(np.int64))
    # The order (z, y, x) mirrors the world; depth against inverse depth mirrors it once more.
    return indices, found.flip(-1) if lattice.projective else found


def choose_density(lattice: Lattice, views: Sequence[VisibleSurface], box: NearBox | None = None) -> float:
    """The density, per spacing, that the share `MeshOptions.inside` of the visible surface points (in `box`)
    exceeds."""
    points = torch.cat([surface_points(seen) for seen in views])
    if box is not None:
        points = points[box.holds(points)]
    densities = lattice.densities(lattice.indices(points))
    if not len(densities):
        return 1.0
    some = densities[:: len(densities) // DEFAULT.most_points + 1]
    return max(float(torch.quantile(some, 1 - DEFAULT.inside)), DEFAULT.least_density)


def find_visible_vertices(
    trainer: RadianceTrainer, views: Sequence[VisibleSurface], lattice: Lattice, world: Float[Tensor, "vertices 3"]
) -> Bool[Tensor, " vertices"]:
    """Vertices that at least one training camera sees: they lie on its depth map, or at most slightly behind."""
    kept = torch.zeros(len(world), dtype=torch.bool)
    intrinsics = trainer.calibration.intrinsics(trainer.scene.intrinsics)
    points, tolerance = world.float(), DEFAULT.depth_tolerance * lattice.spacing
    for frame, seen in zip(trainer.frames, views, strict=True):
        height, width = seen.view.depth.shape
        lens = intrinsics.fitted_to(frame).resized(width, height)
        distortion = lens.distortion[0] if lens.distorted else None
        pixels, depth = project(points, seen.pose.cpu(), lens.focal[0], lens.centre[0], distortion)
        column, row = pixels.floor().long().unbind(-1)
        inside = (depth > 0) & (column >= 0) & (column < width) & (row >= 0) & (row < height)
        # The rendered depth at an edge lies between near and far: the farthest neighbour decides.
        shown = torch.where(seen.view.opacity > DEFAULT.opacity, seen.view.depth, torch.inf).cpu()
        shown = torch.nn.functional.max_pool2d(shown[None], 3, stride=1, padding=1)[0]
        limit = shown[row.clamp(0, height - 1), column.clamp(0, width - 1)]
        reached = 1 / depth >= 1 / limit - tolerance if lattice.projective else depth <= limit + tolerance
        kept |= inside & reached
    return kept


def select_vertices(
    kept: Bool[Tensor, " vertices"], indices: Tensor, world: Tensor, faces: Int64[Tensor, "faces 3"]
) -> tuple[Tensor, Tensor, Int64[Tensor, "left 3"]]:
    """The faces whose corners are all kept, and the vertices of these faces."""
    faces = faces[kept[faces].all(dim=-1)]
    used = torch.zeros(len(kept), dtype=torch.bool)
    used[faces] = True
    new_index = used.cumsum(0) - 1
    return indices[used], world[used], new_index[faces]


def vertex_normals(
    vertices: Float[Tensor, "vertices 3"], faces: Int64[Tensor, "faces 3"]
) -> Float[Tensor, "vertices 3"]:
    """Unit normals pointing outwards; means over the faces, weighted by their areas."""
    first, second, third = vertices[faces].unbind(dim=1)
    across = torch.linalg.cross(second - first, third - first)
    sums = torch.zeros_like(vertices)
    for corner in range(3):
        sums.index_add_(0, faces[:, corner], across)
    return torch.nn.functional.normalize(sums, dim=-1)


def write_mesh(mesh: Mesh, up: Float[np.ndarray, " 3"], path: Path) -> None:
    """Writes PLY, OBJ or GLB, by the suffix of `path`.

    Vertices have the coordinates of the exported world. In glTF the y axis points up: the node of a GLB rotates the
    mesh accordingly.

    Args:
        mesh: in the exported world.
        up: unit vector of the exported world.
        path: ends in one of the three suffixes.
    Raises:
        OSError: the file cannot be written.
    """
    import trimesh

    form = path.suffix.lower().removeprefix(".")
    made = trimesh.Trimesh(mesh.vertices, mesh.faces, vertex_colors=mesh.colours, process=False)
    content: Any = made.export(file_type=form) if form != "glb" else _rotate_up(made, up).export(file_type="glb")
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def _rotate_up(made: Any, up: Float[np.ndarray, " 3"]) -> Any:
    import trimesh

    scene = trimesh.Scene()
    scene.add_geometry(made, transform=trimesh.geometry.align_vectors(up, [0.0, 1.0, 0.0]))
    return scene
