"""The lenses of photos without poses: by EXIF and by the matches, one for each camera."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from engine.geometry.intrinsics import Intrinsics
from engine.scenes.canvas import choose_canvas, stack_sizes
from engine.scenes.formats.resolution import Reduction
from engine.scenes.photos.exif import USUAL_EQUIVALENT
from engine.scenes.photos.photo_cameras import PhotoCamera
from engine.scenes.photos.photo_set import PhotoSet
from engine.sfm.lens import Lens, contradicts, make_prior_lens
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
    return tuple(lenses), tuple(notes)


def make_intrinsics(photos: PhotoSet, reductions: Sequence[Reduction], lenses: Sequence[Lens]) -> Intrinsics:
    """Intrinsics of the pictures of the frames.

    Args:
        photos: of the frames.
        reductions: how the photos become these pictures.
        lenses: of the cameras, in pixels of `PhotoCamera.size`.
    """
    focals, centres = [], []
    for number, reduction in zip(photos.camera_of, reductions, strict=True):
        (across, down), (width, height) = reduction.scale, reduction.stored
        focal = lenses[number].focal * max(width, height) / max(photos.cameras[number].size)
        focals.append([focal * across, focal * down])
        centres.append([width / 2 * across, height / 2 * down])
    sizes = [reduction.size for reduction in reductions]
    width, height = choose_canvas(sizes)
    radial = torch.tensor([lenses[number].radial for number in photos.camera_of], dtype=torch.float32)
    return Intrinsics(
        focal=torch.tensor(focals, dtype=torch.float32),
        centre=torch.tensor(centres, dtype=torch.float32),
        distortion=torch.nn.functional.pad(radial[:, None], (0, 3)),
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
