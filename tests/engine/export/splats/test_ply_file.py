"""A file of Gaussians read back by another reader: names, order and conventions of the method's authors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import trimesh

from engine.export.splats.gaussians import Gaussians
from engine.export.splats.ply_file import BYTES, write_splats
from tests.support.worlds.dense_splats import some_gaussians


def read(path: Path) -> np.ndarray:
    """The vertices, by trimesh's reader: one field a property."""
    return trimesh.load(path).metadata["_ply_raw"]["vertex"]["data"]


def test_a_file_has_the_layout_of_the_authors(tmp_path: Path) -> None:
    gaussians = some_gaussians(7)
    write_splats(gaussians, tmp_path / "splats.ply")
    found = read(tmp_path / "splats.ply")
    assert found.dtype.names == (
        *("x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", "f_rest_0", "f_rest_1", "f_rest_2"),
        *("f_rest_3", "f_rest_4", "f_rest_5", "f_rest_6", "f_rest_7", "f_rest_8", "opacity"),
        *("scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"),
    )
    rows = gaussians.rows
    for column, name in enumerate(("x", "y", "z", "scale_0", "scale_1", "scale_2")):
        np.testing.assert_array_equal(found[name], rows[:, column])
    np.testing.assert_array_equal(found["opacity"], rows[:, 10])
    np.testing.assert_array_equal(found["f_dc_1"], rows[:, 12])
    np.testing.assert_array_equal(found["f_rest_4"], rows[:, 14 + 3 * 1 + 1], "green's second linear harmonic")
    np.testing.assert_array_equal(found["f_rest_6"], rows[:, 14 + 2], "blue's first")
    quaternions = np.stack([found[f"rot_{number}"] for number in range(4)], axis=1)
    np.testing.assert_allclose(np.linalg.norm(quaternions, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(np.cross(quaternions[:, 1:], rows[:, 7:10]), 0, atol=1e-5)
    header = (tmp_path / "splats.ply").read_bytes().split(b"end_header\n")[0]
    assert b"format binary_little_endian 1.0" in header
    assert (tmp_path / "splats.ply").stat().st_size == len(header) + len(b"end_header\n") + 7 * BYTES


def test_a_rotation_turns_the_axes_of_the_gaussian_into_those_of_the_world(tmp_path: Path) -> None:
    """A long axis along the Gaussian's x, turned by 90 degrees about z, lies along y: w comes first."""
    rows = np.zeros((1, 23), np.float32)
    rows[0, 3], rows[0, 6], rows[0, 9] = 2.0, 1.0, 1.0
    write_splats(Gaussians(rows), tmp_path / "a.ply")
    found = read(tmp_path / "a.ply")
    np.testing.assert_allclose([found["rot_0"][0], found["rot_3"][0]], np.sqrt(0.5), atol=1e-6)
