"""The progress of COLMAP's pipeline, collected from its events. No Dear PyGui here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Int

from engine.sfm.events import (
    FeaturesFound,
    Finished,
    Mapped,
    Matching,
    Meshed,
    Pair,
    PairMatched,
    PairVerified,
    SfmEvent,
)

Stage = Literal["features", "matching", "verification", "mapping", "mesh"]
STAGES: tuple[Stage, ...] = get_args(Stage)
NOT_YET = -1  # in place of a count that is not known yet

Matches = Int[np.ndarray, "matches 2"]


@dataclass(frozen=True)
class Growth:
    """One step of the mapper: photos and points after it, mean reprojection error in pixels before and after."""

    what: str
    registered: int
    points: int
    before: float
    after: float


class ColmapProgress:
    """What the events of the pipeline have told so far.

    Attributes:
        names: of the photos, by number.
        features: of each photo whose features were found.
        raw: matches of each pair that has some.
        verified: of each pair, the matches that agree with its geometry and those that do not.
        counts: raw matches of each pair, `NOT_YET` where it was not matched.
        agreeing: inliers of each pair, `NOT_YET` where it was not verified.
        growth: the steps of the mapper.
        model: the newest of the mapper.
        mesh: or, in its remark, the reason why there is none.
        finished: the event of the end, or None.
        stage: the one under way, or the last one.
        version: number of events so far.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        count = len(names)
        self.names = names
        self.features: dict[int, FeaturesFound] = {}
        self.raw: dict[Pair, Matches] = {}
        self.verified: dict[Pair, PairVerified] = {}
        self.counts = np.full((count, count), NOT_YET)
        self.agreeing = np.full((count, count), NOT_YET)
        self.growth: list[Growth] = []
        self.model: Mapped | None = None
        self.mesh: Meshed | None = None
        self.finished: Finished | None = None
        self.stage: Stage = "features"
        self.version = 0
        self._matched = self._verified = 0, 0  # pairs done, and of all

    def see(self, event: SfmEvent) -> None:
        """Takes an event."""
        self.version += 1
        match event:
            case FeaturesFound():
                self.features[event.frame] = event
            case Matching():
                self.stage, self._matched = "matching", (event.done, event.total)
                if event.done == event.total:
                    self.counts = event.counts.copy()
                else:  # meanwhile 0 stands for pairs without matches and for pairs not matched yet
                    self.counts = np.where(event.counts > 0, event.counts, NOT_YET)
            case PairMatched():
                self.raw[event.pair] = event.matches
            case PairVerified():
                self.stage, self._verified = "verification", (event.done, event.total)
                self.verified[event.pair] = event
                first, second = event.pair
                self.agreeing[first, second] = self.agreeing[second, first] = len(event.inliers)
            case Mapped():
                self.model = event
                if not self.features or self._verified[1]:  # else it is of a few first photos
                    self.stage = "mapping"
                if event.what != "model":
                    step = Growth(event.what, len(event.frames), len(event.points), event.before, event.after)
                    self.growth.append(step)
            case Meshed():
                self.stage, self.mesh = "mesh", event
            case Finished():
                self.finished = event

    def words(self, stage: Stage) -> str:
        """The progress of a stage in a few words; empty where it has not begun."""
        match stage:
            case "features" if self.features:
                return f"{len(self.features)} of {len(self.names)} photos"
            case "matching" if self.stage != "features":
                done, total = self._matched
                return f"{done:,} of {total:,} pairs" if total else ""
            case "verification" if self.verified:
                good = sum(len(found.inliers) > 0 for found in self.verified.values())
                return f"{good:,} of {self._verified[1]:,} agree"
            case "mapping" if self.model is not None:
                return f"{len(self.model.frames)} of {self.model.total} photos"
            case "mesh" if self.mesh is not None:
                return f"{len(self.mesh.faces):,} triangles" if len(self.mesh.faces) else "none"
        return ""

    def details(self, stage: Stage) -> str:
        """More about a stage, in sentences: numbers, and how long it took."""
        found: list[str] = []
        match stage:
            case "features" if self.features:
                found.append(f"{sum(len(one.points) for one in self.features.values()):,} features in all.")
            case "matching" if self.raw:
                found.append(f"{sum(map(len, self.raw.values())):,} raw matches in all.")
            case "verification" if self.verified:
                found.append(f"{sum(len(one.inliers) for one in self.verified.values()):,} matches agree.")
            case "mapping" if self.model is not None:
                found.append(f"{len(self.model.points):,} points, {self.model.after:.2f} px mean reprojection error.")
            case "mesh" if self.mesh is not None and self.mesh.remark:
                found.append(f"{self.mesh.remark[0].upper()}{self.mesh.remark[1:]}.")
        if self.finished is not None and stage in self.finished.seconds:
            found.append(f"It took {self.finished.seconds[stage]:.1f} s.")
        return " ".join(found)

    def done(self, stage: Stage) -> bool:
        """Whether a stage has ended."""
        return self.finished is not None or STAGES.index(stage) < STAGES.index(self.stage)

    def partner(self, frame: int) -> Pair | None:
        """The pair of a photo with most inliers, before verification with most matches; None where it has none."""
        if frame >= len(self.names):  # it was added after the pipeline began
            return None
        known = self.agreeing if (self.agreeing[frame] > 0).any() else self.counts
        row = known[frame].copy()
        row[frame] = NOT_YET
        other = int(row.argmax())
        return make_pair(frame, other) if row[other] > 0 else None


def make_pair(one: int, other: int) -> Pair:
    """A pair of frames, the smaller index first."""
    return (one, other) if one < other else (other, one)
