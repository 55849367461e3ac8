"""Patches that must find their place: at the start of a run, knocked off by hand, or gone astray by themselves.

A patch that is looked for is taken out of the loss, so that it harms no other, and compared with what those that have
joined say of the image: many hypotheses on a few pixels at first, then fewer on finer ones. One Gauss-Newton step is
taken per training step, so that the way can be watched.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float
from torch import Generator, Tensor

from engine.geometry.warp_names import PlanarWarp
from engine.registration.planar import photometric
from engine.registration.planar.mosaic import Mosaic
from engine.registration.planar.photometric import Hypotheses
from engine.scenes.pyramid.patch_level import PatchLevel

COARSEST = 11  # pixels along the shorter side of a patch, where a search begins
# for each level, coarse to fine: hypotheses followed, of as many judged at the first, and steps
PLAN = ((384, 8), (64, 8), (8, 6))
FEWER_DEGREES = 3  # by which PLAN is divided where the patch can only turn and move
MOST_ATTEMPTS = 8
# of a patch's variance, that the others must explain: a wrong place rarely comes to 0.3, a right one has 0.9
AGREES = 0.6
COVERED = 0.1  # of a patch that they must cover

Level = Callable[[int], PatchLevel]
MosaicWithout = Callable[[int, int], Mosaic]


@dataclass
class PatchSearch:
    """One patch on its way.

    Attributes:
        patch: its index.
        here: where it was when the search began.
        attempts: that failed so far.
        hypotheses: that are followed, or None where a level has not begun.
        mosaic: what the others say, as they stood when the level began.
        level, steps: into `PLAN`.
    """

    patch: int
    here: Float[Tensor, "3 3"]
    attempts: int = 0
    hypotheses: Hypotheses | None = None
    mosaic: Mosaic | None = None
    level: int = 0
    steps: int = 0

    @property
    def best(self) -> Float[Tensor, "3 3"]:
        return self.here if self.hypotheses is None else self.hypotheses.best


@dataclass(frozen=True)
class Outcome:
    """The end of a search: where the patch is best, and whether what the others say agrees."""

    patch: int
    warp: Float[Tensor, "3 3"]
    found: bool


class PlanarRecovery:
    """The searches under way."""

    def __init__(self, family: PlanarWarp, patch_size: tuple[int, int]) -> None:
        self.family = family
        coarsest = max(math.floor(math.log2(max(min(patch_size) / COARSEST, 1))), 0)
        self.downsamples = [2 ** max(coarsest - index, 0) for index in range(len(PLAN))]
        self.searches: list[PatchSearch] = []

    def look_for(self, patch: int, here: Float[Tensor, "3 3"]) -> None:
        """Starts a search, anew if there is one."""
        self.forget(patch)
        self.searches.append(PatchSearch(patch, here))

    def forget(self, patch: int) -> None:
        """Gives a search up."""
        self.searches = [search for search in self.searches if search.patch != patch]

    def advance(self, level: Level, mosaic_without: MosaicWithout, generator: Generator) -> list[Outcome]:
        """One step of every search; those that have ended, found or not.

        Args:
            level: the patches at a resolution.
            mosaic_without: what those that have joined, but for one patch, say at a resolution.
            generator: of the hypotheses.
        """
        outcomes = []
        for search in self.searches:
            data = level(self.downsamples[search.level])
            if search.mosaic is None:
                self._begin_level(search, data, mosaic_without, generator)
            outcome = self._advance(search, data)
            if outcome is not None:
                outcomes.append(outcome)
        ended = {outcome.patch for outcome in outcomes}
        self.searches = [search for search in self.searches if search.patch not in ended]
        return outcomes

    def agrees(self, patch: int, warp: Float[Tensor, "3 3"], level: Level, mosaic_without: MosaicWithout) -> bool:
        """Whether a patch, left out, looks as the others say that it must."""
        downsample = self.downsamples[-1]
        data = level(downsample)
        explained, covered = photometric.measure_agreement(
            warp, mosaic_without(patch, downsample), data.points, data.images[patch].flatten(1)
        )
        return explained >= AGREES and covered >= COVERED

    def _begin_level(
        self, search: PatchSearch, data: PatchLevel, mosaic_without: MosaicWithout, generator: Generator
    ) -> None:
        search.mosaic = mosaic_without(search.patch, self.downsamples[search.level])
        share = 1 if self.family == "homography" else FEWER_DEGREES
        count = PLAN[search.level][0] // share
        if search.hypotheses is None:
            warps = photometric.draw_hypotheses(self.family, search.here, count, generator)
        else:
            warps = search.hypotheses.warps
        pixels = data.images[search.patch].flatten(1)
        search.hypotheses = photometric.keep_best(
            photometric.evaluate(warps, search.mosaic, data.points, pixels), count
        )

    def _advance(self, search: PatchSearch, data: PatchLevel) -> Outcome | None:
        assert search.hypotheses is not None
        assert search.mosaic is not None
        pixels = data.images[search.patch].flatten(1)
        photometric.improve(search.hypotheses, self.family, search.mosaic, data.points, pixels)
        search.steps += 1
        if search.steps < PLAN[search.level][1]:
            return None
        if search.level + 1 < len(PLAN):
            search.level, search.steps, search.mosaic = search.level + 1, 0, None
            return None
        explained, covered = photometric.measure_agreement(search.best, search.mosaic, data.points, pixels)
        if explained >= AGREES and covered >= COVERED:
            return Outcome(search.patch, search.best, True)
        search.attempts += 1
        if search.attempts >= MOST_ATTEMPTS:
            return Outcome(search.patch, search.best, False)
        search.hypotheses = search.mosaic = None
        search.level = search.steps = 0
        return None
