"""The lenses of photos without poses: by EXIF and by the matches, one for each camera."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from engine.geometry.intrinsics import Intrinsics
from engine.scenes.canvas import choose_canvas, stack_sizes
from engine.scenes.formats.resolution import Reduction
from engine.scenes.photos.exif import USUAL_EQUIVALENT
from engine.scenes.photos.photo_cameras import PhotoCamera
from engine.scenes.photos.photo_set import PhotoSet
from engine.sfm.lens import Lens, contradicts, make_prior_lens
from engine.sfm.quick.lenses.own_lenses import PhotoLenses
from engine.sfm.quick.result import QuickReconstruction

MOST_SAID = 3  # cameras that have a sentence of their own


def estimate_lenses(
    photos: PhotoSet, found: QuickReconstruction, least_share: float
) -> tuple[tuple[Lens, ...], tuple[str, ...]]:
    """The lens of each camera in pixels of its photos, and sentences for the user.

    Args:
        photos: of the reconstruction.
        found: by the matches.
        least_share: of the photos that must be registered for the matches to be believed.
    """
    believed = found.registered.sum() >= least_share * len(photos.photos)
    lenses, notes = [], []
    for number, camera in enumerate(photos.cameras):
        prior, known = camera.prior, found.lenses[number] if number < len(found.lenses) else None
        lens, note = make_prior_lens(prior.focal, prior.nominal), _describe_prior(camera)
        if known is not None and believed:
            lens = known
            if prior.nominal and contradicts(make_prior_lens(prior.focal, True), known):
                note = f"EXIF gives a focal length of {prior.focal:.0f} pixels, but the matches rule it out."
            note += f" By the matches it is {known.focal:.0f} pixels, within {100 * known.focal_deviation:.1g} %."
        lenses.append(lens)
        if number in photos.camera_of:
            notes.append(note)
    if len(notes) > 1:
        cameras = [number for number in range(len(photos.cameras)) if number in photos.camera_of]
        named = [photos.photos[photos.camera_of.index(number)].name for number in cameras]
        notes = [f"{name} and photos like it: {note}" for name, note in zip(named, notes, strict=True)][:MOST_SAID]
    if found.own is not None and believed:
        notes.append(_describe_own(found.own, photos))
    return tuple(lenses), tuple(notes)


def _describe_own(own: PhotoLenses, photos: PhotoSet) -> str:
    """That photos do not share the lens of their camera."""
    if not own.certain:
        return "The photos do not share a lens, as where they were cropped, but matches do not tell each one's."
    sizes = np.array(photos.sizes)
    off = np.linalg.norm(own.centre - sizes / 2, axis=1) / sizes.max(axis=1)
    focal = own.focal / sizes.max(axis=1)
    parts = []
    if own.cropped:
        parts.append(f"principal points are up to {np.nanmax(off):.0%} of the longer side off their middle")
    if own.zoomed:
        parts.append(f"focal lengths differ by a factor of {np.nanmax(focal) / np.nanmin(focal):.2f}")
    return (
        f"The photos do not share a lens, as where they were cropped or zoomed: {' and '.join(parts)}. "
        "Each has its own, by the matches."
    )


def make_intrinsics(
    photos: PhotoSet, reductions: Sequence[Reduction], lenses: Sequence[Lens], own: PhotoLenses | None = None
) -> Intrinsics:
    """Intrinsics of the pictures of the frames.

    Args:
        photos: of the frames.
        reductions: how the photos become these pictures.
        lenses: of the cameras, in pixels of `PhotoCamera.size`.
        own: lenses of the photos, in pixels of these, where they have their own.
    """
    focals, centres, radials = list[list[float]](), list[list[float]](), list[float]()
    for photo, (number, reduction) in enumerate(zip(photos.camera_of, reductions, strict=True)):
        (across, down), (width, height) = reduction.scale, reduction.stored
        focal = lenses[number].focal * max(width, height) / max(photos.cameras[number].size)
        radial, x, y = lenses[number].radial, width / 2, height / 2
        if own is not None and np.isfinite(own.focal[photo]):
            focal, radial = float(own.focal[photo]), float(own.radial[photo])
            x, y = own.centre[photo].tolist()
        focals.append([focal * across, focal * down])
        centres.append([x * across, y * down])
        radials.append(radial)
    sizes = [reduction.size for reduction in reductions]
    width, height = choose_canvas(sizes)
    distortion = torch.tensor(radials, dtype=torch.float32)[:, None]
    return Intrinsics(
        focal=torch.tensor(focals, dtype=torch.float32),
        centre=torch.tensor(centres, dtype=torch.float32),
        distortion=torch.nn.functional.pad(distortion, (0, 3)),
        width=width,
        height=height,
        sizes=stack_sizes(sizes),
        cameras=torch.tensor(photos.camera_of) if len(photos.cameras) > 1 else None,
    )


def _describe_prior(camera: PhotoCamera) -> str:
    focal = camera.prior.focal
    if camera.equivalent is None:
        return (
            f"The photos tell no focal length: {focal:.0f} pixels ({USUAL_EQUIVALENT:g} mm equivalent) are taken to "
            "begin with, then optimised."
        )
    return f"Focal length {focal:.0f} pixels, by EXIF ({camera.equivalent:.3g} mm equivalent), then optimised."
