"""What a step of the optimiser consists of, whichever backend takes it."""

from __future__ import annotations

from typing import NamedTuple

from engine.fields.voxel_grid.options import DEFAULT
from engine.fields.voxel_grid.state import GridState


class LatticeStep(NamedTuple):
    """One lattice's part of a step.

    Attributes:
        lattice: the voxels, or the tint.
        rate: learning rate of its channels but the first.
        smoothness: weight of the squared differences between neighbours; 0 in most steps.
        first_channel_rate: learning rate of the first channel relative to `rate`.
    """

    lattice: GridState
    rate: float
    smoothness: float
    first_channel_rate: float


def begin_step(state: GridState, rate: float, smoothness: float, density_rate: float) -> list[LatticeStep]:
    """Counts a step of the voxels, and of the tint where there is one; for the arguments see `Backend.optimise`.

    Smoothness acts in every `smoothness_period`th step only, so many times as strongly.
    """
    parts = [LatticeStep(state, rate, smoothness, density_rate)]
    if state.tint is not None:
        parts.append(LatticeStep(state.tint, DEFAULT.tint_rate * rate, DEFAULT.tint_smoothness * smoothness, 1.0))
    for part in parts:
        part.lattice.steps += 1
    period = DEFAULT.smoothness_period
    return [
        part._replace(smoothness=part.smoothness * period if part.lattice.steps % period == 0 else 0.0)
        for part in parts
    ]
