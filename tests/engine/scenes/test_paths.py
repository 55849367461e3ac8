"""Files are found by paths of other machines, and never outside of the scene's folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import UserError
from engine.scenes.paths import OMITTED_ENDINGS, MissingFileError, SceneFiles, find_file_inside

NAMED_IN = Path("transforms.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """`scene` with `images/0001.png`, `images/left/0001.png` and `images/Foto 2.JPG`, and a secret beside it."""
    scene = tmp_path / "scene"
    for name in ("images/0001.png", "images/left/0001.png", "images/Foto 2.JPG", "images/über.png"):
        (scene / name).parent.mkdir(parents=True, exist_ok=True)
        (scene / name).touch()
    (tmp_path / "secret.png").touch()
    return scene


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("images/0001.png", "images/0001.png"),
        ("./images//left/../0001.png", "images/0001.png"),
        ("/home/bob/scans/desk/images/0001.png", "images/0001.png"),
        ("/home/bob/images/left/0001.png", "images/left/0001.png"),
        (r"C:\Users\bob\scans\images\left\0001.png", "images/left/0001.png"),
        (r"C:/Users/bob/images/0001", "images/0001.png"),
        (r"\\server\share\images\0001.png", "images/0001.png"),
        (r"images\left\0001", "images/left/0001.png"),
        ("../../data/desk/images/0001.png", "images/0001.png"),
        ("images/0001.PNG", "images/0001.png"),
        ("Images/foto 2.jpg", "images/Foto 2.JPG"),
        ("images/Foto 2", "images/Foto 2.JPG"),
        ("/mnt/IMAGES/FOTO 2", "images/Foto 2.JPG"),
        ("images/u\u0308ber.png", "images/über.png"),  # as macOS writes it
    ],
)
def test_the_longest_ending_that_exists_is_found(folder: Path, written: str, found: str) -> None:
    assert SceneFiles(folder).find(written, NAMED_IN, OMITTED_ENDINGS) == folder / found


@pytest.mark.parametrize(
    "written",
    ["../secret.png", "/etc/passwd", "../../etc/passwd", r"..\secret.png", "images/../../secret.png", "C:/x"],
)
def test_what_lies_outside_is_not_found(folder: Path, written: str) -> None:
    with pytest.raises(MissingFileError, match=r"leads out of the scene folder .*scene"):
        SceneFiles(folder).find(written, NAMED_IN, OMITTED_ENDINGS)


def test_a_step_back_after_a_link_stays_inside(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "disk" / "photos").mkdir(parents=True)
    (tmp_path / "disk" / "photos" / "a.png").touch()
    (tmp_path / "disk" / "secret.png").touch()
    (folder / "linked").symlink_to(tmp_path / "disk" / "photos")
    assert SceneFiles(folder).find("linked/a.png", NAMED_IN) == folder / "linked" / "a.png"
    for written in ("linked/../secret.png", "linked/b/../../secret.png"):
        with pytest.raises(MissingFileError):
            SceneFiles(folder).find(written, NAMED_IN)


def test_files_that_differ_in_case_alone_are_not_mixed_up(folder: Path) -> None:
    for name in ("Cat.png", "CAT.png", "dog.png", "DOG.PNG"):
        (folder / name).touch()
    assert SceneFiles(folder).find("CAT.png", NAMED_IN) == folder / "CAT.png"
    assert SceneFiles(folder).find("dog.Png", NAMED_IN) == folder / "dog.png"
    with pytest.raises(MissingFileError):
        SceneFiles(folder).find("cat.png", NAMED_IN)


def test_further_folders_are_looked_into_last(folder: Path) -> None:
    files = SceneFiles(folder, folder / "images")
    assert files.find("left/0001.png", NAMED_IN) == folder / "images" / "left" / "0001.png"
    (folder / "0001.png").touch()
    assert files.find("0001.png", NAMED_IN) == folder / "0001.png"


@pytest.mark.parametrize("written", ["", "/", "..", "images", "images/0002.png", "x" * 5000, "a\0b"])
def test_what_is_no_file_is_a_sentence(folder: Path, written: str) -> None:
    with pytest.raises(UserError, match=r"transforms\.json names"):
        SceneFiles(folder).find(written, NAMED_IN)


def test_similar_names_are_suggested(folder: Path) -> None:
    with pytest.raises(MissingFileError, match=r"did you mean 0001\.png"):
        SceneFiles(folder).find("images/00001.png", NAMED_IN)


def test_what_was_written_by_hand_has_to_exist_as_a_whole(folder: Path) -> None:
    assert find_file_inside(folder, "images/0001.png", NAMED_IN) == folder / "images" / "0001.png"
    for written in ("/data/images/0001.png", "../images/0001.png", "data/images/0001.png"):
        with pytest.raises(MissingFileError):
            find_file_inside(folder, written, NAMED_IN)
