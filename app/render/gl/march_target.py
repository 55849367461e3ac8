"""What is marched through the volume, band of rows after band, while the picture before stays complete."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import moderngl

from app.render.gl.context import Driver
from app.render.gl.targets import ReusedTarget, Size, Target


class MarchTarget:
    """Two targets in turn: one holds what was marched last, the other what is being marched."""

    def __init__(self, context: moderngl.Context, driver: Driver, channels: tuple[int, ...]) -> None:
        """`channels` are those of each output of the shader."""
        self._driver = driver
        self._last, self._next = ReusedTarget(context, channels), ReusedTarget(context, channels)

    @property
    def last(self) -> Target | None:
        """What was marched last, completely; None before the first time and after `forget`."""
        return self._last.target

    def march(self, size: Size, bands: int, draw: Callable[[Target], None]) -> Iterator[None]:
        """Draws in so many bands of rows, one per step; other work may be done between two steps.

        Args:
            size: (width, height) in pixels.
            bands: how many.
            draw: fills the target within its scissor; it must set all that it needs of OpenGL's state each time.
        """
        width, height = size
        target = self._next.of_size(size)
        for band in range(bands):
            first, last = height * band // bands, height * (band + 1) // bands
            target.framebuffer.scissor = (0, first, width, last - first)
            draw(target)
            self._driver.finish()
            yield
        target.framebuffer.scissor = (0, 0, width, height)
        self._last, self._next = self._next, self._last

    def forget(self) -> None:
        """Drops what was marched last."""
        self._last.release()

    def release(self) -> None:
        """Gives everything back to OpenGL."""
        self._last.release()
        self._next.release()
