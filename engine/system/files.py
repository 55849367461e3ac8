"""Atomic writing: a file or folder is replaced completely, or left as it was."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import UserError

_DISK_FULL_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextlib.contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`, renamed to `path` when the block ends, deleted if the block raises.

    A reader of `path` finds the old file or the new one at any time, never a partial one. The temporary path has the
    same suffix, because writers of images and videos choose the format by it. Missing parent folders are made.

    Raises:
        UserError: the file could not be written (disk full, permissions); the message names it, and the previous file
            is unchanged.
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        # A rename may reach the disk before the content does: without this a power cut leaves an empty file.
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise UserError(explain_write_failure(path, error)) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


@contextlib.contextmanager
def replace_folder(path: Path) -> Iterator[Path]:
    """Yields a new temporary folder beside `path`, renamed to `path` when the block ends, deleted if the block raises.

    Raises:
        UserError: it could not be written; the previous folder is unchanged.
    """
    path = path.absolute()
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    previous = path.with_name(f".{path.name}.{os.getpid()}.old")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if path.exists():
            path.rename(previous)
        temporary.rename(path)
    except OSError as error:
        if previous.exists() and not path.exists():
            previous.rename(path)
        raise UserError(explain_write_failure(path, error)) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(previous, ignore_errors=True)


def write_json(path: Path, content: Any) -> None:
    """Writes strict JSON, one line per list of numbers; numbers that are not finite become null.

    Raises:
        UserError: the file could not be written.
    """
    text = json.dumps(to_json_values(content), indent=1, allow_nan=False, ensure_ascii=False)
    # One line per vector, not per number. Strings are safe: a line break in one is written as an escape.
    text = re.sub(r"\[\n[^\[\]{}\"]*\]", lambda match: " ".join(match[0].split()), text)
    with replace_file(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def to_json_values(content: Any) -> Any:
    """The same content in dicts, lists, strings, numbers, booleans and None; numbers that are not finite are None.

    Accepts numpy arrays, tensors, tuples and paths (as strings) at any depth.
    """
    if isinstance(content, dict):
        return {str(key): to_json_values(value) for key, value in content.items()}
    if isinstance(content, np.ndarray | np.generic) or hasattr(content, "tolist"):
        return to_json_values(content.tolist())
    if isinstance(content, list | tuple):
        return [to_json_values(value) for value in content]
    if isinstance(content, float) and not math.isfinite(content):
        return None
    if isinstance(content, Path):
        return str(content)
    return content


def explain_write_failure(path: Path, error: OSError) -> str:
    """A sentence for the user: why `path` could not be written, and what to do."""
    if error.errno in _DISK_FULL_ERRORS:
        return f"{path} was not written: the disk is full; free some space or choose another folder."
    return f"{path} was not written ({error.strerror or error}); check the folder and its permissions."


def link_or_copy(source: Path, target: Path) -> None:
    """Gives a file another name, without taking its room twice where the file system can do so; else copies it.

    Whoever replaces one of the two afterwards, as `replace_file` does, leaves the other as it was.

    Raises:
        UserError: neither is possible.
    """
    try:
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)
    except OSError as error:
        raise UserError(f"{source} cannot be copied to {target} ({error.strerror or error}).") from error
