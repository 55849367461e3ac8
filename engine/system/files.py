"""Files and folders that are either written whole or not at all."""

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

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextlib.contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends, and vanishes if the block raises.

    Whoever reads `path`, at any time, finds the old file or the new one, never half of one. The temporary file
    keeps the suffix, as writers of images and videos go by it.

    Raises:
        UserError: the file could not be written (disk full, permissions); the sentence names it, and what was there
            before is intact.
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
    """A temporary folder beside `path` that takes its place when the block ends, and vanishes if the block raises.

    Raises:
        UserError: it could not be written; what was there before is intact.
    """
    path = path.absolute()
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    aside = path.with_name(f".{path.name}.{os.getpid()}.old")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if path.exists():
            path.rename(aside)
        temporary.rename(path)
    except OSError as error:
        if aside.exists() and not path.exists():
            aside.rename(path)
        raise UserError(explain_write_failure(path, error)) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(aside, ignore_errors=True)


def write_json(path: Path, content: Any) -> None:
    """Writes JSON as the standard has it: numbers that are not finite become null.

    Raises:
        UserError: the file could not be written.
    """
    text = json.dumps(to_json_values(content), indent=1, allow_nan=False, ensure_ascii=False)
    # One line per vector, not per number. Strings are safe: a line break in one is written as an escape.
    text = re.sub(r"\[\n[^\[\]{}\"]*\]", lambda match: " ".join(match[0].split()), text)
    with replace_file(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def to_json_values(content: Any) -> Any:
    """The same content in dicts, lists, strings, numbers, booleans and None; what is not finite is None."""
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
    """Why a file could not be written, and what to do."""
    if error.errno in _FULL:
        return f"{path} was not written: the disk is full; free some space or choose another folder."
    return f"{path} was not written ({error.strerror or error}); check the folder and its permissions."
