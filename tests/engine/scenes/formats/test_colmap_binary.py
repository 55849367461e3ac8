"""Counts in COLMAP's binary files, right and wrong."""

from __future__ import annotations

import struct
from pathlib import Path

import pycolmap
import pytest

from engine.errors import UserError
from engine.scenes import load_scene
from engine.scenes.formats.colmap_binary import RECORDS, check_binary_files
from tests.engine.scenes.formats.test_colmap import write_object


@pytest.mark.parametrize(("name", "position"), [("points3D.bin", 8 + 43), ("frames.bin", 8 + 64), ("rigs.bin", 8 + 4)])
def test_counts_beyond_the_file_are_named(tmp_path: Path, name: str, position: int) -> None:
    write_object(tmp_path)
    file = tmp_path / "sparse" / "0" / name
    content = bytearray(file.read_bytes())
    content[position + 3] = 0x7F  # two thousand million elements, over which pycolmap would loop
    file.write_bytes(content)
    with pytest.raises(UserError, match="damaged or cut short") as raised:
        load_scene(tmp_path)
    assert str(file) in str(raised.value)


@pytest.mark.parametrize("kind", list(RECORDS))
def test_records_of_rigs_with_several_cameras_add_up(tmp_path: Path, kind: str) -> None:
    options = pycolmap.SyntheticDatasetOptions()
    options.num_rigs, options.num_cameras_per_rig, options.num_frames_per_rig, options.num_points3D = 2, 3, 4, 20
    pycolmap.synthesize_dataset(options).write_binary(str(tmp_path))
    check_binary_files(tmp_path)
    file = tmp_path / f"{kind}.bin"
    content = file.read_bytes()
    position = 8
    for _ in range(struct.unpack_from("<Q", content)[0]):
        position = RECORDS[kind](content, position)
    assert position == len(content)
    file.write_bytes(content[:-1])
    with pytest.raises(UserError, match=f"{kind}"):
        check_binary_files(tmp_path)
