"""A virtual display: Xvfb, whose picture is read directly from its frame buffer file."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

NEEDED = ("Xvfb", "xdotool")
SIZE = (1800, 1200)


def missing() -> str | None:
    """What a window's tests need and this machine lacks, or None."""
    absent = [name for name in NEEDED if shutil.which(name) is None]
    return f"{' and '.join(absent)} not installed (apt install xvfb xdotool)" if absent else None


class Display:
    """A virtual screen.

    Attributes:
        name: for the variable DISPLAY.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="l2g-display-")
        reading, writing = os.pipe()
        command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24"]
        command += ["-fbdir", self._folder.name, "-nolisten", "tcp", "-noreset"]
        self._process = subprocess.Popen(
            command, pass_fds=(writing,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(writing)
        with os.fdopen(reading) as number:
            answer = number.readline().strip()
        if not answer:
            raise RuntimeError("Xvfb did not start")
        self.name = f":{answer}"

    def picture(self) -> np.ndarray:
        """What is on the screen: (height, width, 3), RGB bytes."""
        content = (Path(self._folder.name) / "Xvfb_screen0").read_bytes()
        header = struct.unpack(">25I", content[:100])  # xwd: see XWDFile.h
        start, width, height, line, colours = header[0] + 12 * header[19], header[4], header[5], header[12], header[19]
        assert colours <= 256, "an xwd file"
        rows = np.frombuffer(content, np.uint8, line * height, start).reshape(height, line)
        return rows[:, : 4 * width].reshape(height, width, 4)[..., 2::-1].copy()

    def save(self, path: Path, part: tuple[int, int, int, int]) -> None:
        """Writes a part of the screen, (left, top, width, height), as a PNG file."""
        left, top, width, height = part
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(self.picture()[top : top + height, left : left + width]).save(path)

    def do(self, *words: str | int) -> str:
        """Runs xdotool."""
        command = ["xdotool", *map(str, words)]
        environment = {**os.environ, "DISPLAY": self.name}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=True)
        return done.stdout.strip()

    def close(self) -> None:
        """Ends it."""
        self._process.terminate()
        self._process.wait(10)
        self._folder.cleanup()
