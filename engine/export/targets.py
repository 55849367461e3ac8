"""Checks of the output path of an export: only earlier exports are replaced, and only on demand."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from engine.errors import UserError


def check_file(path: Path, force: bool) -> None:
    """Raises `UserError` if a file cannot be written, or exists and may not be replaced."""
    if path.is_dir():
        raise UserError(f"{path} is a folder; give the name of a file.")
    if path.exists() and not force:
        raise UserError(f"{path} exists already; give another --output, or --force to replace it.")


def check_folder(path: Path, force: bool, own: Collection[str], protected: Collection[Path]) -> None:
    """Raises `UserError` if a folder cannot be written, or may not be replaced.

    Args:
        path: the folder; an empty one may exist.
        force: replace an earlier export.
        own: names of the files and folders of such an export; a folder with any other is not replaced.
        protected: paths that must not be inside the folder (the scene, the run).
    """
    if path.is_file():
        raise UserError(f"{path} is a file; give the name of a folder.")
    if not path.is_dir():
        return
    try:
        found = sorted(entry.name for entry in path.iterdir())
    except OSError as error:
        raise UserError(f"{path} cannot be opened ({error.strerror or error}); give another --output.") from error
    if found and not force:
        raise UserError(f"{path} exists already; give another --output, or --force to replace it.")
    others = [name for name in found if name not in own]
    if others:
        raise UserError(f"{path} holds {others[0]}, which is no part of such an export; give another --output.")
    kept = next((one for one in protected if one.resolve().is_relative_to(path.resolve())), None)
    if found and kept is not None:
        raise UserError(f"{path} holds {kept}, which is being exported; give another --output.")
