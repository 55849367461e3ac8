"""A file over HTTP: resumed where it was cut short, checked when it is whole."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from engine.datasets.catalogue import Archive
from engine.errors import UserError
from engine.system.files import explain_write_failure

Progress = Callable[[float, str], None]

PIECE = 1 << 20  # bytes
TRIES = 4  # of a connection that breaks off while something still comes
TIMEOUT = 30.0  # seconds without a byte
LARGEST = 20_000_000_000  # bytes; no archive here is larger
AGENT = "l2g-viewer"


class UnreachableError(UserError):
    """A source cannot be had; another may."""


def fetch(archive: Archive, url: str, path: Path, progress: Progress) -> None:
    """Downloads an archive to `path`, going on with what an earlier try has left beside it.

    Args:
        archive: what is expected.
        url: http or https.
        path: where to; appears when the file is whole and its checksum right.
        progress: told the fraction and the bytes.
    Raises:
        UnreachableError: the source does not answer, has no such file, or breaks off again and again.
        UserError: the checksum is wrong, or the file cannot be written.
    """
    if not url.startswith(("http://", "https://")):
        raise UserError(f"{url} is no address of a web server; give one that begins with http:// or https://.")
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        expected = _received(archive, url, part, progress)
        _check(archive, url, part, expected)
        os.replace(part, path)
    except OSError as error:
        raise UserError(explain_write_failure(path, error)) from error


def _received(archive: Archive, url: str, part: Path, progress: Progress) -> int | None:
    """Has the part grow until it is whole; returns the size that the server told."""
    fruitless = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        total, why = _connection(archive, url, part, before, progress)
        after = part.stat().st_size if part.exists() else 0
        if why is None and (total is None or after >= total):
            return total
        fruitless = fruitless + 1 if after <= before else 0
        if fruitless or after == 0:
            told = f" of {total:,}" if total is not None else ""
            reason = why or "the connection was closed too early"
            kept = f" after {after:,}{told} bytes; what came is kept: try again to go on" if after else ""
            raise UnreachableError(f"{url} could not be downloaded ({reason}){kept}.")


def _connection(
    archive: Archive, url: str, part: Path, start: int, progress: Progress
) -> tuple[int | None, str | None]:
    """Downloads what one connection gives; the whole size as far as known, and why it ended early, or None."""
    headers = {"User-Agent": AGENT} | ({"Range": f"bytes={start}-"} if start else {})
    total = archive.size
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT) as answer:
            if answer.status != 206:
                start = 0  # a server without ranges sends everything again
            elif _first_byte(answer) != start:
                part.unlink(missing_ok=True)
                return total, "the server sent another part than was asked for"
            length = answer.headers.get("Content-Length", "")
            total = start + int(length) if length.isdecimal() else total
            if total is not None and total > LARGEST:
                raise UserError(f"{url} says that it has {total:,} bytes, more than any data set here; check it.")
            _copy(answer, part, start, total, progress)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:  # nothing lies beyond: the part is whole, or of another file
            return start, None
        return total, f"the server answers {error.code} {error.reason}"
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
        return total, str(getattr(error, "reason", None) or error or type(error).__name__)
    return total, None


def _copy(answer: http.client.HTTPResponse, part: Path, start: int, total: int | None, progress: Progress) -> None:
    begun, received = time.monotonic(), start
    with part.open("r+b" if start else "wb") as file:
        file.seek(start)
        file.truncate()
        while piece := answer.read(PIECE):
            file.write(piece)
            received += len(piece)
            if received > (total or LARGEST):
                raise UserError(f"{part.name.removesuffix('.part')} is larger than its server said; try again.")
            rate = (received - start) / max(time.monotonic() - begun, 1e-3)
            of = f" of {total / 1e6:,.0f}" if total else ""
            progress(received / total if total else 0.0, f"{received / 1e6:,.1f}{of} MB   {rate / 1e6:.1f} MB/s")


def _first_byte(answer: http.client.HTTPResponse) -> int | None:
    match = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    return int(match[1]) if match else None


def _check(archive: Archive, url: str, part: Path, total: int | None) -> None:
    """Raises `UserError`, and removes the part, where it is not what it should be."""
    size = part.stat().st_size
    wrong = None
    if total is not None and size != total:
        wrong = f"it has {size:,} bytes in place of {total:,}"
    elif archive.sha256 is not None and (found := compute_sha256(part)) != archive.sha256:
        wrong = f"its SHA-256 is {found[:16]}… in place of {archive.sha256[:16]}…"
    if wrong is not None:
        with contextlib.suppress(OSError):
            part.unlink()
        raise UserError(f"{url} is not the {archive.name} that is wanted ({wrong}); it was thrown away: try again.")


def compute_sha256(path: Path) -> str:
    """Of a file's content, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
