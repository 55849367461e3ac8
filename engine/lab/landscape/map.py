"""The loss over two of the directions in which a frame can be moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from engine.lab.frozen import Axis, FrozenCameras, FrozenFrame, FrozenPatches, freeze
from engine.lab.landscape.options import DEFAULT, LandscapeOptions, Window
from engine.lab.landscape.scan import Scan, order_coarse_to_fine
from engine.run.session import Session
from engine.system.arrays import frozen


@dataclass(frozen=True)
class LossMap:
    """The loss over two axes of one frame. Offsets are in the units of the axes as shown.

    Attributes:
        frame: index among the training frames.
        stage: whose band limit photo and field have.
        across, down: the axes, by their place among those of the frame, and what they are.
        x, y: offsets of the columns and of the rows.
        losses: mean squared error of colours; NaN where it was not measured yet.
        reference: offsets of the reference along the two axes, or None.
        pixels, of: pixels that were compared so far, of those that the photo has at this scale.
        share: of the work that is done, in [0, 1].
    """

    frame: int
    stage: str
    across: Axis
    down: Axis
    x: Float[np.ndarray, " columns"]
    y: Float[np.ndarray, " rows"]
    losses: Float[np.ndarray, "rows columns"]
    reference: tuple[float, float] | None
    pixels: int
    of: int
    share: float


def measure_map(
    frame: int, stage: int | None, axes: tuple[int, int], window: Window, options: LandscapeOptions = DEFAULT
) -> Callable[[Session], Iterator[LossMap | None]]:
    """The work of an `engine.lab.beside.Experiment` that measures a map.

    Args:
        frame: index among the training frames.
        stage: whose band limit counts, an index into the schedule; None for that of now.
        axes: two different ones of the frame, by their place; the first runs across.
        window: how far from the pose.
        options: how finely.
    """

    def begin(session: Session) -> Iterator[LossMap | None]:
        return measure(freeze(session))

    def measure(run: FrozenCameras | FrozenPatches) -> Iterator[LossMap | None]:
        yield None
        view = run.look(frame, stage, options.map_pixels)
        yield None
        yield from draw_map(view, axes, window, options)

    return begin


def draw_map(
    frozen_frame: FrozenFrame, axes: tuple[int, int], window: Window, options: LandscapeOptions = DEFAULT
) -> Iterator[LossMap | None]:
    """Measures a map of a frozen frame, coarse to fine, and yields it as it fills."""
    across, down = (frozen_frame.axes[index] for index in axes)
    shares = torch.linspace(-1, 1, options.side)
    x, y = (window.reach[index] * shares for index in axes)
    offsets = torch.zeros(options.side, options.side, len(frozen_frame.axes))
    offsets[..., axes[0]] += x * across.inside
    offsets[..., axes[1]] += (y * down.inside)[:, None]
    scan = Scan(frozen_frame, offsets.flatten(0, 1), order_coarse_to_fine(options.side), options)
    columns, rows = frozen(x), frozen(y)
    there = frozen_frame.reference
    reference = None if there is None else (there[axes[0]], there[axes[1]])

    def so_far() -> LossMap:
        losses = frozen(scan.losses.view(options.side, options.side))
        about = (columns, rows, losses, reference, scan.pixels, frozen_frame.of, scan.share)
        return LossMap(frozen_frame.frame, frozen_frame.stage, across, down, *about)

    yield None
    for _ in scan.run():
        yield so_far()
    yield so_far()
