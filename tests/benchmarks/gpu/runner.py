"""Runs parts one after the other, each in a process and a time of its own, and keeps what each has found so far."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.benchmarks.gpu.figures import read_whole, write_whole
from tests.benchmarks.support.command import REPOSITORY


@dataclass(frozen=True)
class Part:
    """One thing to measure.

    Attributes:
        name: of its function in `parts`, and of its entry in the report.
        seconds: it may take; the last one takes what is left.
    """

    name: str
    seconds: float


@dataclass(frozen=True)
class Limits:
    """Times around the parts, seconds.

    Attributes:
        least: a part for which less is left is not begun.
        ending: for a part to write what it has, once its time is over and it is asked to end.
        look: between two looks at what a part has found.
    """

    least: float = 8.0
    ending: float = 8.0
    look: float = 0.5


LIMITS = Limits()
KILLED = 10.0  # seconds for the system to end a process that is killed
Command = Callable[[Part, Path, float], Sequence[str]]
"""Gives the command of a part, from its file of figures and the seconds that it may take."""


def run_parts(
    parts: Sequence[Part],
    seconds: float,
    output: Path,
    command: Command,
    heading: dict[str, Any],
    limits: Limits = LIMITS,
) -> dict[str, Any]:
    """Measures all parts within a time; the report is written at the start, twice a second, and at the end.

    A part that fails, or is too slow, does not keep the others from being measured. Where this process itself is
    ended, the part under way is ended too, and what it has found is in the report.

    Args:
        parts: in order.
        seconds: for all.
        output: the report, JSON.
        command: of a part.
        heading: what the report says besides.
    Returns:
        the report.
    """
    begun = time.monotonic()
    report = heading | {"state": "under way", "parts": {part.name: {"state": "not begun"} for part in parts}}
    write_whole(output, report)
    try:
        for part in parts:
            left = seconds - (time.monotonic() - begun) - limits.ending
            if left < limits.least:
                report["parts"][part.name] = {"state": "left out", "why": f"only {max(left, 0.0):.0f} s were left"}
                continue
            within = min(part.seconds, left)

            def keep(entry: dict[str, Any], name: str = part.name) -> None:
                report["parts"][name] = entry
                report["seconds"] = round(time.monotonic() - begun, 1)
                write_whole(output, report)

            run_part(part, within, output.with_name(f"{output.stem}.{part.name}.json"), command, keep, limits)
        report["state"] = "complete"
    except BaseException:
        report["state"] = "cut off"
        raise
    finally:
        report["seconds"] = round(time.monotonic() - begun, 1)
        write_whole(output, report)
    return report


def run_part(
    part: Part,
    seconds: float,
    file: Path,
    command: Command,
    keep: Callable[[dict[str, Any]], None],
    limits: Limits = LIMITS,
) -> None:
    """Measures one part; `keep` is given its entry again and again."""
    log = file.with_suffix(".log")
    file.unlink(missing_ok=True)
    begun, seen = time.monotonic(), None

    def entry(state: str, **more: Any) -> dict[str, Any]:
        taken = round(time.monotonic() - begun, 1)
        return {"state": state, "seconds": taken, "allowed": round(seconds, 1), **more, "figures": read_whole(file)}

    keep(entry("under way"))
    with log.open("w", encoding="utf-8") as lines:
        process = subprocess.Popen(command(part, file, seconds), cwd=REPOSITORY, stdout=lines, stderr=lines)
    try:
        while process.poll() is None and time.monotonic() - begun < seconds:
            time.sleep(limits.look)
            written = file.stat().st_mtime_ns if file.is_file() else None
            if written != seen:
                seen = written
                keep(entry("under way"))
        late = process.poll() is None
    finally:
        end_with_children(process, limits.ending)
    if late:
        keep(entry("out of time", log=last_lines(log)))
    elif process.returncode != 0:
        keep(entry("failed", code=process.returncode, log=last_lines(log)))
    else:
        keep(entry("done"))
    if file.is_file():
        file.unlink()
    if not late and process.returncode == 0:
        log.unlink()


def end_with_children(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Asks a process to end, and after so many seconds ends it and those that it has started."""
    if process.poll() is not None:
        return
    children = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        with suppress(subprocess.TimeoutExpired):  # a driver that hangs keeps even a killed process
            process.wait(KILLED)
    for child in children:
        if child.is_running():
            child.kill()


def last_lines(log: Path, count: int = 40) -> list[str]:
    """Of a log."""
    return log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]


def python(*arguments: str) -> list[str]:
    """The command that runs this Python with arguments."""
    return [sys.executable, *arguments]
