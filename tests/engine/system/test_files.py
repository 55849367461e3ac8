"""Files and folders are replaced completely or not at all."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from engine.errors import UserError
from engine.system.files import replace_file, to_json_values, write_json


def test_a_file_is_replaced_and_nothing_else_stays(tmp_path: Path) -> None:
    target = tmp_path / "new folder" / "file.txt"
    for content in ("one", "two"):
        with replace_file(target) as temporary:
            assert temporary.suffix == ".txt"
            temporary.write_text(content)
        assert target.read_text() == content
    assert os.listdir(target.parent) == ["file.txt"]


def test_an_error_in_the_block_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError):
        _fail_half_way(target)
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.txt"]


@pytest.mark.parametrize("call", ["replace", "fsync"])
def test_a_full_disk_is_a_sentence_that_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def full(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    target = tmp_path / "file.json"
    target.write_text("old")
    monkeypatch.setattr(os, call, full)
    with pytest.raises(UserError, match=r"file\.json was not written: the disk is full"):
        write_json(target, {"a": 1})
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.json"]


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(UserError, match="was not written"):
        write_json(tmp_path / "taken" / "file.json", {})


def test_json_has_null_for_what_is_not_finite_and_a_line_per_vector(tmp_path: Path) -> None:
    content = {
        "nan": float("nan"),
        "array": np.array([[1.0, np.inf], [0.5, 2.0]], dtype=np.float32),
        "number": np.float32(0.5),
        "path": Path("a"),
        "text": "[ 1,  2 ]\n[ 3 ]",
        "none": None,
        "flag": True,
    }
    write_json(tmp_path / "file.json", content)
    text = (tmp_path / "file.json").read_text()
    assert "NaN" not in text
    assert "[ 1.0, null ]" in text
    read = json.loads(text)
    assert read == to_json_values(content)
    assert read["array"] == [[1.0, None], [0.5, 2.0]]
    assert read["text"] == content["text"]


def _fail_half_way(target: Path) -> NoReturn:
    with replace_file(target) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
