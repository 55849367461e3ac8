"""What is kept between starts; an invalid file leads to the defaults."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.model.common.layout import is_complete
from app.window.preferences import RECENT, SIZE, SMALLEST, Preferences


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    before = Preferences(tmp_path / "l2g", size=(1280, 800), scale=1.25)
    before.remember(tmp_path / "fern")
    before.save()
    after = Preferences.load(tmp_path / "l2g")
    assert (tuple(after.size), after.scale, after.recent) == ((1280, 800), 1.25, [str(tmp_path / "fern")])


def test_a_small_screen_does_not_change_the_size_on_a_large_one(tmp_path: Path) -> None:
    small = Preferences(tmp_path, size=(1600, 1000))
    small.fit((1280, 800))
    assert small.size == (1280, 800)
    small.take_size((1280, 800))  # the user left it
    small.save()
    assert tuple(Preferences.load(tmp_path).size) == (1600, 1000)
    small.take_size((1100, 700))  # the user made it smaller
    small.save()
    assert tuple(Preferences.load(tmp_path).size) == (1100, 700)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"recent": 3}', '{"recent": [], "size": ["a", 2], "scale": 1}'])
def test_nonsense_gives_the_defaults(tmp_path: Path, text: str) -> None:
    (tmp_path / "preferences.json").write_text(text)
    assert Preferences.load(tmp_path).size == SIZE


def test_a_window_too_small_to_use_is_made_larger(tmp_path: Path) -> None:
    (tmp_path / "preferences.json").write_text('{"recent": [], "size": [10, 10], "scale": 90}')
    found = Preferences.load(tmp_path)
    assert tuple(found.size) == SMALLEST
    assert found.scale == 3.0


def test_recent_scenes_are_few_and_the_newest_first(tmp_path: Path) -> None:
    found = Preferences(tmp_path)
    for index in range(RECENT + 4):
        found.remember(tmp_path / str(index))
    found.remember(tmp_path / "7")
    assert len(found.recent) == RECENT
    assert found.recent[0] == str(tmp_path / "7")
    assert len(set(found.recent)) == RECENT


def test_a_layout_is_kept_until_it_no_longer_fits(tmp_path: Path) -> None:
    found = Preferences(tmp_path)
    path = found.prepare_layout()
    assert path is not None
    changed = path.read_text().replace("SizeRef=1600", "SizeRef=1599")
    path.write_text(changed)
    assert found.prepare_layout() == path
    assert path.read_text() == changed
    path.write_text("of another program")
    found.prepare_layout()
    assert is_complete(path.read_text())


def test_a_window_that_is_higher_than_wide_gets_a_layout_of_its_own(tmp_path: Path) -> None:
    found = Preferences(tmp_path)
    path = found.prepare_layout()
    assert path is not None
    landscape = path.read_text()
    found.size = (900, 1300)
    found.prepare_layout()
    assert path.read_text() != landscape
    found.size = (1280, 800)
    found.prepare_layout()
    assert "Size=1280,800" in path.read_text()


def test_a_folder_that_cannot_be_made_costs_only_the_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = Preferences(tmp_path / "file" / "folder")
    found.save()
    assert found.prepare_layout() is None
