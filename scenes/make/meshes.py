"""Small mesh kit: rounded boxes, surfaces of revolution, tubes and sheets, all with normals and texture coordinates.

Lengths are scene units, y points up.  A mesh is plain numpy; `mitsuba_scene` turns it into shapes.
"""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Mesh:
    """Triangles: positions and normals (n, 3), uvs (n, 2), faces (m, 3), optional RGB colours (n, 3)."""

    positions: np.ndarray
    normals: np.ndarray
    uvs: np.ndarray
    faces: np.ndarray
    colours: np.ndarray | None = None

    def moved(self, offset: tuple[float, float, float]) -> "Mesh":
        return replace(self, positions=self.positions + np.asarray(offset, float))

    def turned(self, rotation: np.ndarray) -> "Mesh":
        """Apply a 3x3 rotation about the origin."""
        return replace(self, positions=self.positions @ rotation.T, normals=self.normals @ rotation.T)

    def with_uvs(self, scale: float | tuple[float, float], offset: tuple[float, float] = (0.0, 0.0)) -> "Mesh":
        return replace(self, uvs=self.uvs * np.asarray(scale) + np.asarray(offset))


def rotation_about(axis: str, degrees: float) -> np.ndarray:
    """Right-handed 3x3 rotation about a coordinate axis."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    rotation = np.eye(3)
    rotation[first, first] = rotation[second, second] = cosine
    rotation[first, second], rotation[second, first] = -sine, sine
    return rotation


def merged(meshes: list[Mesh]) -> Mesh:
    """One mesh that holds all the given ones."""
    starts = np.cumsum([0] + [len(mesh.positions) for mesh in meshes[:-1]])
    coloured = all(mesh.colours is not None for mesh in meshes)
    return Mesh(
        np.concatenate([mesh.positions for mesh in meshes]),
        np.concatenate([mesh.normals for mesh in meshes]),
        np.concatenate([mesh.uvs for mesh in meshes]),
        np.concatenate([mesh.faces + start for mesh, start in zip(meshes, starts, strict=True)]),
        np.concatenate([mesh.colours for mesh in meshes]) if coloured else None,
    )


def grid_faces(rows: int, columns: int) -> np.ndarray:
    """Two triangles for each cell of a (rows, columns) lattice of vertices."""
    index = np.arange(rows * columns).reshape(rows, columns)
    corner, right, below, across = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    halves = np.stack([np.stack([corner, below, across], -1), np.stack([corner, across, right], -1)])
    return halves.reshape(-1, 3)


def sheet(lattice: np.ndarray, colours: np.ndarray | None = None) -> Mesh:
    """Smooth surface through a (rows, columns, 3) lattice; u follows the columns, v the rows."""
    rows, columns, _ = lattice.shape
    normals = np.cross(np.gradient(lattice, axis=0), np.gradient(lattice, axis=1))
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)
    v, u = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 1, columns), indexing="ij")
    return Mesh(
        lattice.reshape(-1, 3),
        normals.reshape(-1, 3),
        np.stack([u, v], -1).reshape(-1, 2),
        grid_faces(rows, columns),
        None if colours is None else colours.reshape(-1, 3),
    )


def rectangle(origin: tuple, along_u: tuple, along_v: tuple) -> Mesh:
    """Flat parallelogram; the normal is along_u x along_v."""
    u, v = np.meshgrid([0.0, 1.0], [0.0, 1.0])
    origin_point, u_side, v_side = (np.asarray(value, float) for value in (origin, along_u, along_v))
    positions = origin_point + u[..., None] * u_side + v[..., None] * v_side
    normal = np.cross(u_side, v_side)
    normals = np.tile(normal / np.linalg.norm(normal), (4, 1))
    faces = np.array([[0, 1, 3], [0, 3, 2]])
    return Mesh(positions.reshape(-1, 3), normals, np.stack([u, v], -1).reshape(-1, 2), faces)


def rounded_box(size: tuple[float, float, float], radius: float = 0.004, uv_per_unit: float | None = None) -> Mesh:
    """Box about the origin with rounded edges.

    With `uv_per_unit` the texture keeps its scale and u follows the longer side of each face (wood grain);
    without it each face carries the whole texture once, upright on the four walls.
    """
    half = np.asarray(size, float) / 2
    radius = min(radius, half.min() * 0.99)
    faces = []
    for axis in range(3):
        horizontal, vertical = {0: (2, 1), 1: (0, 2), 2: (0, 1)}[axis]
        for sign in (-1.0, 1.0):
            ticks = [
                np.array([-h, -h + 0.45 * radius, -h + radius, h - radius, h - 0.45 * radius, h])
                for h in (half[horizontal], half[vertical])
            ]
            across, up = np.meshgrid(ticks[0], ticks[1])
            points = np.zeros((6, 6, 3))
            points[..., axis], points[..., horizontal], points[..., vertical] = sign * half[axis], across, up
            inner = np.clip(points, -(half - radius), half - radius)
            normals = (points - inner) / np.linalg.norm(points - inner, axis=-1, keepdims=True)
            # Seen from outside, u must grow to the right.
            flip = sign * {0: -1, 1: -1, 2: 1}[axis]
            u, v = (across * flip, up) if axis != 1 else (across, -up * sign)
            if uv_per_unit is None:
                u, v = u / (2 * half[horizontal]) + 0.5, v / (2 * half[vertical]) + 0.5
            else:
                u, v = (u, v) if half[horizontal] >= half[vertical] else (v, u)
                u, v = u * uv_per_unit + 0.37 * axis + 0.11 * sign, v * uv_per_unit + 0.53 * axis + 0.23 * sign
            positions = inner + radius * normals
            faces.append(
                Mesh(
                    positions.reshape(-1, 3),
                    normals.reshape(-1, 3),
                    np.stack([u, v], -1).reshape(-1, 2),
                    oriented(positions, normals),
                )
            )
    return merged(faces)


def oriented(positions: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Faces of a lattice, wound so that they agree with the given normals."""
    faces = grid_faces(*positions.shape[:2])
    flat, directions = positions.reshape(-1, 3), normals.reshape(-1, 3)
    geometric = np.cross(flat[faces[:, 1]] - flat[faces[:, 0]], flat[faces[:, 2]] - flat[faces[:, 0]])
    agree = np.sum(geometric * directions[faces].sum(1), axis=1).sum() >= 0
    return faces if agree else faces[:, ::-1]


def lathe(profile: list[tuple[float, float]], segments: int = 64, smooth: bool = False) -> Mesh:
    """Turn (radius, height) points about the y axis; u runs round, v along the profile from its first point.

    Facets of the profile stay sharp unless `smooth`. List an outer wall from bottom to top.
    """
    points = np.asarray(profile, float)
    lengths = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    v_of_point = lengths / lengths[-1]
    runs = [np.arange(len(points))] if smooth else [np.array([i, i + 1]) for i in range(len(points) - 1)]
    angle = np.linspace(0, 2 * np.pi, segments + 1)
    parts = []
    for run in runs:
        tangent = np.gradient(points[run], axis=0)
        outward = np.stack([tangent[:, 1], -tangent[:, 0]], -1)
        outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-12)

        def spin(radius_height: np.ndarray) -> np.ndarray:
            radius, height = radius_height[:, :1], radius_height[:, 1:]
            return np.stack(
                [radius * np.sin(angle), np.broadcast_to(height, (len(radius), segments + 1)), radius * np.cos(angle)],
                -1,
            )

        positions, normals = spin(points[run]), spin(outward)
        u, v = np.meshgrid(np.linspace(0, 1, segments + 1), v_of_point[run])
        parts.append(
            Mesh(
                positions.reshape(-1, 3),
                normals.reshape(-1, 3),
                np.stack([u, v], -1).reshape(-1, 2),
                oriented(positions, normals),
            )
        )
    return merged(parts)


def cylinder(radius: float, length: float, segments: int = 48, bevel: float = 0.0) -> Mesh:
    """Closed cylinder along y about the origin; v is 0.2 to 0.8 on the wall if the caps are that large."""
    half = length / 2
    bevel = max(bevel, 1e-4)
    return lathe(
        [
            (1e-5, -half),
            (radius - bevel, -half),
            (radius, -half + bevel),
            (radius, half - bevel),
            (radius - bevel, half),
            (1e-5, half),
        ],
        segments,
    )


def ball(radius: float, segments: int = 48) -> Mesh:
    """Sphere about the origin."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, segments // 2)
    profile = [(max(radius * np.cos(a), 1e-5), radius * np.sin(a)) for a in angle]
    return lathe(profile, segments, smooth=True)


def tube(curve: np.ndarray, radii: np.ndarray | float, segments: int = 8, colours: np.ndarray | None = None) -> Mesh:
    """Round tube about an (n, 3) curve; `colours` (n, 3) run along it."""
    tangent = np.gradient(curve, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    reference = np.eye(3)[np.argmin(np.abs(tangent).mean(0))]
    side = np.cross(tangent, reference)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    other = np.cross(tangent, side)
    angle = np.linspace(0, 2 * np.pi, segments + 1)
    directions = np.cos(angle)[None, :, None] * side[:, None] + np.sin(angle)[None, :, None] * other[:, None]
    radii = np.broadcast_to(radii, len(curve))
    positions = curve[:, None] + radii[:, None, None] * directions
    v, u = np.meshgrid(np.linspace(0, 1, len(curve)), np.linspace(0, 1, segments + 1), indexing="ij")
    spread = None if colours is None else np.repeat(colours[:, None], segments + 1, 1).reshape(-1, 3)
    return Mesh(
        positions.reshape(-1, 3),
        directions.reshape(-1, 3),
        np.stack([u, v], -1).reshape(-1, 2),
        oriented(positions, directions),
        spread,
    )
