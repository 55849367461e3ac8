"""Success of runs, and intervals of what was measured over a few seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from engine.errors import UserError
from engine.lab.sweep.rows import Row

SuccessKind = Literal["errors", "verdict"]


@dataclass(frozen=True)
class Success:
    """When a run counts as one that has succeeded.

    Attributes:
        kind: `errors`: the errors against the reference are within the limits below. `verdict`: the verdict, which
            knows no reference, is `registered`.
        rotation_deg: largest mean rotation error, degrees.
        translation_share: largest mean distance of camera centres, as a share of their spread, so that it means the
            same in scenes of any unit.
        corner_px: planar: largest mean corner error of the patches but the first, pixels.
    """

    kind: SuccessKind = "errors"
    rotation_deg: float = 1.0
    translation_share: float = 0.02
    corner_px: float = 1.0

    def __post_init__(self) -> None:
        for name in ("rotation_deg", "translation_share", "corner_px"):
            if not getattr(self, name) > 0:
                raise UserError(f"The limit {name.replace('_', ' ')} of success is {getattr(self, name)}; give more.")

    def __call__(self, row: Row) -> bool:
        """Whether it has; a run that failed, or whose scene has no reference, has not."""
        if row.state != "finished":
            return False
        if self.kind == "verdict":
            return row.verdict == "registered"
        if row.corner_mean_px is not None:
            return row.corner_mean_px <= self.corner_px
        if row.rotation_mean_deg is None or row.translation_share is None:
            return False
        return row.rotation_mean_deg <= self.rotation_deg and row.translation_share <= self.translation_share

    def explain(self, planar: bool, cameras: bool) -> str:
        """The definition as a sentence, for the kinds of scenes that there are."""
        parts = []
        if self.kind == "verdict":
            parts.append("its verdict, which knows no reference poses, is registered")
        elif cameras:
            parts.append(
                f"its mean rotation error is at most {self.rotation_deg:g}° and its camera centres are off by at "
                f"most {100 * self.translation_share:.3g} % of their spread on average"
            )
        if planar and self.kind == "errors":
            parts.append(f"the patches' mean corner error is at most {self.corner_px:g} px")
        return f"A run succeeds where {'; of one image, where '.join(parts)}. A run that failed has not succeeded."

    def name_limits(self, planar: bool, cameras: bool) -> str:
        """The definition in a few words."""
        if self.kind == "verdict":
            return "success: verdict registered"
        parts = []
        if cameras:
            parts.append(
                f"rotation at most {self.rotation_deg:g}°, centres {100 * self.translation_share:.3g} % of spread"
            )
        if planar:
            parts.append(f"corners at most {self.corner_px:g} px")
        return f"success: {', '.join(parts)}"


def find_unmeasured_scenes(rows: Sequence[Row], success: Success) -> list[str]:
    """Scenes whose finished runs cannot succeed, because there are no reference poses to measure errors by."""
    measured: dict[str, bool] = {}
    for row in rows:
        if row.state == "finished" and success.kind == "errors":
            known = row.corner_mean_px is not None or row.rotation_mean_deg is not None
            measured[row.scene] = measured.get(row.scene, False) or known
    return [scene for scene, known in measured.items() if not known]


def read_success(values: Mapping[str, Any]) -> Success:
    """The definition that a file holds; raises `UserError` where it is none."""
    try:
        found = Success(**values)
        if found.kind not in get_args(SuccessKind):
            raise ValueError(f"kind {found.kind}")
    except (TypeError, ValueError) as error:
        raise UserError(
            f"sweep.json does not say when a run has succeeded ({error}); give the command of the sweep again."
        ) from error
    return found


class Interval(NamedTuple):
    """An estimate with the ends of its confidence interval."""

    value: float
    low: float
    high: float


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """A success rate with its score interval.

    It stays within [0, 1], and says something also where all trials succeed, or none.

    Args:
        successes: 0 <= successes <= trials.
        trials: >= 0; with none the rate is NaN and the interval [0, 1].
        confidence: in (0, 1).
    Reference:
        E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).
    """
    if trials == 0:
        return Interval(math.nan, 0.0, 1.0)
    z, rate = NormalDist().inv_cdf(0.5 + confidence / 2), successes / trials
    scale = 1 + z**2 / trials
    middle = (rate + z**2 / (2 * trials)) / scale
    half = z / scale * math.sqrt(rate * (1 - rate) / trials + z**2 / (4 * trials**2))
    return Interval(
        rate,
        0.0 if successes == 0 else max(0.0, middle - half),
        1.0 if successes == trials else min(1.0, middle + half),
    )


def bootstrap_interval(
    values: Sequence[float],
    statistic: Callable[..., np.ndarray] = np.mean,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """A mean or median with its percentile bootstrap interval. Errors over seeds often have two groups, those of
    runs that succeed and of others, so that an interval by a normal distribution would say little.

    Args:
        values: finite; of none all three are NaN.
        statistic: `np.mean` or `np.median`.
        confidence: in (0, 1).
        resamples: how many.
        seed: of the resamples, so that a report says the same again.
    Reference:
        B. Efron, R. J. Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
    """
    if not len(values):
        return Interval(math.nan, math.nan, math.nan)
    found = np.asarray(values, dtype=np.float64)
    drawn = np.random.default_rng(seed).integers(len(found), size=(resamples, len(found)))
    low, high = np.quantile(statistic(found[drawn], axis=1), [0.5 - confidence / 2, 0.5 + confidence / 2])
    return Interval(float(statistic(found)), float(low), float(high))
