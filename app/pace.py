"""How often the window is drawn. Pure: it is told the time and what the hand did."""

from __future__ import annotations

BRISK = 1 / 30  # seconds a frame while somebody does something, and always where a GPU draws
CALM = 1 / 12  # while somebody only watches and the CPU draws: the engine's news come hardly faster
AWAKE = 1.5  # seconds after the last movement that count as doing something

_SOFTWARE = ("llvmpipe", "softpipe", "swrast", "SwiftShader")


class Pace:
    """The seconds between frames.

    Drawing a window of 1.6 megapixels in software takes about 15 ms of both cores that training would have: thirty
    times a second for a hand that moves, but not for eyes that watch numbers change five times a second.
    """

    def __init__(self, renderer: str) -> None:
        """`renderer` is what OpenGL calls itself."""
        self._software = any(word in renderer for word in _SOFTWARE)
        self._hand: object = None
        self._moved_at = float("-inf")

    def seconds(self, hand: object, now: float) -> float:
        """How long this frame may last.

        Args:
            hand: where the mouse is and what is pressed; another value than before is a movement.
            now: seconds.
        """
        if hand != self._hand:
            self._hand, self._moved_at = hand, now
        return CALM if self._software and now - self._moved_at > AWAKE else BRISK
