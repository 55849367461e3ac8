"""Point clouds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.errors import UserError
from engine.scenes.formats.ply import read_points

POINTS = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
FIELDS = "property uchar red\nproperty float x\nproperty double y\nproperty float32 z\n"


def content(form: str, count: int = 2) -> bytes:
    header = f"ply\nformat {form} 1.0\ncomment x\nelement vertex {count}\n{FIELDS}element face 0\nend_header\n"
    if form == "ascii":
        return header.encode() + b"".join(b"7 %f %f %f\n" % tuple(point) for point in POINTS)
    order = "<" if form == "binary_little_endian" else ">"
    records = np.zeros(2, dtype=[("red", "u1"), ("x", f"{order}f4"), ("y", f"{order}f8"), ("z", f"{order}f4")])
    records["x"], records["y"], records["z"] = POINTS.T
    return header.encode() + records.tobytes()


@pytest.mark.parametrize("form", ["ascii", "binary_little_endian", "binary_big_endian"])
def test_forms(tmp_path: Path, form: str) -> None:
    path = tmp_path / "cloud.ply"
    path.write_bytes(content(form))
    torch.testing.assert_close(read_points(path), torch.from_numpy(POINTS))


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"plyply",
        content("ascii")[:-9],
        content("ascii", 10**12),
        content("binary_little_endian")[:-3],
        content("binary_big_endian", 10**15),
        content("middle_endian"),
        content("ascii").replace(b"property float x\n", b"property list uchar int x\n"),
        content("ascii").replace(b"vertex", b"face"),
    ],
)
def test_damage_is_named(tmp_path: Path, damaged: bytes) -> None:
    path = tmp_path / "cloud.ply"
    path.write_bytes(damaged)
    with pytest.raises(UserError, match=r"cloud\.ply is damaged"):
        read_points(path)
