"""Whether the tracks want another focal length than the run has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from engine.evidence.track_bundle import TrackBundle, TrackBundleOptions
from engine.evidence.triangulation import Observations, choose_tracks, pixel_scale, triangulate
from engine.geometry.intrinsics import Intrinsics


@dataclass(frozen=True)
class FocalCheckOptions:
    """How the focal length is asked for.

    Attributes:
        tracks: at most: those that most frames see; one number needs few.
        fits_px: observations farther off than this are left out, pixels of an image of 640: a wrong focal length
            shows by pixels, not by tens of them.
        scale_px: robust scale, likewise.
        steps: Levenberg-Marquardt steps, at most.
        initial_damping: of these, small: a focal length is traded for depths along a long valley.
        least_gain: relative decrease of the cost below which it has converged, small for the same reason.
    """

    tracks: int = 300
    fits_px: float = 12.0
    scale_px: float = 1.0
    steps: int = 25
    initial_damping: float = 1e-4
    least_gain: float = 1e-4


DEFAULT = FocalCheckOptions()


class FocalFit(NamedTuple):
    """What the tracks say of the focal length.

    Attributes:
        ratio: the focal length that they want by that of the run.
        gain: by which share the mean robust cost falls, from the poses that fit best with that of the run to those
            that do with the other, in [0, 1].
    """

    ratio: float
    gain: float


@torch.no_grad()
def check_focal(
    observations: Observations,
    poses: Float[Tensor, "frames 3 4"],
    intrinsics: Intrinsics,
    options: FocalCheckOptions = DEFAULT,
) -> FocalFit | None:
    """Adjusts poses and points to the tracks with the focal length held, then with it free; None for too few tracks.

    Args:
        observations: of the frames that are registered.
        poses: world-to-camera, of all frames.
        intrinsics: of the same frames; one factor on all focal lengths is asked for.
        options: of the check.
    """
    chosen = choose_tracks(observations, options.tracks)
    if not chosen.tracks:
        return None
    fits = triangulate(chosen, poses.double(), intrinsics).error_px < options.fits_px * pixel_scale(intrinsics)
    chosen = chosen.select(fits)
    if chosen.tracks < 20:
        return None
    points = triangulate(chosen, poses.double(), intrinsics).points
    solver = TrackBundleOptions(
        scales_px=(options.scale_px,),
        steps=options.steps,
        least_gain=options.least_gain,
        initial_damping=options.initial_damping,
    )
    held = TrackBundle(chosen, intrinsics, poses.double(), points, solver)
    for _ in held.rounds():
        pass
    free = TrackBundle(chosen, intrinsics, held.poses, held.points, solver, frees_focal=True)
    for _ in free.rounds():
        pass
    ratio = float((free.intrinsics.focal / intrinsics.focal).mean())
    return FocalFit(ratio, max(1 - free.cost / max(held.cost, 1e-12), 0.0))
