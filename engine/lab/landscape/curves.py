"""The loss along each direction in which a frame can be moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from engine.lab.frozen import Axis, FrozenCameras, FrozenFrame, FrozenPatches, freeze
from engine.lab.landscape.options import DEFAULT, LandscapeOptions, Window
from engine.lab.landscape.scan import Gradient, Scan
from engine.run.session import Session
from engine.system.arrays import frozen


@dataclass(frozen=True)
class Curves:
    """The loss along the axes of one frame. Offsets are in the units of the axes as shown.

    Attributes:
        frame: index among the training frames.
        stage: whose band limit photo and field have.
        axes: of the frame.
        offsets: of the places, one row per axis.
        losses: mean squared error of colours there; NaN where it was not measured yet.
        slopes: derivative of the loss at the pose itself, per unit of the axis: what the training follows.
        reference: offsets of the reference along the axes, or None.
        pixels, of: pixels that were compared so far, of those that the photo has at this scale.
        share: of the work that is done, in [0, 1].
    """

    frame: int
    stage: str
    axes: tuple[Axis, ...]
    offsets: Float[np.ndarray, "axes steps"]
    losses: Float[np.ndarray, "axes steps"]
    slopes: Float[np.ndarray, " axes"]
    reference: tuple[float, ...] | None
    pixels: int
    of: int
    share: float


def measure_curves(
    frame: int, stage: int | None, window: Window, options: LandscapeOptions = DEFAULT
) -> Callable[[Session], Iterator[Curves | None]]:
    """The work of an `engine.lab.beside.Experiment` that measures curves.

    Args:
        frame: index among the training frames.
        stage: whose band limit counts, an index into the schedule; None for that of now.
        window: how far from the pose.
        options: how finely.
    """

    def begin(session: Session) -> Iterator[Curves | None]:
        return measure(freeze(session))

    def measure(run: FrozenCameras | FrozenPatches) -> Iterator[Curves | None]:
        yield None
        view = run.look(frame, stage, options.curve_pixels)
        yield None
        yield from draw_curves(view, window, options)

    return begin


def draw_curves(
    frozen_frame: FrozenFrame, window: Window, options: LandscapeOptions = DEFAULT
) -> Iterator[Curves | None]:
    """Measures the curves of a frozen frame, and yields them as they become exact."""
    axes = frozen_frame.axes
    inside = torch.tensor([axis.inside for axis in axes])
    reach = torch.tensor(window.reach)
    shares = torch.linspace(-1, 1, options.steps)
    shown = reach[:, None] * shares
    offsets = torch.diag_embed((shown * inside[:, None]).T).transpose(0, 1).reshape(-1, len(axes))
    scan = Scan(frozen_frame, offsets, torch.arange(len(offsets)), options)
    gradient = Gradient(frozen_frame, options)
    for _ in gradient.run():
        yield None
    places, slopes_shown = frozen(shown), frozen(gradient.values * inside)

    def so_far() -> Curves:
        losses = frozen(scan.losses.view(shown.shape))
        about = (places, losses, slopes_shown, frozen_frame.reference, scan.pixels, frozen_frame.of, scan.share)
        return Curves(frozen_frame.frame, frozen_frame.stage, axes, *about)

    for _ in scan.run():
        yield so_far()
    yield so_far()
