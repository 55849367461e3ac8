"""What the window for folders and files tells of a choice, as Dear PyGui 2.3 tells it."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.panels.bars.browser import Kind, find_folder, read_choice


@pytest.mark.parametrize(
    ("kind", "stands", "clicked"),
    [
        ("folder", "fern", {}),  # it was opened, and nothing was clicked in it
        ("folder", "fern", {"fern": "fern/fern"}),  # it was clicked
        ("folder", "fern/.", {}),
        ("file", "photo.*", {"photo.png": "photo.png"}),
    ],
)
def test_a_choice_is_a_path_that_is_there(tmp_path: Path, kind: Kind, stands: str, clicked: dict[str, str]) -> None:
    (tmp_path / "fern").mkdir()
    (tmp_path / "photo.png").touch()
    selections = {name: str(tmp_path / path) for name, path in clicked.items()}
    found = read_choice({"file_path_name": f"{tmp_path}/{stands}", "selections": selections}, kind)
    assert Path(found) == tmp_path / ("fern" if kind == "folder" else "photo.png")


def test_it_begins_where_the_typed_path_leads(tmp_path: Path) -> None:
    assert find_folder(str(tmp_path / "none" / "such")) == tmp_path
    assert find_folder("") == Path.cwd()
