"""Reads which module imports which, from the source alone: nothing is imported, so that late imports count too."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path

# Rooms from the bottom up: a module may import from its own room and from those before it.
ROOMS: dict[str, tuple[str, ...]] = {
    "engine": (
        *("errors", "geometry", "system", "sfm", "evidence", "scenes", "datasets", "config", "messages", "fields"),
        *("registration", "training", "run", "results", "evaluation", "export", "lab", "cli"),
    ),
    "app": ("arguments", "model", "render", "panels", "window", "main"),
}
# Libraries that only some folders may import.
LIBRARIES: dict[str, tuple[str, ...]] = {
    "dearpygui": ("app.panels", "app.window"),
    "moderngl": ("app.render",),
}


@dataclass
class Imports:
    """The modules of some packages, and what they import.

    Attributes:
        files: module name -> its file. A package is named after its folder.
        modules: module name -> the modules of `files` that it names in import statements, wherever these stand.
        libraries: module name -> top-level names of everything else that it imports.
        type_checking: modules that mention `TYPE_CHECKING`.
    """

    files: dict[str, Path]
    modules: dict[str, set[str]] = field(default_factory=dict)
    libraries: dict[str, set[str]] = field(default_factory=dict)
    type_checking: set[str] = field(default_factory=set)


def read_imports(root: Path, packages: tuple[str, ...] = tuple(ROOMS)) -> Imports:
    """Parses all modules of `packages`, which are folders in `root`."""
    found = Imports({})
    for file in sorted(file for package in packages for file in (root / package).rglob("*.py")):
        parts = file.relative_to(root).with_suffix("").parts
        found.files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    for module, file in found.files.items():
        package = module if file.name == "__init__.py" else module.rpartition(".")[0]
        found.modules[module], found.libraries[module] = set(), set()
        for node in ast.walk(ast.parse(file.read_text(), str(file))):
            for name in _named_by(node, package, found.files):
                (found.modules if name in found.files else found.libraries)[module].add(name)
            mentioned = {node.id} if isinstance(node, ast.Name) else set()
            mentioned |= {node.attr} if isinstance(node, ast.Attribute) else set()
            if "TYPE_CHECKING" in mentioned:
                found.type_checking.add(module)
        found.libraries[module] = {name.partition(".")[0] for name in found.libraries[module]}
    return found


def _named_by(node: ast.AST, package: str, files: dict[str, Path]) -> list[str]:
    """The modules that one import statement names; `from package import module` names the module."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = node.module or ""
    if node.level:
        folders = package.split(".")
        base = ".".join([*folders[: len(folders) - node.level + 1], *([base] if base else [])])
    return [name if (name := f"{base}.{alias.name}") in files else base for alias in node.names]


def upward_doors(imports: Imports) -> list[str]:
    """Imports from a room that stands above the importer's, and modules in rooms that `ROOMS` does not name."""
    found = []
    for module, others in imports.modules.items():
        package, room = module.split(".")[0], _room(module)
        if room and room not in ROOMS[package]:
            found.append(f"{module} is in no room that is known")
            continue
        for other in sorted(others):
            if other.split(".")[0] == package and _height(other) > _height(module):
                found.append(f"{module} imports {other}")
    return found


def engine_imports_of_app(imports: Imports) -> list[str]:
    """Modules of the engine that import from the desktop program."""
    return [
        f"{module} imports {other}"
        for module, others in imports.modules.items()
        for other in sorted(others)
        if module.split(".")[0] == "engine" and other.split(".")[0] == "app"
    ]


def misplaced_libraries(imports: Imports) -> list[str]:
    """Imports of a library of `LIBRARIES` in a folder that may not."""
    return [
        f"{module} imports {library}"
        for module, libraries in imports.libraries.items()
        for library in sorted(libraries & set(LIBRARIES))
        if not any(f"{module}.".startswith(f"{folder}.") for folder in LIBRARIES[library])
    ]


def circles(imports: Imports) -> list[list[str]]:
    """Groups of modules each of which imports all others of its group, directly or through others.

    Strongly connected components, by Tarjan's algorithm (SIAM J. Comput. 1(2), 1972).
    """
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    path: list[str] = []
    found = []

    def visit(module: str) -> None:
        order[module] = low[module] = len(order)
        path.append(module)
        for other in sorted(imports.modules[module]):
            if other not in order:
                visit(other)
            if other in path:
                low[module] = min(low[module], low[other])
        if low[module] == order[module]:
            group = path[path.index(module) :]
            del path[path.index(module) :]
            if len(group) > 1 or module in imports.modules[module]:
                found.append(sorted(group))

    for module in imports.modules:
        if module not in order:
            visit(module)
    return found


def _room(module: str) -> str:
    return ".".join(module.split(".")[1:2])


def _height(module: str) -> int:
    """0 for the package itself, which stands below its rooms."""
    room, rooms = _room(module), ROOMS[module.split(".")[0]]
    return rooms.index(room) + 1 if room in rooms else 0


def crowded_folders(root: Path, packages: tuple[str, ...], most: int) -> list[str]:
    """Folders with more than `most` Python files of their own level, `__init__.py` apart."""
    folders = {file.parent for package in packages for file in (root / package).rglob("*.py")}
    counts = {folder: sum(file.name != "__init__.py" for file in folder.glob("*.py")) for folder in sorted(folders)}
    return [f"{folder.relative_to(root)}: {count} files" for folder, count in counts.items() if count > most]


def long_files(root: Path, packages: tuple[str, ...], most: int) -> list[str]:
    """Python files of more than `most` lines, relative to `root`."""
    files = sorted(file for package in packages for file in (root / package).rglob("*.py"))
    return [str(file.relative_to(root)) for file in files if len(file.read_text().splitlines()) > most]
