"""How much work goes into a picture of the field."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """Parts of what a complete picture takes.

    Attributes:
        scale: of width and height.
        samples: of the intervals along a ray.
        tint: whether colours depend on the direction.
    """

    scale: float = 1.0
    samples: float = 1.0
    tint: bool = True

    def size(self, whole: tuple[int, int]) -> tuple[int, int]:
        """(width, height) of a picture drawn so, given that of a complete one."""
        return max(round(whole[0] * self.scale), 1), max(round(whole[1] * self.scale), 1)

    def count(self, whole: int, least: int = 4) -> int:
        """How many samples, given those of a complete picture."""
        return min(max(round(whole * self.samples), least), whole)


COMPLETE = Effort()
