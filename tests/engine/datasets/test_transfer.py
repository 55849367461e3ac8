"""Downloads over HTTP are resumed, verified, and complete or absent."""

from __future__ import annotations

import errno
import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from engine.datasets import transfer
from engine.datasets.catalogue import Archive
from engine.datasets.transfer import UnreachableError, fetch
from engine.errors import UserError
from tests.support.scenes.download_server import Behaviour, serving

CONTENT = bytes(range(256)) * 4000  # a megabyte
ARCHIVE = Archive("data.zip", "unused", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))


def silent(fraction: float, what: str) -> None:
    assert 0 <= fraction <= 1
    assert "MB" in what


def fetched(behaviour: Behaviour, path: Path, archive: Archive = ARCHIVE) -> None:
    with serving(behaviour) as address:
        fetch(archive, f"{address}/data.zip", path, silent)


def test_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "data.zip"
    fetched(Behaviour({"data.zip": CONTENT}), path)
    assert path.read_bytes() == CONTENT
    assert os.listdir(path.parent) == ["data.zip"]


def test_a_connection_that_breaks_off_is_taken_up_again(tmp_path: Path) -> None:
    behaviour = Behaviour({"data.zip": CONTENT}, cut_at=300_000, cuts=2)
    fetched(behaviour, tmp_path / "data.zip")
    assert (tmp_path / "data.zip").read_bytes() == CONTENT
    assert behaviour.asked == ["", "bytes=300000-", "bytes=600000-"]


def test_what_came_is_kept_for_the_next_try(tmp_path: Path) -> None:
    path = tmp_path / "data.zip"
    stubborn = Behaviour({"data.zip": CONTENT}, cut_at=0)
    stubborn.cut_at = 200_000

    class Dying(dict[str, bytes]):
        """Serves the file once, then no longer has it."""

        def get(self, key: str, default: bytes | None = None) -> bytes | None:  # type: ignore[override]
            return super().get(key) if len(stubborn.asked) == 1 else None

    stubborn.files = Dying({"data.zip": CONTENT})
    with pytest.raises(UnreachableError, match=r"404.*after 200,000 of 1,024,000 bytes; what came is kept"):
        fetched(stubborn, path)
    assert not path.exists()
    healthy = Behaviour({"data.zip": CONTENT})
    fetched(healthy, path)
    assert healthy.asked == ["bytes=200000-"]
    assert path.read_bytes() == CONTENT


def test_a_server_without_ranges_begins_again(tmp_path: Path) -> None:
    (tmp_path / "data.zip.part").write_bytes(b"x" * 500_000)
    fetched(Behaviour({"data.zip": CONTENT}, ranges=False), tmp_path / "data.zip")
    assert (tmp_path / "data.zip").read_bytes() == CONTENT


def test_a_part_that_is_whole_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "data.zip.part").write_bytes(CONTENT)
    fetched(Behaviour({"data.zip": CONTENT}), tmp_path / "data.zip")
    assert (tmp_path / "data.zip").read_bytes() == CONTENT


def test_a_file_that_is_cut_short_for_good(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="could not be downloaded"):
        fetched(
            Behaviour({"data.zip": CONTENT}, stated_length=len(CONTENT) + 10, ranges=False, cut_at=None),
            tmp_path / "data.zip",
        )
    assert not (tmp_path / "data.zip").exists()


def test_a_wrong_checksum_is_thrown_away(tmp_path: Path) -> None:
    other = b"y" * len(CONTENT)
    with pytest.raises(UserError, match=r"is not the data\.zip that is wanted \(its SHA-256 is .* thrown away"):
        fetched(Behaviour({"data.zip": other}), tmp_path / "data.zip")
    assert not list(tmp_path.iterdir())


def test_a_part_of_another_file_does_not_spoil_it_twice(tmp_path: Path) -> None:
    (tmp_path / "data.zip.part").write_bytes(b"z" * 1000)
    with pytest.raises(UserError, match="SHA-256"):
        fetched(Behaviour({"data.zip": CONTENT}), tmp_path / "data.zip")
    fetched(Behaviour({"data.zip": CONTENT}), tmp_path / "data.zip")


def test_a_missing_file_and_a_server_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="404"):
        fetched(Behaviour({}), tmp_path / "data.zip")
    with serving(Behaviour({})) as address:
        pass
    with pytest.raises(UnreachableError, match=r"could not be downloaded \(.*refused"):
        fetch(ARCHIVE, f"{address}/data.zip", tmp_path / "data.zip", silent)
    with pytest.raises(UserError, match="no address of a web server"):
        fetch(ARCHIVE, "file:///etc/passwd", tmp_path / "data.zip", silent)
    assert not list(tmp_path.iterdir())


def test_more_than_was_said_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "MAXIMUM_BYTES", 1000)
    with pytest.raises(UserError, match="more than any data set here"):
        fetched(Behaviour({"data.zip": CONTENT}), tmp_path / "data.zip")


def test_a_full_disk_keeps_what_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(transfer, "_copy", full)
    with pytest.raises(UserError, match=r"data\.zip was not written: the disk is full"):
        fetched(Behaviour({"data.zip": CONTENT}), tmp_path / "data.zip")


def test_without_a_published_checksum_the_size_counts(tmp_path: Path) -> None:
    fetched(Behaviour({"data.zip": CONTENT}), tmp_path / "data.zip", replace(ARCHIVE, sha256=None, size=None))
    assert (tmp_path / "data.zip").read_bytes() == CONTENT
