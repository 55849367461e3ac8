"""The rooms of the program: imports open downwards, without circles; folders and files stay small.

There are no exceptions to list. A new room gets its place in `tests/support/imports.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.imports import (
    Imports,
    circles,
    crowded_folders,
    engine_imports_of_app,
    long_files,
    misplaced_libraries,
    read_imports,
    upward_doors,
)

REPOSITORY = Path(__file__).parents[1]
FOLDERS = ("engine", "app", "tests", "scenes")
MOST_FILES, MOST_LINES = 20, 350


@pytest.fixture(scope="module")
def imports() -> Imports:
    return read_imports(REPOSITORY)


def test_the_whole_program_is_read(imports: Imports) -> None:
    """A walker that finds nothing would find no fault either."""
    assert {"engine", "engine.errors", "engine.cli.main", "app.main", "app.panels"} <= set(imports.files)
    assert "engine.errors" in imports.modules["engine.scenes.load"]
    assert "dearpygui" in set().union(*imports.libraries.values())
    assert "moderngl" in set().union(*imports.libraries.values())


def test_doors_open_downwards(imports: Imports) -> None:
    assert upward_doors(imports) == []


def test_there_are_no_circles(imports: Imports) -> None:
    assert circles(imports) == []


def test_the_engine_never_imports_the_program_around_it(imports: Imports) -> None:
    assert engine_imports_of_app(imports) == []


def test_window_and_drawing_libraries_stay_in_their_rooms(imports: Imports) -> None:
    assert misplaced_libraries(imports) == []


def test_no_import_is_for_type_checkers_only(imports: Imports) -> None:
    """Such an import hides a circle."""
    assert imports.type_checking == set()


def test_no_folder_is_crowded() -> None:
    assert crowded_folders(REPOSITORY, FOLDERS, MOST_FILES) == []


def test_no_file_is_long() -> None:
    assert long_files(REPOSITORY, FOLDERS, MOST_LINES) == []


def planted(root: Path, sources: dict[str, str]) -> Imports:
    """What is read of a small program with these files; those it needs besides are empty."""
    for package in ("engine", "engine/geometry", "engine/run", "engine/cli", "app", "app/model", "app/panels"):
        (root / package).mkdir()
        (root / package / "__init__.py").touch()
    for name, source in sources.items():
        (root / name).write_text(source)
    return read_imports(root)


def test_a_door_upwards_is_noticed(tmp_path: Path) -> None:
    late = "def act():\n    from engine.cli import main\n"
    sources = {"engine/run/session.py": late, "engine/cli/main.py": "import engine.run.session\n"}
    assert upward_doors(planted(tmp_path, sources)) == ["engine.run.session imports engine.cli.main"]


def test_a_relative_door_upwards_is_noticed(tmp_path: Path) -> None:
    sources = {"engine/geometry/rays.py": "from ..run import session\n", "engine/run/session.py": ""}
    assert upward_doors(planted(tmp_path, sources)) == ["engine.geometry.rays imports engine.run.session"]


def test_a_door_from_the_package_itself_is_noticed(tmp_path: Path) -> None:
    found = planted(tmp_path, {"engine/__init__.py": "from engine.run import go\n"})
    assert upward_doors(found) == ["engine imports engine.run"]


def test_a_module_outside_of_all_rooms_is_noticed(tmp_path: Path) -> None:
    assert upward_doors(planted(tmp_path, {"engine/misc.py": ""})) == ["engine.misc is in no room that is known"]


@pytest.mark.parametrize(
    "door",
    [
        "from engine.run.b import B\n",
        "def late():\n    import engine.run.b\n",
        "from . import b\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from engine.run.b import B\n",
    ],
)
def test_a_circle_is_noticed(tmp_path: Path, door: str) -> None:
    sources = {"engine/run/a.py": door, "engine/run/b.py": "import engine.run.c\n"}
    sources["engine/run/c.py"] = "from engine.run.a import A\n"
    found = planted(tmp_path, sources)
    assert circles(found) == [["engine.run.a", "engine.run.b", "engine.run.c"]]
    assert found.type_checking == ({"engine.run.a"} if "TYPE_CHECKING" in door else set())


def test_a_package_that_imports_what_imports_it_is_a_circle(tmp_path: Path) -> None:
    sources = {"engine/run/__init__.py": "from engine.run.a import A\n"}
    sources["engine/run/a.py"] = "from engine.run import B\n"
    assert circles(planted(tmp_path, sources)) == [["engine.run", "engine.run.a"]]


def test_what_several_import_is_no_circle(tmp_path: Path) -> None:
    sources = {"engine/run/a.py": "import engine.run.c\n", "engine/run/b.py": "import engine.run.a, engine.run.c\n"}
    assert circles(planted(tmp_path, sources | {"engine/run/c.py": ""})) == []


def test_an_engine_that_knows_the_window_is_noticed(tmp_path: Path) -> None:
    found = planted(tmp_path, {"engine/cli/main.py": "from app.model import x\n", "app/model/x.py": ""})
    assert engine_imports_of_app(found) == ["engine.cli.main imports app.model.x"]


def test_libraries_in_the_wrong_room_are_noticed(tmp_path: Path) -> None:
    sources = {"app/model/x.py": "import dearpygui.dearpygui as dpg\n", "app/panels/y.py": "from moderngl import A\n"}
    found = planted(tmp_path, sources | {"app/panels/z.py": "from dearpygui import dearpygui\n"})
    assert misplaced_libraries(found) == ["app.model.x imports dearpygui", "app.panels.y imports moderngl"]


def test_crowds_and_long_files_are_noticed(tmp_path: Path) -> None:
    (tmp_path / "engine").mkdir()
    for name in ("__init__", "a", "b"):
        (tmp_path / "engine" / f"{name}.py").write_text("x = 1\n" * 3)
    assert crowded_folders(tmp_path, ("engine",), 1) == ["engine: 2 files"]
    assert crowded_folders(tmp_path, ("engine",), 2) == []
    assert long_files(tmp_path, ("engine",), 2) == ["engine/__init__.py", "engine/a.py", "engine/b.py"]
    assert long_files(tmp_path, ("engine",), 3) == []
