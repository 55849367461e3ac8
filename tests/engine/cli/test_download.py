"""`l2g-download` from the command line to a scene that can be opened."""

from __future__ import annotations

import io
import socket
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from engine.cli import download as command
from engine.cli.arguments import DownloadArguments
from engine.datasets.catalogue import DATA_SETS, find_data_sets
from engine.errors import UserError
from engine.scenes import load_scene
from tests.support.scenes.download_server import Behaviour, serving
from tests.support.scenes.synthetic import forward_poses, object_poses, write_blender, write_llff


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own cache is left alone; test archives have no published checksum."""
    monkeypatch.setattr(command, "cache_folder", lambda: tmp_path / "cache")
    plain = {
        name: replace(one, archives=tuple(replace(archive, sha256=None, size=None) for archive in one.archives))
        for name, one in DATA_SETS.items()
    }
    monkeypatch.setattr(command, "find_data_sets", lambda name: [plain[one.name] for one in find_data_sets(name)])
    return tmp_path / "cache"


def zipped(folder: Path) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as made:
        for path in sorted(folder.rglob("*")):
            made.write(path, path.relative_to(folder.parent))
    return held.getvalue()


def example(folder: Path) -> bytes:
    """`nerf_example_data.zip`, small."""
    write_llff(folder / "nerf_example_data" / "nerf_llff_data" / "fern", forward_poses(6))
    write_blender(folder / "nerf_example_data" / "nerf_synthetic" / "lego", object_poses(6))
    return zipped(folder / "nerf_example_data")


def test_scenes_by_name_from_one_archive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    behaviour = Behaviour({"nerf_example_data.zip": example(tmp_path)})
    with serving(behaviour) as address:
        assert command.download(DownloadArguments("llff/fern", mirror=address)) == 0
        assert command.download(DownloadArguments("blender/lego", mirror=address, output=tmp_path / "my lego")) == 0
    assert len(behaviour.asked) == 1, "the second scene is in the archive that is here already"
    said = capsys.readouterr().out
    for words in ("no licence comes with them", "Heinzelnisse, CC-BY-NC", "matthewtancik.com", " 98 %  unpacking"):
        assert words in said
    assert said.endswith("my lego\n")
    assert len(load_scene(tmp_path / "cache" / "scenes" / "llff" / "fern").names) == 6
    assert load_scene(tmp_path / "my lego").kind == "object"
    command.download(DownloadArguments("llff/fern", mirror=address))  # no server any more
    assert "It is there already" in capsys.readouterr().out


def test_without_a_network_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail_to_resolve(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail_to_resolve)
    with pytest.raises(UserError, match=r"Name or service not known.*Check the network; or .*--archive") as failure:
        command.download(DownloadArguments("llff/fern", output=tmp_path / "fern"))
    assert "\n" not in str(failure.value)
    assert not (tmp_path / "fern").exists()


def test_an_archive_that_the_user_has_downloaded(tmp_path: Path) -> None:
    (tmp_path / "mine.zip").write_bytes(example(tmp_path / "made"))
    command.download(DownloadArguments("blender/lego", archive=tmp_path / "mine.zip", output=tmp_path / "lego"))
    assert load_scene(tmp_path / "lego").kind == "object"
    with pytest.raises(UserError, match=r"There is no archive .*none\.zip"):
        command.download(DownloadArguments("blender/mic", archive=tmp_path / "none.zip", output=tmp_path / "mic"))


def test_a_damaged_archive_is_not_kept(tmp_path: Path, own_cache: Path) -> None:
    behaviour = Behaviour({"nerf_llff_data.zip": b"<html>quota exceeded</html>"})
    with serving(behaviour) as address, pytest.raises(UserError, match="damaged"):
        command.download(DownloadArguments("llff/horns", mirror=address))
    assert not list((own_cache / "archives").iterdir())


def test_other_files_are_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="holds other things"):
        command.download(DownloadArguments("llff/fern", output=tmp_path / "out", force=True))
    assert (tmp_path / "out" / "mine.txt").read_text() == "mine"


def test_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert [one.name for one in find_data_sets("llff")] == [name for name in DATA_SETS if name.startswith("llff/")]
    assert len(find_data_sets("blender")) == 8
    with pytest.raises(UserError, match=r"no data set llff/fren \(did you mean llff/fern\?\)"):
        find_data_sets("llff/fren")
    assert command.download(DownloadArguments()) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in DATA_SETS)
