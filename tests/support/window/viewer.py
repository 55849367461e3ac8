"""`l2g-viewer` in a process of its own, driven with mouse and keys, and observed through its report."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.support.window.closing import ask_to_close
from tests.support.window.display import Display

REPOSITORY = Path(__file__).parents[3]
FERN = REPOSITORY / "scenes" / "fern"
SCREENSHOTS = REPOSITORY / "tests" / "gui" / "screenshots"
SMALL = ("--downscale", "2")  # photos of 256 x 192, for quick steps
PATIENCE = 60.0  # seconds; generous, because a busy machine is slow and these tests do not measure speed

Report = dict[str, Any]
Box = tuple[float, float, float, float]  # left, top, width, height; pixels of the window


class Viewer:
    """One window.

    Attributes:
        display: that it is on.
        output: what it wrote to stdout and stderr so far.
    """

    def __init__(self, display: Display, folder: Path, words: Sequence[str] = (), size: str = "") -> None:
        """Starts it with `words` as arguments; its settings, report and log are written to `folder`."""
        self.display, self.folder = display, folder
        self._corner: tuple[int, int] | None = None
        self._report, self._log = folder / "report.json", folder / "log.txt"
        self._report.unlink(missing_ok=True)
        environment = {
            **os.environ,
            "DISPLAY": display.name,
            "XDG_CONFIG_HOME": str(folder / "config"),
            "PYTHONPATH": str(REPOSITORY),
            "PYTHONFAULTHANDLER": "1",
        }
        command = [sys.executable, "-m", "app.main", *words, "--report", str(self._report)]
        with self._log.open("w") as log:
            self.process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)

    @property
    def output(self) -> str:
        return self._log.read_text()

    @property
    def report(self) -> Report:
        """The newest report of the window; empty before the first."""
        try:
            return json.loads(self._report.read_text())
        except (OSError, ValueError):
            return {}

    def wait_for(self, condition: Callable[[Report], Any], what: str, seconds: float = PATIENCE) -> Report:
        """Waits until a report fulfils the condition; fails, saying what was waited for, if none does."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process.poll() is None, f"the window ended with {self.process.returncode}:\n{self.output}"
            report = self.report
            if report and condition(report):
                return report
            time.sleep(0.05)
        self.save_screenshot("failed")
        raise AssertionError(f"waited {seconds:.0f} s for {what}; the last report: {_short(self.report)}")

    def frames(self, count: int = 3) -> None:
        """Waits until the window has drawn so many frames more."""
        before = self.report["frame"]
        self.wait_for(lambda report: report["frame"] >= before + count, "frames of the window")

    # ------------------------------------------------------------------ mouse and keys

    @property
    def window(self) -> int:
        """Its X window."""
        return int(self.display.do("search", "--name", "l2g-viewer").split()[-1])

    @property
    def corner(self) -> tuple[int, int]:
        """Where on the screen the window's upper left corner is."""
        if self._corner is None:
            words = dict(line.split("=") for line in self._geometry().splitlines())
            self._corner = int(words["X"]), int(words["Y"])
        return self._corner

    def _geometry(self) -> str:
        return self.display.do("getwindowgeometry", "--shell", self.window)

    def point_to(self, x: float, y: float) -> None:
        """Puts the mouse on a place of the window."""
        self.display.do("mousemove", round(x) + self.corner[0], round(y) + self.corner[1])

    def box(self, name: str) -> Box:
        """Where an item of the report lies."""
        left, top, width, height = self.report["items"][name]
        return left, top, width, height

    def point(self, name: str, across: float = 0.5, down: float = 0.5) -> tuple[float, float]:
        """A place in an item, as fractions of its width and height."""
        left, top, width, height = self.box(name)
        return left + across * width, top + down * height

    def move(self, x: float, y: float) -> None:
        self.point_to(x, y)
        self.frames(2)

    def click(self, x: float, y: float, button: int = 1) -> None:
        """Presses and releases slowly enough for a window that draws thirty times a second, or ten."""
        self.move(x, y)
        self.display.do("mousedown", button)
        self.frames(2)
        self.display.do("mouseup", button)
        self.frames(3)

    def double_click(self, x: float, y: float, done: Callable[[Report], Any], tries: int = 8) -> None:
        """Double clicks until it has had its effect: a machine with too much to do may miss the time between two."""
        for _ in range(tries):
            self.move(x, y)
            self.display.do("click", "--repeat", 2, "--delay", 60, 1)
            self.frames(6)
            if done(self.report):
                return
            time.sleep(0.5)
        raise AssertionError(f"no double click was understood; the last report: {_short(self.report)}")

    def drag(self, start: tuple[float, float], end: tuple[float, float], button: int = 1, steps: int = 8) -> None:
        """Presses at one place and releases at another."""
        self.move(*start)
        self.display.do("mousedown", button)
        self.frames(2)
        for part in np.linspace(0, 1, steps + 1)[1:]:
            x, y = (a + part * (b - a) for a, b in zip(start, end, strict=True))
            self.point_to(x, y)
            self.frames(1)
        self.display.do("mouseup", button)
        self.frames(2)

    def key(self, name: str) -> None:
        """Presses a key, by xdotool's name (ctrl+z)."""
        *held, last = name.split("+")
        for one in held:
            self.display.do("keydown", one)
        self.display.do("keydown", last)
        self.frames(2)
        self.display.do("keyup", last)
        for one in held:
            self.display.do("keyup", one)
        self.frames(2)

    def type(self, text: str) -> None:
        """Types it."""
        self.display.do("type", "--delay", 60, text)
        self.frames(3)

    def wheel(self, x: float, y: float, notches: int) -> None:
        """Turns the wheel at a place: nearer where positive."""
        self.move(x, y)
        for _ in range(abs(notches)):
            self.display.do("click", 4 if notches > 0 else 5)
            self.frames(1)

    def resize(self, width: int, height: int) -> None:
        self.display.do("windowsize", self.window, width, height)
        self.wait_for(lambda report: report["size"] == [width, height], "the new size")
        self.frames(5)

    # ------------------------------------------------------------------ what is seen

    def picture(self, name: str) -> np.ndarray:
        """The pixels of an item, RGB bytes."""
        left, top, width, height = (round(value) for value in self.box(name))
        across, down = self.corner
        return self.display.picture()[top + down :, left + across :][:height, :width]

    def save_screenshot(self, name: str) -> None:
        """Writes the window into the ignored folder of screenshots."""
        (left, top), (width, height) = self.corner, self.report["size"]
        self.display.save(SCREENSHOTS / f"{name}.png", (left, top, width, height))

    # ------------------------------------------------------------------ the end

    def ask_to_close(self) -> None:
        """As the desktop's close button does."""
        ask_to_close(self.display.name, self.window)

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def exit_code(self, seconds: float = PATIENCE) -> int:
        """Waits for the end."""
        return self.process.wait(seconds)

    def kill(self) -> None:
        """Ends the process at once, if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)  # releasing the memory takes long on a busy machine


def _short(report: Report) -> str:
    return json.dumps({key: value for key, value in report.items() if key not in ("items", "poses", "frame_ms")})
