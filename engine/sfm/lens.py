"""A lens with its covariance, as EXIF and matches know it.

Colours alone determine the focal length badly: in a forward-facing scene a longer focal length with a deeper world
looks nearly the same. Matched points are more exact, and their bundle adjustment also gives a covariance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class LensOptions:
    """Standard deviations.

    Attributes:
        exif_deviation: relative standard deviation of a focal length that comes from EXIF (rounded to millimetres).
        guess_deviation: the same where EXIF has none and a usual one is assumed.
        radial_deviation: standard deviation of k1 over the lenses of phones and similar cameras.
        deviation_factor: by which standard deviations of the bundle adjustment are enlarged. Errors of matches are
            correlated: on three scenes focal lengths were 2 to 4 times as far off as the adjustment said.
        contradiction: standard deviations between the focal length of EXIF and that of the matches from which EXIF
            is taken to be wrong.
        least_contradiction: and the relative difference that it must have at least: zoom lenses and crops come close
            to what EXIF says, a wrong sensor size or a wrong tag does not.
    """

    exif_deviation: float = 0.03
    guess_deviation: float = 0.2
    radial_deviation: float = 0.02
    deviation_factor: float = 3.0
    contradiction: float = 5.0
    least_contradiction: float = 0.15


OPTIONS = LensOptions()


@dataclass(frozen=True)
class Lens:
    """A focal length and a radial distortion with their covariance.

    Attributes:
        focal: pixels, > 0.
        radial: k1 of OpenCV's model.
        covariance: of (logarithm of the focal length, k1).
    """

    focal: float
    radial: float
    covariance: Float[np.ndarray, "2 2"]

    @property
    def focal_deviation(self) -> float:
        """Relative standard deviation of the focal length."""
        return float(np.sqrt(self.covariance[0, 0]))

    def scaled(self, factor: float) -> Lens:
        """The same lens for an image `factor` times as large: the focal length is multiplied by it."""
        return Lens(self.focal * factor, self.radial, self.covariance)


def make_prior_lens(focal: float, nominal: bool) -> Lens:
    """The prior distribution of a lens before any matches are used.

    Args:
        focal: pixels.
        nominal: whether the focal length comes from EXIF; else it is a guess.
    """
    deviation = OPTIONS.exif_deviation if nominal else OPTIONS.guess_deviation
    return Lens(focal, 0.0, np.diag([deviation, OPTIONS.radial_deviation]) ** 2)


def combine_lenses(one: Lens, other: Lens) -> Lens:
    """The product of two normal distributions of the same lens: precisions add up."""
    precisions = [np.linalg.inv(lens.covariance) for lens in (one, other)]
    means = [np.array([np.log(lens.focal), lens.radial]) for lens in (one, other)]
    covariance = np.linalg.inv(sum(precisions))
    mean = covariance @ sum(precision @ mean for precision, mean in zip(precisions, means, strict=True))
    return Lens(float(np.exp(mean[0])), float(mean[1]), covariance)


def contradicts(prior: Lens, found: Lens) -> bool:
    """Whether the focal length that the matches give rules out the one that EXIF gives."""
    difference = abs(float(np.log(found.focal / prior.focal)))
    deviation = float(np.hypot(prior.focal_deviation, found.focal_deviation))
    return difference > max(OPTIONS.least_contradiction, OPTIONS.contradiction * deviation)
