"""With what a part of the benchmark is measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.gpu.figures import Figures
from tests.benchmarks.support.command import REPOSITORY

GIGABYTE = 1e9


@dataclass(frozen=True)
class Context:
    """What a part is measured with.

    Attributes:
        figures: what it has found.
        seconds: it may take.
        device: of the runs.
        scenes: folder of the real ones.
        quick: use shipped scenes and few steps.
    """

    figures: Figures
    seconds: float
    device: str
    scenes: Path
    quick: bool

    def scene(self, real: str, shipped: str) -> Path:
        """A real scene where it is, else one that ships; the report says which."""
        folder = self.scenes / real
        chosen = REPOSITORY / "scenes" / shipped if self.quick or not folder.is_dir() else folder
        self.figures.note(**{f"scene {shipped.split('/')[0]}": real if chosen == folder else f"scenes/{shipped}"})
        return chosen
