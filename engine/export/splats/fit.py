"""Gaussians fitted to the photos."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from engine.export.progress import Progress
from engine.export.splats.gaussians import (
    COLOUR,
    COLUMNS,
    DIRECTIONAL,
    LOG_SCALE,
    OPACITY,
    POSITION,
    QUATERNION,
    Gaussians,
)
from engine.export.splats.projection_kernels import step_adam
from engine.export.splats.rasteriser import differentiate, draw
from engine.export.splats.views import SplatView


@dataclass(frozen=True)
class FitOptions:
    """The fit.

    Attributes:
        position: learning rate, edges of a Gaussian's first cell; the other rates are of the parameters themselves.
        scale, quaternion, opacity, colour, directional: learning rates.
        last: factor on all rates at the end; it falls exponentially. Most of the change in a minute is coarse.
        transparency: weight of the mean opacity in what is lowered. What has the colour of the background behind it is
            not needed, and would show before another background.
        beta1, beta2: decay of Adam's moments: shorter than usual, because a Gaussian is seen a few hundred times.
        cleanings: shares of the fit after which Gaussians are removed.
        least_weight: Gaussians that never have this much weight in a pixel are removed, once all views were drawn.
        least_opacity: so are those that are less opaque.
    """

    position: float = 0.03
    scale: float = 0.02
    quaternion: float = 0.01
    opacity: float = 0.05
    colour: float = 0.02
    directional: float = 0.005
    last: float = 0.1
    transparency: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.99
    cleanings: tuple[float, ...] = (0.35, 0.7, 1.0)
    least_weight: float = 0.02
    least_opacity: float = 0.02

    @property
    def rates(self) -> Float32[np.ndarray, " 23"]:
        """Of the columns."""
        rates = np.empty(COLUMNS, np.float32)
        rates[POSITION], rates[LOG_SCALE], rates[QUATERNION] = self.position, self.scale, self.quaternion
        rates[OPACITY], rates[COLOUR], rates[DIRECTIONAL] = self.opacity, self.colour, self.directional
        return rates


DEFAULT = FitOptions()


class _Optimiser:
    """Gaussians with the moments of Adam, and what is known of their weights."""

    def __init__(self, gaussians: Gaussians, sizes: Float32[np.ndarray, " gaussians"], options: FitOptions) -> None:
        self.gaussians, self._options = Gaussians(gaussians.rows.copy()), options
        self._sizes = sizes.astype(np.float32)
        self._first, self._second = np.zeros((2, len(gaussians), COLUMNS), np.float32)
        self._counts = np.zeros(len(gaussians), np.int32)
        self.weights = np.zeros(len(gaussians), np.float32)

    def step(
        self, gradient: Float32[np.ndarray, "gaussians 23"], weights: Float32[np.ndarray, " gaussians"], factor: float
    ) -> None:
        """One step of those with a weight."""
        np.maximum(self.weights, weights, out=self.weights)
        options = self._options
        step_adam(
            *(self.gaussians.rows, gradient, weights, self._first, self._second, self._counts),
            *(options.rates * np.float32(factor), self._sizes, np.float32(options.beta1), np.float32(options.beta2)),
        )

    def clean(self, all_seen: bool) -> None:
        """Removes what hardly counts; forgets the weights."""
        kept = self.gaussians.opacities >= self._options.least_opacity
        if all_seen:
            kept &= self.weights >= self._options.least_weight
        kept &= np.isfinite(self.gaussians.rows).all(axis=1)
        self.gaussians = self.gaussians.chosen(kept)
        self._sizes, self._counts = self._sizes[kept], self._counts[kept]
        self._first, self._second = self._first[kept], self._second[kept]
        self.weights = np.zeros(len(self.gaussians), np.float32)


def fit_gaussians(
    gaussians: Gaussians,
    sizes: Float32[np.ndarray, " gaussians"],
    views: Sequence[SplatView],
    background: Float32[np.ndarray, " 3"],
    seconds: float,
    progress: Progress,
    options: FitOptions = DEFAULT,
    most_steps: int | None = None,
) -> Gaussians:
    """Lowers the mean squared error of the pictures, one view a step, by Adam; removes Gaussians that hardly count.

    Args:
        gaussians: not changed.
        sizes: the unit of the learning rate of each one's position, units of the world.
        views: each is drawn as often as the others, in a random order.
        background: RGB in [0, 1] behind all Gaussians.
        seconds: for the fit, wall time after the first step, which may have to compile the kernels; 0 for no step.
        progress: called before every step.
        options: see there.
        most_steps: most steps, whatever the time.
    """
    state, generator, started = _Optimiser(gaussians, sizes, options), np.random.default_rng(0), 0.0
    order: list[int] = []
    cleanings, steps, since_cleaning, done = list(options.cleanings), 0, 0, 0.0
    while done < 1 and seconds > 0 and len(state.gaussians):
        progress(done, f"fit, {len(state.gaussians):,} Gaussians" if steps else "preparing kernels")
        order = order or generator.permutation(len(views)).tolist()
        view = views[order.pop()]
        gradient, weights = _differentiate_error(state.gaussians, view, background)
        opacities = state.gaussians.opacities
        gradient[:, OPACITY] += options.transparency / len(opacities) * opacities * (1 - opacities)
        state.step(gradient, weights, options.last**done)
        steps, since_cleaning = steps + 1, since_cleaning + 1
        started = started or time.monotonic()
        done = min(max((time.monotonic() - started) / seconds, steps / most_steps if most_steps else 0.0), 1.0)
        if cleanings and done >= cleanings[0]:
            cleanings = [share for share in cleanings if share > done]
            state.clean(all_seen=since_cleaning >= 2 * len(views))
            since_cleaning = 0
    return state.gaussians


def _differentiate_error(
    gaussians: Gaussians, view: SplatView, background: Float32[np.ndarray, " 3"]
) -> tuple[Float32[np.ndarray, "gaussians 23"], Float32[np.ndarray, " gaussians"]]:
    """The gradient of the mean squared error of a view, and the weights of the Gaussians."""
    picture = draw(gaussians, view.camera, background)
    difference = picture.image - view.photo.astype(np.float32) * np.float32(1 / 255)
    if view.mask is not None:
        difference *= view.mask[..., None]
    difference *= np.float32(2 / difference.size)
    return differentiate(picture, difference)
