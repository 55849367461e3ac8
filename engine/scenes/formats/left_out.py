"""Frames that cannot be used are left out and named, as long as enough others remain."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from engine.errors import UserError
from engine.scenes.paths import MissingFileError
from engine.scenes.scene import LeftOut

Entry = TypeVar("Entry")
Result = TypeVar("Result")
MINIMUM_FRAMES = 2  # that have to remain
SHOWN = 10  # frames that one warning names
logger = logging.getLogger(__name__)


def read_each(
    entries: Iterable[Entry], name: Callable[[Entry], str], read: Callable[[Entry], Result], file: Path
) -> tuple[list[Result], tuple[LeftOut, ...]]:
    """What is read of each entry; those for which `read` raises a `UserError` are left out, with a warning.

    Args:
        entries: of the frames.
        name: of an entry, for the warning.
        read: reads one.
        file: that lists the frames, for the warning.
    Raises:
        UserError: the first one that was raised, if more entries fail than not, or fewer than two remain.
    """
    kept, failed = list[Result](), list[tuple[str, UserError]]()
    for entry in entries:
        try:
            kept.append(read(entry))
        except UserError as error:
            failed.append((name(entry), error))
    check_enough_remain(len(kept), [error for _, error in failed])
    left_out = tuple(LeftOut(name, describe_reason(error)) for name, error in failed)
    warn_of_left_out(left_out, file)
    return kept, left_out


def check_enough_remain(kept: int, errors: Sequence[UserError]) -> None:
    """Raises the first of the errors if there are more of them than frames that remain, or hardly any remain."""
    if errors and (len(errors) > kept or kept < MINIMUM_FRAMES):
        raise errors[0]


def warn_of_left_out(left_out: Sequence[LeftOut], file: Path) -> None:
    """Logs one warning that names the frames, with the reasons."""
    if not left_out:
        return
    shown = "; ".join(f"{frame.name} ({frame.reason})" for frame in left_out[:SHOWN])
    more = f"; and {len(left_out) - SHOWN} more" if len(left_out) > SHOWN else ""
    logger.warning("%s: these frames are left out: %s%s", file, shown, more)


def describe_reason(error: UserError) -> str:
    """The error in a few words: without the path that begins its sentence and without what to do about it."""
    if isinstance(error, MissingFileError):
        return error.reason
    return _strip_path(str(error)).rpartition(";")[0] or str(error)


def _strip_path(sentence: str) -> str:
    """A sentence without the path at its beginning, which ends before a verb."""
    return re.sub(r"^(?:/|[A-Za-z]:\\).*? (?=(?:has|is|gives|names|was|lacks|uses|may|cannot) )", "", sentence)
