"""Folders are written completely or not at all, and an earlier export is never lost."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from engine.errors import UserError
from engine.export.targets import check_folder
from engine.system.files import replace_folder

OWN = ("images", "transforms.json")


def test_a_folder_takes_the_place_of_another(tmp_path: Path) -> None:
    for word in ("first", "second"):
        with replace_folder(tmp_path / "deep" / "out") as folder:
            (folder / word).write_text(word)
            assert not (tmp_path / "deep" / "out" / word).exists()
    assert os.listdir(tmp_path / "deep") == ["out"]
    assert os.listdir(tmp_path / "deep" / "out") == ["second"]


def begin_and_fail(path: Path, error: Exception) -> None:
    with replace_folder(path) as folder:
        (folder / "new").touch()
        raise error


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), ZeroDivisionError()])
def test_a_failed_export_leaves_the_earlier_one(tmp_path: Path, error: Exception) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").touch()
    expected = UserError if isinstance(error, OSError) else ZeroDivisionError
    with pytest.raises(expected) as failure:
        begin_and_fail(tmp_path / "out", error)
    if isinstance(failure.value, UserError):
        assert "out was not written: the disk is full" in str(failure.value)
    assert os.listdir(tmp_path) == ["out"]
    assert os.listdir(tmp_path / "out") == ["old"]


def test_a_failed_rename_restores_the_earlier_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").touch()
    rename = Path.rename

    def failing(path: Path, target: Path) -> Path:
        if target.name == "out" and not path.name.endswith(".old"):
            raise OSError(errno.EACCES, "Permission denied")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(UserError, match="Permission denied"), replace_folder(tmp_path / "out"):
        pass
    assert os.listdir(tmp_path / "out") == ["old"]


def test_what_may_be_replaced(tmp_path: Path) -> None:
    out = tmp_path / "out"
    check_folder(out, False, OWN, ())
    out.mkdir()
    check_folder(out, False, OWN, ())
    (out / "images").mkdir()
    with pytest.raises(UserError, match="exists already"):
        check_folder(out, False, OWN, ())
    check_folder(out, True, OWN, (tmp_path / "scene",))
    with pytest.raises(UserError, match="being exported"):
        check_folder(out, True, OWN, (out / "images",))
    (out / "notes.txt").touch()
    with pytest.raises(UserError, match=r"holds notes\.txt"):
        check_folder(out, True, OWN, ())
