r"""How the local warp moves beside the poses, at any time of a run, and how λ is chosen where the run chooses it.

A network of local warps alone hardly answers to λ. Under the poses' rate it stands still in late stages. And at any
rate its gradients are those of whole frames: at λ = 100 the alignment term made a thousandth to a hundred-thousandth
of them (measured on scenes/cat), so that Adam, which divides by their size, took no notice of λ. Three things mend it,
once λ is moved in a run or chosen by it; in a run whose λ was not moved, and while poses still find their way
(`WarpMotion.early`), the network moves as published:

- the network has a rate of its own, and of the motion that a step gives to the fitted poses only the share is kept
  that the poses' own rate would give them (`follow` of the registrations);
- λ acts on bends directly, by an implicit step in the space of warps (`WarpNetwork.stiffen`);
- a lattice of small motions over each frame is added to the network, which can hardly bend (`WarpBends`), early too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from engine.config.settings import Settings


class WarpStep(NamedTuple):
    """How a step ends for a warp that moves beside its poses. On a GPU its numbers lie there.

    Attributes:
        share: of the way from the poses before the step to those that fit the warp now that they go, in [0, 1].
        stiffness: see `engine.registration.warp_network.WarpNetwork.stiffen`.
        limit: a warp that bends by more (root mean square of a frame, units of the image plane) is stiffened.
        bend: step of the lattice's nodes, units of the image plane; see `engine.registration.warp_bends.WarpBends`.
        stiffens_network: whether the network is stiffened too, and not only the lattice.
        partly: whether `share` may be less than 1; on a GPU the host does not know it.
    """

    share: float | Float[Tensor, ""]
    stiffness: float | Float[Tensor, ""]
    limit: float | Float[Tensor, ""]
    bend: float | Float[Tensor, ""]
    stiffens_network: bool = True
    partly: bool = True

    def strength(self, mean_square: Float[Tensor, ""]) -> Float[Tensor, ""]:
        """Of the implicit step, for a warp whose bends have this mean square: more beyond the limit."""
        return self.stiffness + (mean_square / self.limit**2 - 1).clamp(min=0.0)


@dataclass(frozen=True)
class WarpMotion:
    """Rates of the local warp.

    Attributes:
        rate: Adam's least rate for the warp's network, at λ = `reference` and above; where poses move faster, theirs.
        softest: factor on `rate` at most. The colours hold a residual of variance proportional to 1 / λ, so the rate
            grows as its root below `reference`: a soft warp has farther to go. Above 3e-3 in all the network
            diverges.
        reference: λ of the papers, at which `rate` is meant.
        step: length of the implicit step on the alignment term, 1 / λ: at `reference` a bend that the photos do not
            ask for is halved in each step, at 10^4 becomes a hundred times as small, at 10^-2 it stays.
        largest_px: root mean square of a frame's bends, pixels of the stage's photos, beyond which the warp is
            stiffened whatever λ says: farther away than a pixel, colours do not tell where to go, and a warp that
            is left alone would lose its frame.
        still_period: the warp moves in one of so many steps where the cameras of a scene stand still: gradients of
            rays cost half of a step there.
        bend: step of the nodes of a frame's lattice, root mean square in pixels of the stage's photos, at λ =
            `reference` and above; below it grows as `rate` does, to a hundredth of a pixel at 10^-2.
        early: scheduled rate of the poses above which they still find their way: there the network moves as published,
            poses and warp together and by the gradient of all terms, for it carries what each frame has learned.
    """

    rate: float = 2e-5
    softest: float = 150.0
    reference: float = 100.0
    step: float = 0.01
    largest_px: float = 1.0
    still_period: int = 4
    bend: float = 1e-4
    early: float = 2.5e-4

    def warp_rate(self, exponent: float) -> float:
        """Adam's rate at λ = 10^exponent, if the poses have none."""
        return self.rate * self._softness(exponent)

    def end_step(self, exponent: float, share: float, pixel: float, early: bool) -> WarpStep:
        """How a step ends at λ = 10^exponent.

        Args:
            exponent: of λ.
            share: that poses keep of their motion; see `WarpStep`.
            pixel: of the stage's photos, in the units of the plane that warps act on.
            early: whether poses still find their way; then the alignment term of the loss holds the network.
        """
        return WarpStep(
            share=share,
            stiffness=self.step * 10 ** min(exponent, 12.0),
            limit=self.largest_px * pixel,
            bend=self.bend * self._softness(exponent) * pixel,
            stiffens_network=not early,
            partly=share < 1,
        )

    def _softness(self, exponent: float) -> float:
        return min(max(math.sqrt(self.reference / 10**exponent), 1.0), self.softest)


DEFAULT = WarpMotion()


@dataclass(frozen=True)
class WarpUnits:
    """What the alignment term of a kind of scene is measured in.

    Attributes:
        pixel: size of a pixel of the scene's images, in the units of the plane that warps act on.
        numbers: coordinates per pixel that the alignment term averages.
    """

    pixel: float
    numbers: int


def find_motion(settings: Settings) -> WarpMotion | None:
    """That of a run; None for methods without a warp per pixel and for the published networks and rates."""
    return DEFAULT if settings.method_spec.warps_pixels and settings.preset != "paper" else None


@dataclass(frozen=True)
class LambdaChoice:
    """Limits of a λ that is chosen.

    Attributes:
        lowest, highest: exponents.
        period: steps from one choice to the next on a GPU, where to read the errors waits for the device.
        tolerance_px: standard deviation of a warp's residual, pixels of the photos of the stage: by so much a smooth
            warp may differ from its fit before photos at that band limit tell the two apart.
    """

    lowest: float = 0.0
    highest: float = 6.0
    period: int = 25
    tolerance_px: float = 0.25


LAMBDA_CHOICE = LambdaChoice()


def choose_lambda(
    colour_variance: float, pixel: float, coordinates: int, limits: LambdaChoice = LAMBDA_CHOICE
) -> float | None:
    r"""The exponent of λ that makes the loss the negative logarithm of a posterior.

    Let colours have independent errors of variance :math:`\sigma_c^2`, 3 per pixel, and residuals of the warp errors
    of variance :math:`\sigma_a^2`, k per pixel. Up to constants the negative logarithm is, per pixel,

    .. math:: \frac{3}{2\sigma_c^2} L_{photometric} + \frac{k}{2\sigma_a^2} L_{alignment}

    so that :math:`\lambda = \frac{k}{3} \sigma_c^2 / \sigma_a^2` where the photometric term has the weight 1. The
    variance of colours is measured as the run goes, :math:`\sigma_a` is a quarter of a pixel of the stage: λ grows as
    the photos become finer, and becomes smaller as the errors do.

    Args:
        colour_variance: mean squared error of the colours of a typical frame; 0 while unknown.
        pixel: size of a pixel of the stage's photos, in the units of the alignment term.
        coordinates: k, numbers that the alignment term averages per pixel.
    Returns:
        the exponent; None while nothing is known.
    Reference:
        Kendall, Gal and Cipolla, CVPR 2018, equations 5 to 7: weights of losses from their uncertainties.
    """
    if not colour_variance > 0:
        return None
    exponent = math.log10(coordinates / 3 * colour_variance / (limits.tolerance_px * pixel) ** 2)
    return min(max(exponent, limits.lowest), limits.highest)
