"""Scenes from zip files, also from damaged and malicious ones."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from engine.datasets import unpacking
from engine.datasets.unpacking import DamagedError, unpack
from engine.errors import UserError


def silent(fraction: float, what: str) -> None:
    assert 0 <= fraction <= 1
    assert what


def archive(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members:
            made.writestr(name, content)
    return path


SCENE = (("top/fern/poses_bounds.npy", b"poses"), ("top/fern/images/a.png", b"a" * 5000), ("top/other/b.png", b"b"))


def test_only_the_scene_s_folder_is_unpacked(tmp_path: Path) -> None:
    extra = ("__MACOSX/fern/poses_bounds.npy", b"junk")
    unpack(archive(tmp_path / "a.zip", extra, *SCENE), "fern", "poses_bounds.npy", tmp_path / "fern", silent)
    found = {str(path.relative_to(tmp_path / "fern")) for path in (tmp_path / "fern").rglob("*") if path.is_file()}
    assert found == {"poses_bounds.npy", "images/a.png"}
    assert (tmp_path / "fern" / "poses_bounds.npy").read_bytes() == b"poses"


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (("top/fern/../../../evil.png", b"x"), "leaves its folder"),
        (("top/fern//etc/passwd", b"x"), "leaves its folder"),
        (("top/fern/..\\evil.png", b"x"), "leaves its folder"),
        (("top/fern/C:evil.png", b"x"), "leaves its folder"),
        ((link("top/fern/images/link.png"), b"/etc/passwd"), "link or device"),
    ],
)
def test_what_would_leave_the_folder_is_refused(
    tmp_path: Path, member: tuple[str | zipfile.ZipInfo, bytes], words: str
) -> None:
    (tmp_path / "here").mkdir()
    with pytest.raises(DamagedError, match=words):
        unpack(
            archive(tmp_path / "a.zip", *SCENE, member), "fern", "poses_bounds.npy", tmp_path / "here" / "fern", silent
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "here"]
    assert not list((tmp_path / "here").iterdir())


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = archive(tmp_path / "a.zip", *SCENE, ("top/fern/big", b"\0" * 2_000_000))
    for name, value in (("MAXIMUM_BYTES", 1_000_000), ("MAXIMUM_FILES", 2)):
        with monkeypatch.context() as patch:
            patch.setattr(unpacking, name, value)
            with pytest.raises(DamagedError, match="more than a scene can be"):
                unpack(bomb, "fern", "poses_bounds.npy", tmp_path / "fern", silent)
    assert not (tmp_path / "fern").exists()


def test_damage_is_one_sentence_and_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "fern").mkdir()
    (tmp_path / "fern" / "poses_bounds.npy").write_text("old")
    whole = archive(tmp_path / "a.zip", *SCENE).read_bytes()
    at = whole.index(b"images/a.png") + len(b"images/a.png")
    spoiled = whole[:at] + bytes(255 - byte for byte in whole[at : at + 8]) + whole[at + 8 :]
    for content in (b"", b"<html>please confirm</html>", whole[: len(whole) // 2], spoiled):
        (tmp_path / "b.zip").write_bytes(content)
        with pytest.raises(DamagedError, match="damaged"):
            unpack(tmp_path / "b.zip", "fern", "poses_bounds.npy", tmp_path / "fern", silent)
        assert (tmp_path / "fern" / "poses_bounds.npy").read_text() == "old"


def test_a_scene_that_is_not_in_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no scene trex"):
        unpack(archive(tmp_path / "a.zip", *SCENE), "trex", "poses_bounds.npy", tmp_path / "trex", silent)
