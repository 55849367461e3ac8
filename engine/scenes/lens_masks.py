"""Pixels that a lens has no ray for: outside of a fisheye's field of view, or where a polynomial folds over."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from engine.geometry.distortion import is_invertible
from engine.geometry.intrinsics import Intrinsics
from engine.geometry.lens_models import WIDEST_ANGLE, find_models
from engine.geometry.rays import pixel_grid

BORDER_POINTS = 64  # along each side of a picture that are looked at first: what a lens shows has no holes
LEAST_SHARE = 0.05  # of a picture that its lens has to have rays for; with less its coefficients are wrong
MISFIT = "the coefficients of its lens fit no picture"  # why a frame is left out


class LensMasks(NamedTuple):
    """What lenses have no rays for.

    Attributes:
        counts: False for such pixels; None where there are none.
        misfits: frames whose lens has rays for hardly any pixel.
        notes: sentences for the user.
    """

    counts: Bool[Tensor, "frames height width"] | None
    misfits: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


def mask_by_lens(intrinsics: Intrinsics, names: Sequence[str]) -> LensMasks:
    """Finds the pixels that have no ray, or one further than 80 degrees from the axis.

    Args:
        intrinsics: of the images of a scene.
        names: of the frames.
    """
    if not intrinsics.distorted:
        return LensMasks(None)
    fixed = tuple(
        f"The lens model {model.name} has no k1: where lenses are refined, its focal length alone is."
        for model in find_models(intrinsics.distortion)
        if not model.has_polynomial
    )
    cut = _find_cut_frames(intrinsics)
    if not cut:
        return LensMasks(None, notes=fixed)
    counts = torch.ones(intrinsics.frames, intrinsics.height, intrinsics.width, dtype=torch.bool)
    known: dict[tuple[float, ...], Bool[Tensor, "height width"]] = {}
    grid = pixel_grid(intrinsics.height, intrinsics.width)
    for frame in cut:
        lens = intrinsics.focal[frame], intrinsics.centre[frame], intrinsics.distortion[frame]
        key = tuple(torch.cat(lens).tolist())
        if key not in known:
            known[key] = _find_rays(grid, intrinsics, frame)
        counts[frame] = known[key]
    shares = {frame: _measure_share(counts[frame], intrinsics.own_size(frame)) for frame in cut}
    misfits = tuple(frame for frame in cut if shares[frame] < LEAST_SHARE)
    masked = [frame for frame in cut if frame not in misfits]
    if not masked:
        return LensMasks(counts, misfits, fixed)
    hidden = 100 * (1 - sum(shares[frame] for frame in masked) / len(masked))
    note = (
        f"{max(hidden, 0.1):.2g} % of the pixels of {len(masked)} photos, such as {names[masked[0]]}, lie further "
        f"than {math.degrees(WIDEST_ANGLE):.0f} degrees from the axis of their lens or outside of what it shows; they "
        "do not count."
    )
    return LensMasks(counts, misfits, (note, *fixed))


def combine_masks(
    one: Bool[Tensor, "frames height width"] | None, other: Bool[Tensor, "frames height width"] | None
) -> Bool[Tensor, "frames height width"] | None:
    """Pixels that count in both masks; None stands for all."""
    if one is None or other is None:
        return one if other is None else other
    return one & other


def _find_cut_frames(intrinsics: Intrinsics) -> list[int]:
    """Frames that have pixels without a ray along their border."""
    along = (torch.arange(BORDER_POINTS) + 0.5) / BORDER_POINTS
    ends = torch.tensor([0.0, 1.0])
    sides = [torch.cartesian_prod(along, ends), torch.cartesian_prod(ends, along)]
    own = intrinsics.own_sizes[:, None].to(intrinsics.focal)
    pixels = (torch.cat(sides) * own).clamp(min=0.5).minimum(own - 0.5)
    points = (pixels - intrinsics.centre[:, None]) / intrinsics.focal[:, None]
    valid = is_invertible(points, intrinsics.distortion[:, None]).all(dim=-1)
    return (~valid).nonzero()[:, 0].tolist()


def _find_rays(
    grid: Float[Tensor, "height width 2"], intrinsics: Intrinsics, frame: int
) -> Bool[Tensor, "height width"]:
    points = (grid - intrinsics.centre[frame]) / intrinsics.focal[frame]
    return is_invertible(points, intrinsics.distortion[frame])


def _measure_share(counts: Bool[Tensor, "height width"], size: tuple[int, int]) -> float:
    return counts[: size[1], : size[0]].float().mean().item()
