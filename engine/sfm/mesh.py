"""A rough surface through a sparse model's points.

pycolmap makes meshes by screened Poisson reconstruction (Kazhdan and Hoppe, ACM Transactions on Graphics 2013);
COLMAP's Delaunay meshing is not in its wheels. Poisson reconstruction needs a normal at every point: that of the plane
through its neighbours, on the side of the cameras.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from engine.sfm.events import Meshed


@dataclass(frozen=True)
class MeshOptions:
    """Numbers of mesh reconstruction.

    Attributes:
        neighbours: points through which the plane of a normal is fitted.
        minimum_points: of the model; from fewer no surface is made.
        chunk: points whose neighbours are searched at a time, to bound memory.
        depth: of Poisson reconstruction's octree; finer cells would hold less than one sparse point each.
        trim: density below which the surface is cut away, because it is only extrapolated there.
        maximum_distance: of points from the median point, in multiples of the 90th percentile of these distances;
            points beyond are outliers.
    """

    neighbours: int = 16
    minimum_points: int = 200
    chunk: int = 2048
    depth: int = 8
    trim: float = 5.0
    maximum_distance: float = 3.0


OPTIONS = MeshOptions()


def reconstruct_mesh(model: Any, folder: Path) -> Meshed:
    """Reconstructs a mesh of a `pycolmap.Reconstruction` and writes `mesh.ply` into `folder`, or says why not."""
    import pycolmap

    points, towards, colours = _collect_points(model)
    if len(points) < OPTIONS.minimum_points:
        return _make_empty(f"{len(points)} points are too few for a surface")
    cloud, surface = folder / "points.ply", folder / "mesh.ply"
    write_cloud(cloud, points, estimate_normals(points, towards), colours)
    try:
        pycolmap.poisson_meshing(
            cloud, surface, pycolmap.PoissonMeshingOptions(depth=OPTIONS.depth, trim=OPTIONS.trim)
        )
    except (RuntimeError, ValueError) as error:
        return _make_empty(f"COLMAP made none ({error})")
    finally:
        cloud.unlink(missing_ok=True)
    vertices, faces = read_mesh(surface)
    if not len(faces):
        surface.unlink()
        return _make_empty("Poisson reconstruction left nothing of it: the points lie too far apart")
    return Meshed(vertices, faces)


def estimate_normals(
    points: Float[np.ndarray, "points 3"], towards: Float[np.ndarray, "points 3"]
) -> Float[np.ndarray, "points 3"]:
    """Unit normals of the planes through each point's nearest neighbours, on the side of the directions `towards`."""
    cloud = torch.from_numpy(points).float()
    found = []
    for chunk in cloud.split(OPTIONS.chunk):
        near = torch.cdist(chunk, cloud).topk(min(OPTIONS.neighbours, len(cloud)), largest=False).indices
        around = cloud[near] - cloud[near].mean(dim=1, keepdim=True)
        found.append(torch.linalg.eigh(around.mT @ around).eigenvectors[..., 0])
    flat = torch.cat(found).double().numpy()
    return flat * np.where((flat * towards).sum(axis=1) < 0, -1.0, 1.0)[:, None]


def write_cloud(path: Path, points: np.ndarray, normals: np.ndarray, colours: np.ndarray) -> None:
    """Writes points as a binary PLY file with unit normals and 8-bit RGB colours."""
    import trimesh

    cloud = trimesh.Trimesh(points, vertex_normals=normals, vertex_colors=colours, process=False)
    path.write_bytes(trimesh.exchange.ply.export_ply(cloud, vertex_normal=True))


def read_mesh(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (vertices, 3) and triangles (faces, 3) of a PLY file."""
    import trimesh

    mesh = trimesh.load_mesh(path, process=False)
    return np.asarray(mesh.vertices), np.asarray(mesh.faces)


def _collect_points(model: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions, mean directions to the cameras that see them, and colours, without outliers by distance."""
    centres = {number: image.projection_center() for number, image in model.images.items() if image.has_pose}
    found = list(model.points3D.values())
    points = np.array([point.xyz for point in found]).reshape(-1, 3)
    towards = np.zeros_like(points)
    for row, point in enumerate(found):
        seen = np.array([centres[e.image_id] for e in point.track.elements if e.image_id in centres]) - point.xyz
        towards[row] = (seen / np.linalg.norm(seen, axis=1, keepdims=True)).mean(axis=0)
    colours = np.array([point.color for point in found], dtype=np.uint8).reshape(-1, 3)
    if not len(points):
        return points, towards, colours
    distance = np.linalg.norm(points - np.median(points, axis=0), axis=1)
    near = distance <= OPTIONS.maximum_distance * np.quantile(distance, 0.9)
    return points[near], towards[near], colours[near]


def _make_empty(remark: str) -> Meshed:
    return Meshed(np.zeros((0, 3)), np.zeros((0, 3), dtype=np.int64), remark)
