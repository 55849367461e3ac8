"""A rough surface through a sparse model's points.

pycolmap makes meshes by Poisson reconstruction (Kazhdan and Hoppe 2013); COLMAP's Delaunay meshing is not in its
wheels. Poisson wants a normal at every point: that of the plane through its neighbours, on the cameras' side.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from engine.sfm.events import Meshed

NEIGHBOURS = 16
FEWEST_POINTS = 200
CHUNK = 2048
DEPTH = 8  # of Poisson's octree: finer than sparse points can fill
TRIM = 5.0  # where fewer points than this lie nearby Poisson's surface is made up
FARTHEST = 3.0  # times the 90th percentile of the distances from the middle


def reconstruct_mesh(model: Any, folder: Path) -> Meshed:
    """A mesh of a `pycolmap.Reconstruction`, or the reason why there is none; writes `mesh.ply` into a folder."""
    import pycolmap

    points, towards, colours = _points(model)
    if len(points) < FEWEST_POINTS:
        return _none(f"{len(points)} points are too few for a surface")
    cloud, surface = folder / "points.ply", folder / "mesh.ply"
    write_cloud(cloud, points, estimate_normals(points, towards), colours)
    try:
        pycolmap.poisson_meshing(cloud, surface, pycolmap.PoissonMeshingOptions(depth=DEPTH, trim=TRIM))
    except (RuntimeError, ValueError) as error:
        return _none(f"COLMAP made none ({error})")
    finally:
        cloud.unlink(missing_ok=True)
    vertices, faces = read_mesh(surface)
    if not len(faces):
        surface.unlink()
        return _none("Poisson reconstruction left nothing of it: the points lie too far apart")
    return Meshed(vertices, faces)


def estimate_normals(
    points: Float[np.ndarray, "points 3"], towards: Float[np.ndarray, "points 3"]
) -> Float[np.ndarray, "points 3"]:
    """Unit normals of the planes through each point's nearest neighbours, on the side of `towards` (directions)."""
    cloud = torch.from_numpy(points).float()
    found = []
    for chunk in cloud.split(CHUNK):
        near = torch.cdist(chunk, cloud).topk(min(NEIGHBOURS, len(cloud)), largest=False).indices
        around = cloud[near] - cloud[near].mean(dim=1, keepdim=True)
        found.append(torch.linalg.eigh(around.mT @ around).eigenvectors[..., 0])
    flat = torch.cat(found).double().numpy()
    return flat * np.where((flat * towards).sum(axis=1) < 0, -1.0, 1.0)[:, None]


def write_cloud(path: Path, points: np.ndarray, normals: np.ndarray, colours: np.ndarray) -> None:
    """A binary PLY file with normals and colours."""
    import trimesh

    cloud = trimesh.Trimesh(points, vertex_normals=normals, vertex_colors=colours, process=False)
    path.write_bytes(trimesh.exchange.ply.export_ply(cloud, vertex_normal=True))


def read_mesh(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and triangles of a PLY file."""
    import trimesh

    mesh = trimesh.load_mesh(path, process=False)
    return np.asarray(mesh.vertices), np.asarray(mesh.faces)


def _points(model: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions, unit directions to the cameras that see them, and colours; without those far away from all others."""
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
    near = distance <= FARTHEST * np.quantile(distance, 0.9)
    return points[near], towards[near], colours[near]


def _none(remark: str) -> Meshed:
    return Meshed(np.zeros((0, 3)), np.zeros((0, 3), dtype=np.int64), remark)
