"""The folder of a run; another run in it is not overwritten."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from engine.errors import UserError
from engine.results.result import RESULT_FILE, RUN_FILES
from engine.run.checkpoint import ADDED_FOLDER
from engine.run.checkpoint_writer import CHECKPOINT_FILE
from engine.system.folder_claim import FolderClaim, claim_folder, is_claimed_elsewhere

DEFAULT_PARENT = Path("runs")
_CLAIMED = "Another program writes its run into {} now; wait until it ends, or give another --output."


def new_folder(output: Path | None, scene: str, method: str, overwrite: bool = False) -> Path:
    """A folder for a run that starts, made and writable.

    Args:
        output: the folder that was asked for; None takes `runs/<scene>-<method>`, or the first of `...-2`, `...-3`
            that holds no run, and into which no other program writes.
        scene, method: names.
        overwrite: remove the run that `output` holds.
    Raises:
        UserError: the folder holds a run and `overwrite` is not given, another program writes into it, or it cannot
            be made or written to.
    """
    folder = output if output is not None else next(f for f in _numbered(scene, method) if _is_free(f))
    check_new_folder(folder, overwrite)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in RUN_FILES:
            (folder / name).unlink(missing_ok=True)
        shutil.rmtree(folder / ADDED_FOLDER, ignore_errors=True)
    except OSError as error:
        raise UserError(f"{folder} cannot hold a run ({error.strerror or error}); give another --output.") from error
    return folder


def check_new_folder(folder: Path, overwrite: bool) -> None:
    """Checks whether a run can start in a folder that may not be there yet; makes nothing.

    Raises:
        UserError: as `new_folder`.
    """
    _check_claim(folder)
    if holds_run(folder) and not overwrite:
        raise UserError(
            f"{folder} holds a run already{_whose(folder)}; continue it with --resume, replace it with --overwrite, "
            "or give another --output."
        )
    there = next((place for place in (folder, *folder.absolute().parents) if place.exists()), folder)
    if not there.is_dir() or not os.access(there, os.W_OK):
        reason = "is not writable" if there.is_dir() else "is no folder"
        raise UserError(f"{folder} cannot hold a run ({there} {reason}); give another --output.")


def folder_to_resume(output: Path | None, scene: str, method: str) -> Path:
    """The folder of the run to continue: `output`, or the last of the numbered ones.

    Raises:
        UserError: it has no checkpoint, or another program writes into it.
    """
    if output is None:
        folders = [folder for folder in _numbered(scene, method, limit=1000) if (folder / CHECKPOINT_FILE).is_file()]
        output = folders[-1] if folders else DEFAULT_PARENT / f"{scene}-{method}"
    if not (output / CHECKPOINT_FILE).is_file():
        raise UserError(f"{output} holds no run to continue (no {CHECKPOINT_FILE}); give its folder with --output.")
    _check_claim(output)
    return output


def claim_run_folder(folder: Path) -> FolderClaim:
    """Claims the folder of a run for as long as the result lives, so that no other program takes it.

    Raises:
        UserError: another program has it, or it cannot be opened.
    """
    try:
        claim = claim_folder(folder)
    except OSError as error:
        raise UserError(f"{folder} cannot be opened ({error.strerror or error}); give another --output.") from error
    if claim is None:
        raise UserError(_CLAIMED.format(folder))
    return claim


def holds_run(folder: Path) -> bool:
    """Whether a run was saved there."""
    return any((folder / name).exists() for name in (CHECKPOINT_FILE, RESULT_FILE))


def _is_free(folder: Path) -> bool:
    return not holds_run(folder) and not is_claimed_elsewhere(folder)


def _check_claim(folder: Path) -> None:
    if is_claimed_elsewhere(folder):
        raise UserError(_CLAIMED.format(folder))


def _numbered(scene: str, method: str, limit: int = 1_000_000) -> Iterator[Path]:
    first = DEFAULT_PARENT / f"{scene}-{method}"
    yield first
    for number in range(2, limit + 1):
        yield first.with_name(f"{first.name}-{number}")


def _whose(folder: Path) -> str:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads((folder / RESULT_FILE).read_text(encoding="utf-8"))
        return f" ({found['method']} on {found['scene']})"
    return ""
