"""Download of a file over HTTP, resumed after an interruption and verified when complete."""

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

CHUNK_BYTES = 1 << 20  # read and written at a time
TIMEOUT_SECONDS = 30.0  # without any byte, after which a connection counts as broken
MAXIMUM_BYTES = 20_000_000_000  # of an archive; every one in the catalogue is smaller
USER_AGENT = "l2g-viewer"


class UnreachableError(UserError):
    """A file could not be downloaded from this address; another address may work."""


def fetch(archive: Archive, url: str, path: Path, progress: Progress) -> None:
    """Downloads an archive to `path`, continuing the partial file `path`.part of an earlier attempt.

    Args:
        archive: expected size and checksum.
        url: http or https address.
        path: target; exists only once the file is complete and its checksum is right.
        progress: called with the fraction in [0, 1] (0 where the size is unknown) and a text of bytes and speed.
    Raises:
        UnreachableError: the server does not answer, has no such file, or a connection ends without new bytes.
        UserError: the checksum or size is wrong, or the file cannot be written.
    """
    if not url.startswith(("http://", "https://")):
        raise UserError(f"{url} is no address of a web server; give one that begins with http:// or https://.")
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        expected = _download(archive, url, part, progress)
        _check(archive, url, part, expected)
        os.replace(part, path)
    except OSError as error:
        raise UserError(explain_write_failure(path, error)) from error


def _download(archive: Archive, url: str, part: Path, progress: Progress) -> int | None:
    """Opens connections until the partial file is complete; returns the size that the server stated, if any."""
    while True:
        before = part.stat().st_size if part.exists() else 0
        total, why = _download_once(archive, url, part, before, progress)
        after = part.stat().st_size if part.exists() else 0
        if why is None and (total is None or after >= total):
            return total
        if after <= before or after == 0:
            told = f" of {total:,}" if total is not None else ""
            reason = why or "the connection was closed too early"
            kept = f" after {after:,}{told} bytes; what came is kept: try again to go on" if after else ""
            raise UnreachableError(f"{url} could not be downloaded ({reason}){kept}.")


def _download_once(
    archive: Archive, url: str, part: Path, start: int, progress: Progress
) -> tuple[int | None, str | None]:
    """Downloads over one connection; returns the total size if known, and why the connection ended early, or None."""
    headers = {"User-Agent": USER_AGENT} | ({"Range": f"bytes={start}-"} if start else {})
    total = archive.size
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_SECONDS) as answer:
            if answer.status != 206:
                start = 0  # a server without ranges sends everything again
            elif _first_byte(answer) != start:
                part.unlink(missing_ok=True)
                return total, "the server sent another part than was asked for"
            length = answer.headers.get("Content-Length", "")
            total = start + int(length) if length.isdecimal() else total
            if total is not None and total > MAXIMUM_BYTES:
                raise UserError(f"{url} says that it has {total:,} bytes, more than any data set here; check it.")
            _copy(answer, part, start, total, progress)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:  # range not satisfiable: the partial file is complete, or of another file
            return start, None
        return total, f"the server answers {error.code} {error.reason}"
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
        return total, str(getattr(error, "reason", None) or error or type(error).__name__)
    return total, None


def _copy(answer: http.client.HTTPResponse, part: Path, start: int, total: int | None, progress: Progress) -> None:
    started, received = time.monotonic(), start
    with part.open("r+b" if start else "wb") as file:
        file.seek(start)
        file.truncate()
        while chunk := answer.read(CHUNK_BYTES):
            file.write(chunk)
            received += len(chunk)
            if received > (total or MAXIMUM_BYTES):
                raise UserError(f"{part.name.removesuffix('.part')} is larger than its server said; try again.")
            rate = (received - start) / max(time.monotonic() - started, 1e-3)
            of = f" of {total / 1e6:,.0f}" if total else ""
            progress(received / total if total else 0.0, f"{received / 1e6:,.1f}{of} MB   {rate / 1e6:.1f} MB/s")


def _first_byte(answer: http.client.HTTPResponse) -> int | None:
    """Position of the first byte of a partial answer, by its Content-Range header."""
    match = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    return int(match[1]) if match else None


def _check(archive: Archive, url: str, part: Path, total: int | None) -> None:
    """Raises `UserError`, and deletes the partial file, where its size or checksum is wrong."""
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
    """SHA-256 of a file's content, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
