"""Vertices of a PLY point cloud, ASCII or binary."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from engine.errors import UserError

MAXIMUM_BYTES = 1024 * 2**20  # of a file
TYPES = {  # of PLY properties, as NumPy calls them
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2",
    "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4",
    "double": "f8", "float64": "f8",
}  # fmt: skip


def read_points(path: Path) -> Float[Tensor, "points 3"]:
    """x, y, z of all vertices, double precision; vertices that are not finite are left out.

    Raises:
        UserError: the file is larger than a gigabyte, or not a PLY file whose first element is vertices with x, y, z.
    """
    try:
        if path.stat().st_size > MAXIMUM_BYTES:
            raise UserError(f"{path} is larger than {MAXIMUM_BYTES:,} bytes; thin out the point cloud.")
        points = _parse(path.read_bytes())
    except (ValueError, KeyError, IndexError, OSError, OverflowError, StopIteration) as error:
        raise UserError(f"{path} is damaged or not a PLY point cloud; export it again.") from error
    return torch.from_numpy(points[np.isfinite(points).all(axis=1)])


def _parse(content: bytes) -> np.ndarray:
    match = re.match(rb"ply\r?\n(.*?)end_header\r?\n", content, re.DOTALL)
    if match is None:
        raise ValueError("no header")
    lines = [line.split() for line in match[1].decode("ascii", errors="replace").splitlines() if line.strip()]
    form = next(line[1] for line in lines if line[0] == "format")
    first = next(index for index, line in enumerate(lines) if line[0] == "element")
    if lines[first][1] != "vertex":
        raise ValueError("vertices must come first")
    count = int(lines[first][2])
    fields = []
    for line in lines[first + 1 :]:
        if line[0] == "element":
            break
        if line[0] == "property":
            fields.append((line[2], TYPES[line[1]]))
    body = content[match.end() :]
    columns = [name for name, _ in fields]
    if form == "ascii":
        if not 0 <= count <= len(body):
            raise ValueError("more vertices than bytes")
        table = np.loadtxt(io.BytesIO(body), max_rows=count, ndmin=2) if count else np.zeros((0, len(fields)))
        if table.shape != (count, len(fields)):
            raise ValueError("cut short")
        return table[:, [columns.index(axis) for axis in "xyz"]]
    order = {"binary_little_endian": "<", "binary_big_endian": ">"}[form]
    records = np.frombuffer(body, dtype=[(name, order + kind) for name, kind in fields], count=count)
    return np.stack([records[axis].astype(np.float64) for axis in "xyz"], axis=1)
