"""A run whose device has too little memory: steps that render less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.config.rows import AnyStage, Stage


@dataclass(frozen=True)
class MemoryOptions:
    """How far steps are made smaller.

    Attributes:
        least_rays: of a step. A few hundred rays still train, slowly; where these do not fit, it is the lattice or the
            photos that are too large, and no smaller step helps.
    """

    least_rays: int = 512


OPTIONS = MemoryOptions()


def halve_rays(stages: Sequence[AnyStage], index: int) -> tuple[AnyStage, ...] | None:
    """The stages with at most half as many rays per step as this one has; None where a step would be too small.

    Steps of patches of an image are left alone: they are small beside any GPU's memory.
    """
    now = stages[index]
    if not isinstance(now, Stage) or now.rays // 2 < OPTIONS.least_rays:
        return None
    most = now.rays // 2
    return tuple(replace(stage, rays=min(stage.rays, most)) if isinstance(stage, Stage) else stage for stage in stages)
