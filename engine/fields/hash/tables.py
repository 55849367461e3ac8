"""The levels of the encoding: where they lie, and the tables of their features with the state of the optimiser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Generator, Tensor

Size = tuple[int, int, int]


class Lattices(NamedTuple):
    """What kernels read of the levels (see `Levels`)."""

    sizes: Int64[Tensor, "levels 3"]
    scales: Float[Tensor, "levels 3"]
    offsets: Int64[Tensor, " levels+1"]


@dataclass(frozen=True)
class Levels:
    """Lattices over the unit cube, from coarse to fine, whose points are entries of one long table.

    Attributes:
        sizes: points of each level along x, y and z.
        scales: lattice coordinates per unit of the volume, for each level and axis: size - 1 where the lattice ends
            at 1.
        offsets: first entry of each level, and behind the last one; a level that has fewer entries than points shares
            them by the hash of instant-ngp, and their number is a power of two.
    """

    sizes: tuple[Size, ...]
    scales: tuple[tuple[float, float, float], ...]
    offsets: tuple[int, ...]

    @property
    def count(self) -> int:
        return len(self.sizes)

    def is_hashed(self, level: int) -> bool:
        """Whether points share entries."""
        wide, high, deep = self.sizes[level]
        return wide * high * deep > self.offsets[level + 1] - self.offsets[level]

    def on_device(self, device: torch.device | str) -> Lattices:
        """Sizes, scales and offsets for the kernels."""
        return Lattices(
            torch.tensor(self.sizes, dtype=torch.int64).view(-1, 3).to(device),
            torch.tensor(self.scales, dtype=torch.float32).view(-1, 3).to(device),
            torch.tensor(self.offsets, dtype=torch.int64).to(device),
        )


def make_levels(finest: Size, reach: float, count: int, table: int, coarsest_planes: int = 2) -> Levels:
    """Levels that halve the cells of the finest one, again and again.

    Args:
        finest: cells of the finest level along x, y and z of the unit cube.
        reach: the lattices go on to this value of z.
        count: of the levels.
        table: entries of a level at most, a power of two.
        coarsest_planes: cells along z, at least.
    """
    sizes, scales, offsets = [], [], [0]
    for level in range(count):
        share = 0.5 ** (count - 1 - level)
        wide, high, deep = (max(round(cells * share), 2) for cells in finest)
        deep = max(deep, min(coarsest_planes, finest[2]))
        sizes.append((wide + 1, high + 1, round(deep * reach) + 1))
        scales.append((float(wide), float(high), float(deep)))
        points = sizes[-1][0] * sizes[-1][1] * sizes[-1][2]
        offsets.append(offsets[-1] + min(points, table))
    return Levels(tuple(sizes), tuple(scales), tuple(offsets))


@dataclass
class Tables:
    """The entries of all levels, and the state of their optimiser: tensors that stay where they are.

    Attributes:
        levels: which entries belong to which level.
        lattices: the same for the kernels.
        values: features.
        gradient: of the loss since the last step.
        first, second: Adam's moments.
        steps: number of optimiser steps.
    """

    levels: Levels
    lattices: Lattices
    values: Float[Tensor, "entries features"]
    gradient: Float[Tensor, "entries features"]
    first: Float[Tensor, "entries features"]
    second: Float[Tensor, "entries features"]
    steps: int = 0


def make_tables(
    levels: Levels, features: int, initial: float, generator: Generator, device: torch.device | str = "cpu"
) -> Tables:
    """Features drawn evenly from minus to plus `initial`, on the CPU, the same for every device."""
    values = (torch.rand(levels.offsets[-1], features, generator=generator) * 2 - 1) * initial
    values = values.to(device)
    gradient, first, second = torch.zeros(3, *values.shape, device=device).unbind()
    return Tables(levels, levels.on_device(device), values, gradient, first, second)


def tensors_to_save(tables: Tables) -> dict[str, Tensor]:
    """Copies of the tensors that a checkpoint needs."""
    kept = {"values": tables.values, "first": tables.first, "second": tables.second}
    return {name: value.clone() for name, value in kept.items()} | {"steps": torch.tensor(tables.steps)}


def restore(tables: Tables, tensors: dict[str, Tensor]) -> None:
    """Takes up what `tensors_to_save` gave."""
    tables.values.copy_(tensors["values"])
    tables.first.copy_(tensors["first"])
    tables.second.copy_(tensors["second"])
    tables.gradient.zero_()
    tables.steps = int(tensors["steps"])
