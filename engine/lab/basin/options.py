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
            units along each axis; of a patch 37 degrees and 0.6 of half the image's longer side.
        pixels: of the photo in each step, drawn anew: about as many as a training step has of each of 40 frames.
        patch_pixels: the same of a patch; half of what a training step has of each of five. With a quarter fewer kicks
            come back, with all of them it takes twice as long.
        pool: pixels of which they are drawn.
        angle_deg, distance: a kick has come back if it ends within this angle, and this share of the cameras' spread,
            of where the pose ends that was not kicked.
        corners_px: a kick of a patch has come back if its corners end within this many pixels of the image, in the
            mean, of where they end without a kick; as a registered patch is asked for (`engine.lab.sweep`).
        samples: rendered and differentiated at once, of all poses together: fields that are networks keep all that
            they compute until it is differentiated.
        every: steps between two looks at where the poses are.
        seed: of directions and pixels.
    """

    side: int = 8
    directions: int = 4
    steps: int = 800
    pixels: int = 96
    patch_pixels: int = 400
    pool: int = 8192
    angle_deg: float = 0.5
    distance: float = 0.05
    corners_px: float = 1.0
    samples: int = 2**17
    every: int = 4
    seed: int = 0


DEFAULT = BasinOptions()


@dataclass(frozen=True)
class BasinRequest:
    """Which kicks of which frames.

    Attributes:
        frame: index among the training frames; None for all that registration moves.
        stage: whose band limit counts, an index into the schedule; None for all of them in turn, coarse to fine.
        turn_deg: largest angle, degrees.
        shift: largest distance, scene units; of patches, pixels of the image.
        spread: of the cameras, scene units (their root mean square distance from their middle).
        corners: largest displacement of the corners of a patch, pixels, in place of a turn; None for turns.
    """

    frame: int | None
    stage: int | None
    turn_deg: float
    shift: float
    spread: float = 1.0
    corners: float | None = None
