"""How far the host may launch a GPU's work ahead: what was launched has to end before anything asked later is seen."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class LaunchOptions:
    """How much work may be under way.

    Attributes:
        seconds: of the device's work, about. A command is confirmed by a snapshot after that; it is more than the
            window's thread ever holds the host up between two steps (some milliseconds): the device always has work.
        least: steps, however long they take: while the device does one, the host launches the next.
        most: steps, however short they are.
    """

    seconds: float = 0.03
    least: int = 2
    most: int = 64


OPTIONS = LaunchOptions()


class LaunchLimit:
    """Holds the host back while more steps than allowed are under way on a GPU; does nothing on other devices.

    The host waits for the oldest step, never for the newest: the device goes on meanwhile.

    Attributes:
        allowed: steps that may be under way, by how long the last ones took.
    """

    def __init__(self, device: torch.device, options: LaunchOptions = OPTIONS) -> None:
        self._device, self._options = device, options
        self._under_way: deque[torch.cuda.Event] = deque()
        self._ended: torch.cuda.Event | None = None  # of the last step that was waited for
        self.allowed = options.least

    @property
    def under_way(self) -> int:
        """Steps that were launched and not waited for."""
        return len(self._under_way)

    def note_step(self) -> None:
        """To be called after the launch of each step; returns when no more are under way than allowed."""
        if self._device.type != "cuda":
            return
        event = torch.cuda.Event(enable_timing=True, blocking=True)  # the host sleeps while it waits
        event.record(torch.cuda.current_stream(self._device))
        self._under_way.append(event)
        while len(self._under_way) > self.allowed:
            oldest = self._under_way.popleft()
            oldest.synchronize()
            if self._ended is not None:
                self._adapt(self._ended.elapsed_time(oldest) / 1000)
            self._ended = oldest

    def _adapt(self, seconds: float) -> None:
        """Takes note of how long one step took on the device."""
        fits = self._options.most if seconds <= 0 else int(self._options.seconds / seconds)
        self.allowed = min(max(fits, self._options.least), self._options.most)
