"""What is asked of the kicks of a map, be they of cameras or of patches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Bool, Float
from torch import Tensor

from engine.lab.frozen.frame import FrozenFrame


@dataclass(frozen=True)
class Sizes:
    """The sizes of kicks along one side of a map, evenly from none to the largest.

    Attributes:
        label: what such a kick does, "turned by".
        unit: in which sizes are shown, short: "°".
        whole_unit: the same where there is room: "% of the cameras' spread".
        values: as shown.
        table: names of columns of a table, each with its own unit per shown unit.
    """

    label: str
    unit: str
    whole_unit: str
    values: Float[np.ndarray, " sizes"]
    table: Mapping[str, float]


class Kicks(Protocol):
    """The kicks of one map.

    Attributes:
        rows, columns: their sizes.
        numbers: names of the numbers that make up a kick, with their units where they are not clear.
        measures: names of what is measured of a kick's way back, with units.
        definition: when a kick has come back, in a sentence.
        pixels: of a frame in each step.
    """

    @property
    def rows(self) -> Sizes: ...

    @property
    def columns(self) -> Sizes: ...

    @property
    def numbers(self) -> tuple[str, ...]: ...

    @property
    def measures(self) -> tuple[str, ...]: ...

    @property
    def definition(self) -> str: ...

    @property
    def pixels(self) -> int: ...

    def draw(self, direction: int, frame: FrozenFrame) -> Float[Tensor, "rows columns numbers"]:
        """Kicks of all sizes in one direction, which the seed and its number decide.

        Raises:
            UserError: the frame cannot be kicked so.
        """
        ...

    def place(
        self, kicks: Float[Tensor, "rows columns numbers"], frame: FrozenFrame
    ) -> Float[Tensor, "rows columns high wide"]:
        """Where they put a frame: placements as `FrozenFrame.placement`."""
        ...

    def measure(self, placements: Float[Tensor, "poses high wide"]) -> Float[Tensor, "kicked measures"]:
        """How far all but the last are from the last, on the CPU."""
        ...

    def is_back(self, measured: Float[Tensor, "kicked measures"]) -> Bool[Tensor, " kicked"]:
        """Which of them have come back."""
        ...
