"""How kicks are tried."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BasinOptions:
    """How many kicks, how far they may go back, and when one has come back.

    Attributes:
        side: angles, and as many distances, from none to the largest.
        directions: of each kick, of a frame; where all frames are tried each of them gets at least one.
        steps: of the optimiser for each kick. By the rates of the grid's schedule they reach 66 degrees and 1.1 scene
            units along each axis.
        pixels: of the photo in each step, drawn anew: about as many as a training step has of each of 40 frames.
        pool: pixels of which they are drawn.
        angle_deg, distance: a kick has come back if it ends within this angle, and this share of the cameras' spread,
            of where the pose ends that was not kicked.
        samples: rendered and differentiated at once, of all poses together: fields that are networks keep all that
            they compute until it is differentiated.
        every: steps between two looks at where the poses are.
        seed: of directions and pixels.
    """

    side: int = 8
    directions: int = 4
    steps: int = 800
    pixels: int = 96
    pool: int = 8192
    angle_deg: float = 0.5
    distance: float = 0.05
    samples: int = 2**17
    every: int = 4
    seed: int = 0


DEFAULT = BasinOptions()


@dataclass(frozen=True)
class BasinRequest:
    """Which kicks of which frames.

    Attributes:
        frame: index among the training frames; None for all of them.
        stage: whose band limit counts, an index into the schedule; None for all of them in turn, coarse to fine.
        turn_deg: largest angle, degrees.
        shift: largest distance, scene units.
        spread: of the cameras, scene units (their root mean square distance from their middle).
    """

    frame: int | None
    stage: int | None
    turn_deg: float
    shift: float
    spread: float
