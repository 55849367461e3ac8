"""Whether patches agree with each other at their places: what is known of a planar run without its true transforms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from engine.evidence.verdict import FrameVerdict, Verdict, VerdictState
from engine.geometry.homography import apply_homography
from engine.geometry.warp_names import PlanarWarp
from engine.registration.planar import photometric
from engine.registration.planar.mosaic import Mosaic
from engine.scenes.pyramid.patch_level import PatchLevel


@dataclass(frozen=True)
class AgreementOptions:
    """When patches agree.

    Attributes:
        measured_size: pixels along the shorter side of a patch on which it is measured, at least; smaller patches are
            measured as they are. Positions are found to a tenth of a pixel on half as many.
        pair: share of a patch's variance that another one must explain where both lie for them to agree: a wrong
            position rarely reaches 0.5, a right one has 0.8 and more.
        all: the same for all together that agree; less is doubtful.
        covered: share of a patch that another one must cover for them to be compared.
        steps: Gauss-Newton steps by which a patch follows the others, to see how far they move it.
        off_px: pixels of the patches; one that the others move by more is not where it belongs. The papers' limit of
            success is as large.
        failed: share of the patches but the first that must agree for a run to be more than failed.
    """

    measured_size: int = 64
    pair: float = 0.6
    all: float = 0.8
    covered: float = 0.1
    steps: int = 6
    off_px: float = 1.0
    failed: float = 0.6


DEFAULT = AgreementOptions()


@dataclass(frozen=True)
class PatchAgreement:
    """What the other patches say of one.

    Attributes:
        compared: whether any other one covers enough of it.
        explained: share of its variance that the others that agree explain, at most 1; None where it does not agree
            with the first patch, or with one that does, and so on.
        off_px: how far these others move it, mean over what they show of it, pixels of the patch; None likewise.
    """

    compared: bool
    explained: float | None = None
    off_px: float | None = None


def measured_downsample(patch_size: tuple[int, int], options: AgreementOptions = DEFAULT) -> int:
    """The scale, a power of two, at which patches of a size (width, height; pixels) are compared."""
    factor = 1
    while min(patch_size) / (2 * factor) >= options.measured_size:
        factor *= 2
    return factor


def measure_patches(
    warps: Float[Tensor, "patches 3 3"],
    family: PlanarWarp,
    data: PatchLevel,
    half_extent: tuple[float, float],
    downsample: int,
    options: AgreementOptions = DEFAULT,
) -> list[PatchAgreement]:
    """Compares every patch with every other one, and with all that agree.

    Patches are compared two by two, since the mean of others of which one is wrong says nothing of the right ones.

    Args:
        warps: from the planes of the patches to that of the image; the first is known to be right.
        family: of the warps.
        data: the patches.
        half_extent: half width and half height of the image, units of the plane.
        downsample: of the data; pixels of the result are those of the patches as they are.
        options: when patches agree.
    """
    count = len(warps)
    pixels = data.images.flatten(2)
    agree = torch.zeros(count, count, dtype=torch.bool)
    compared = torch.zeros(count, count, dtype=torch.bool)
    for other in range(count):
        mosaic = Mosaic(data, warps, [other], half_extent)
        for patch in set(range(count)) - {other}:
            explained, covered = photometric.measure_agreement(warps[patch], mosaic, data.points, pixels[patch])
            compared[patch, other] = covered >= options.covered
            agree[patch, other] = compared[patch, other] and explained >= options.pair
    together = _connected_to_first(agree | agree.T)
    pixels_per_unit = downsample / data.pitch
    found = []
    for patch in range(count):
        others = [other for other in together if other != patch]
        if patch not in together or not others:
            found.append(PatchAgreement(bool(compared[patch].any())))
            continue
        seen = (Mosaic(data, warps, others, half_extent), data.points, pixels[patch])
        explained, _ = photometric.measure_agreement(warps[patch], *seen)
        off = pixels_per_unit * _displacement(warps[patch], family, *seen, options.steps)
        found.append(PatchAgreement(True, explained, off))
    return found


def _connected_to_first(agree: Tensor) -> list[int]:
    """Patches that agree with the first, with one that does, and so on, in their order; the first among them."""
    reached = torch.zeros(len(agree), dtype=torch.bool)
    reached[0] = True
    for _ in range(len(agree)):
        reached |= (agree & reached).any(dim=1)
    return [int(patch) for patch in reached.nonzero()[:, 0]]


def _displacement(
    warp: Float[Tensor, "3 3"],
    family: PlanarWarp,
    mosaic: Mosaic,
    points: Float[Tensor, "points 2"],
    colours: Float[Tensor, "3 points"],
    steps: int,
) -> float:
    """How far a patch moves when it follows a mosaic, mean over the points that it covers, units of the plane."""
    hypotheses = photometric.evaluate(warp[None], mosaic, points, colours)
    for _ in range(steps):
        photometric.improve(hypotheses, family, mosaic, points, colours)
    before = apply_homography(warp, points)
    moved = torch.linalg.vector_norm(apply_homography(hypotheses.best, points) - before, dim=-1)
    return float(moved[mosaic.sample(before).covered].mean())


def judge_patches(
    names: Sequence[str], found: Sequence[PatchAgreement], options: AgreementOptions = DEFAULT
) -> Verdict:
    """The verdict on a planar run.

    Args:
        names: of the patches.
        found: what the others say of each.
        options: when patches agree.
    """
    first = FrameVerdict(names[0], "registered", "it is fixed; the others are placed beside it")
    beside = found[0].off_px
    if beside is not None and beside > options.off_px:
        first = replace(first, state="doubtful", reason=f"the others lie {beside:.1f} px beside it")
    rest = (_judge_patch(*known, options) for known in zip(names[1:], found[1:], strict=True))
    frames = (first, *rest)
    count, right = len(frames), sum(frame.state == "registered" for frame in frames)
    if right == count:
        return Verdict("registered", f"All {count} patches agree where they overlap.", frames)
    apart = sum(frame.state == "failed" for frame in frames)
    parts = [f"{apart} of {count} patches do not agree with the others where they overlap"] if apart else []
    if right + apart < count:
        parts.append(f"{count - right - apart} of {count} are hardly where they belong")
    state: VerdictState = "failed" if right - 1 < options.failed * (count - 1) else "doubtful"
    return Verdict(state, f"{', and '.join(parts)}.", frames)


def _judge_patch(name: str, found: PatchAgreement, options: AgreementOptions) -> FrameVerdict:
    if not found.compared:
        return FrameVerdict(name, "failed", "it lies beside the others")
    if found.explained is None or found.off_px is None:
        return FrameVerdict(name, "failed", "it shows something else than the others at its place")
    if found.explained < options.all:
        return FrameVerdict(name, "doubtful", f"the others show only {found.explained:.0%} of it")
    if found.off_px > options.off_px:
        return FrameVerdict(name, "doubtful", f"the others would move it by {found.off_px:.1f} px")
    return FrameVerdict(name, "registered", f"it agrees with the others to {found.off_px:.2f} px")
