"""How much work goes into one picture of the field."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """Shares of the work for a complete picture.

    Attributes:
        scale: resolution along width and height, in (0, 1].
        samples: number of samples along a ray, in (0, 1].
        tint: whether colours depend on the viewing direction.
    """

    scale: float = 1.0
    samples: float = 1.0
    tint: bool = True

    @property
    def cost(self) -> float:
        """Work per pixel of the complete picture; 1 is a complete picture without tint.

        A rough model: a tenth does not depend on the number of samples, and a tint adds half of what the samples cost.
        """
        return self.scale**2 * (0.1 + 0.9 * self.samples + (0.5 * self.samples if self.tint else 0.0))

    def size(self, whole: tuple[int, int]) -> tuple[int, int]:
        """(width, height) in pixels of a picture drawn with this effort, given that of the complete one."""
        return max(round(whole[0] * self.scale), 1), max(round(whole[1] * self.scale), 1)

    def count(self, whole: int, least: int = 4) -> int:
        """Number of samples per ray, at least `least`, given that of the complete picture."""
        return min(max(round(whole * self.samples), least), whole)


COMPLETE = Effort()
EFFORTS = (
    COMPLETE,
    *(Effort(scale, 0.5, tint=False) for scale in (1.0, 0.85, 0.7, 0.6, 0.5, 0.42, 0.35, 0.3, 0.25, 0.2, 0.15)),
)
"""What a picture can be drawn with, from the finest to the coarsest."""
