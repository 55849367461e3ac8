"""The search for patches: at the start of a run, after a perturbation, or where one no longer agrees with the others.

A patch that is searched for is compared with what the registered ones say of the image: many hypotheses on a few
pixels first, then fewer on finer ones. One Gauss-Newton step is taken per training step: the patch can be watched.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from jaxtyping import Float
from torch import Generator, Tensor

from engine.geometry.warp_names import PlanarWarp
from engine.registration.planar import photometric
from engine.registration.planar.mosaic import Mosaic
from engine.registration.planar.photometric import Hypotheses
from engine.scenes.pyramid.patch_level import PatchLevel


class SearchLevel(NamedTuple):
    """One level of a search: how many hypotheses are followed, and how many Gauss-Newton steps each takes."""

    hypotheses: int
    steps: int


@dataclass(frozen=True)
class PatchSearchOptions:
    """How a patch is searched for.

    Attributes:
        coarsest_size: pixels along the shorter side of a patch on the first level, about.
        levels: coarse to fine.
        fewer_hypotheses: hypotheses are divided by this where a patch can only turn and move.
        attempts: before a patch is rejected.
        found: share of a patch's variance that the others must explain where a search ends: a wrong position rarely
            reaches 0.3, a right one, which is rough yet, mostly has 0.9.
        agrees: the same for a patch that has been adjusted with the others: right ones have 0.9 and more, and a wrong
            one that was found has had 0.7.
        covered: share of a patch that the others must cover.
    """

    coarsest_size: int = 11
    levels: tuple[SearchLevel, ...] = (SearchLevel(384, 8), SearchLevel(64, 8), SearchLevel(8, 6))
    fewer_hypotheses: int = 3
    attempts: int = 8
    found: float = 0.6
    agrees: float = 0.8
    covered: float = 0.1


DEFAULTS = PatchSearchOptions()

Level = Callable[[int], PatchLevel]
MosaicWithout = Callable[[int, int], Mosaic]


@dataclass
class PatchSearch:
    """The search for one patch.

    Attributes:
        patch: its index.
        start: where it was when the search began, a warp of the plane.
        failed_attempts: so far.
        hypotheses: that are followed, or None before the first level.
        mosaic: what the others say, as they stood when the level began.
        level, steps: into the levels of the options.
    """

    patch: int
    start: Float[Tensor, "3 3"]
    failed_attempts: int = 0
    hypotheses: Hypotheses | None = None
    mosaic: Mosaic | None = None
    level: int = 0
    steps: int = 0

    @property
    def best(self) -> Float[Tensor, "3 3"]:
        """The warp with the least error so far."""
        return self.start if self.hypotheses is None else self.hypotheses.best


@dataclass(frozen=True)
class Outcome:
    """The end of a search: where the error is least, and whether the patch agrees with the others there."""

    patch: int
    warp: Float[Tensor, "3 3"]
    found: bool


class PatchRelocaliser:
    """The searches under way."""

    def __init__(
        self, family: PlanarWarp, patch_size: tuple[int, int], options: PatchSearchOptions = DEFAULTS
    ) -> None:
        """Nothing is searched for yet.

        Args:
            family: of the warps.
            patch_size: width and height, pixels.
            options: how patches are searched for.
        """
        self.family, self.options = family, options
        coarsest = max(math.floor(math.log2(max(min(patch_size) / options.coarsest_size, 1))), 0)
        self.downsamples = [2 ** max(coarsest - index, 0) for index in range(len(options.levels))]
        self.searches: list[PatchSearch] = []

    def begin(self, patch: int, start: Float[Tensor, "3 3"]) -> None:
        """Begins a search, anew if there is one."""
        self.cancel(patch)
        self.searches.append(PatchSearch(patch, start))

    def cancel(self, patch: int) -> None:
        """Gives the search for a patch up, if there is one."""
        self.searches = [search for search in self.searches if search.patch != patch]

    def advance(self, level: Level, mosaic_without: MosaicWithout, generator: Generator) -> list[Outcome]:
        """One step of every search; those that have ended, found or not.

        Args:
            level: the patches at a resolution.
            mosaic_without: what the registered patches, but for one, say of the image at a resolution.
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
        """Whether a patch looks as the others, without it, say that the image does at its place."""
        downsample = self.downsamples[-1]
        data = level(downsample)
        pixels = data.images[patch].flatten(1)
        return self._fits(warp, mosaic_without(patch, downsample), data, pixels, self.options.agrees)

    def _fits(
        self, warp: Float[Tensor, "3 3"], mosaic: Mosaic, data: PatchLevel, pixels: Tensor, least: float
    ) -> bool:
        explained, covered = photometric.measure_agreement(warp, mosaic, data.points, pixels)
        return explained >= least and covered >= self.options.covered

    def _begin_level(
        self, search: PatchSearch, data: PatchLevel, mosaic_without: MosaicWithout, generator: Generator
    ) -> None:
        search.mosaic = mosaic_without(search.patch, self.downsamples[search.level])
        share = 1 if self.family == "homography" else self.options.fewer_hypotheses
        count = self.options.levels[search.level].hypotheses // share
        if search.hypotheses is None:
            warps = photometric.draw_hypotheses(self.family, search.start, count, generator)
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
        if search.steps < self.options.levels[search.level].steps:
            return None
        if search.level + 1 < len(self.options.levels):
            search.level, search.steps, search.mosaic = search.level + 1, 0, None
            return None
        if self._fits(search.best, search.mosaic, data, pixels, self.options.found):
            return Outcome(search.patch, search.best, True)
        search.failed_attempts += 1
        if search.failed_attempts >= self.options.attempts:
            return Outcome(search.patch, search.best, False)
        search.hypotheses = search.mosaic = None
        search.level = search.steps = 0
        return None
