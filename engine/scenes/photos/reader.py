"""A folder of photos, or a video, without camera poses -> `Scene`."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8

from engine.errors import UserError
from engine.geometry.intrinsics import Intrinsics
from engine.scenes.formats.resolution import choose_factor
from engine.scenes.options import SceneOptions
from engine.scenes.paths import is_video
from engine.scenes.photos.colmap_model import find_colmap_model
from engine.scenes.photos.colmap_poses import apply_colmap_model
from engine.scenes.photos.exif import USUAL_EQUIVALENT, convert_focal_to_pixels
from engine.scenes.photos.files import find_photo_folder, list_photos
from engine.scenes.photos.photo_set import (
    MINIMUM_PHOTOS,
    Photo,
    PhotoSet,
    gather_photos,
    is_usable_as_stored,
    read_small_images,
)
from engine.scenes.photos.unusable_photos import find_unusable
from engine.scenes.photos.video import extract_frames
from engine.scenes.progress import PhotosRead, ProgressListener, ReadingProgress
from engine.scenes.scene import LeftOut, Scene
from engine.scenes.world.average_camera import NEAREST_DEPTH
from engine.scenes.world.split import list_remaining, take_last_tenth
from engine.sfm.lens import Lens, combine_lenses, make_prior_lens
from engine.sfm.overlap_check import OverlapCheck, check_overlap

UPSIDE_DOWN_TOLERANCE = math.radians(30)  # deviation from half a turn up to which a photo counts as upside down
MAXIMUM_UPSIDE_DOWN_SHARE = 0.34  # of the photos; if more are upside down the camera was turned on purpose
PHOTO_ADVICE = (
    "take photos that overlap by two thirds, of something textured and sharp, from places some steps apart, "
    "or start from the identity nevertheless (--init identity)"
)


@dataclass(frozen=True)
class _CheckedPhotos:
    """Photos after unusable ones were left out and the others checked for overlap.

    Attributes:
        photos: the photos that become frames, upright.
        images: the same photos at the scene's resolution, RGB.
        factor: by which `images` are smaller than `photos`.
        left_out, notes: as in `Scene`.
        overlap: result of the quick check of their matches.
        focal: pixels of the photos.
        nominal: whether `focal` comes from EXIF; else it is a guess.
        lens: estimated from EXIF and the matches, in pixels of `images`.
    """

    photos: PhotoSet
    images: UInt8[np.ndarray, "frames height width 3"]
    factor: int
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]
    overlap: OverlapCheck
    focal: float
    nominal: bool
    lens: Lens

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(photo.name for photo in self.photos.photos)


def read_photos(source: Path, options: SceneOptions, watch: ProgressListener) -> Scene:
    """Reads photos without poses, or a video.

    There are no reference poses unless `options.reference` is `sfm` (COLMAP's). With `options.init` = `auto`
    registration starts from the identity where photos far apart in order still overlap, else from COLMAP's poses.

    Args:
        source: a resolved folder with photos (in itself or in `images`), or a video file.
        options: how to read.
        watch: receives the progress.
    Raises:
        UserError: photos are too few, damaged, or do not overlap.
    """
    photos = _check_photos(source, options, watch)
    watch(PhotosRead(photos.names, photos.images))
    init, notes = options.init, photos.notes
    if init == "auto":
        share = f"{100 * photos.overlap.overlap:.0f} % of the pairs looked at overlap"
        if photos.overlap.same_direction:
            init = "identity"
            notes += (f"The photos all look the same way ({share}): registration starts from the identity.",)
        else:
            init = "sfm"
            notes += (f"The photos go round or past something ({share}): registration starts from COLMAP's poses.",)
    if init not in ("identity", "sfm"):
        raise UserError(f"{source} has no poses to start from; choose --init identity or sfm.")
    photos = replace(photos, notes=notes)
    scene = _build_scene(source, photos)
    if init == "sfm" or options.reference == "sfm":
        model = find_colmap_model(
            photos.photos, photos.focal if photos.nominal else None, options.maximum_pixels, watch
        )
        scene = apply_colmap_model(scene, model, photos.overlap, init == "sfm", options.reference == "sfm")
    return scene


def _check_photos(source: Path, options: SceneOptions, watch: ProgressListener) -> _CheckedPhotos:
    """Lists, reads and checks the photos; photos without overlap are left out if `options.init` is `auto`."""
    folder, notes = source, tuple[str, ...]()
    if is_video(source):
        folder, note = extract_frames(source, options.frames, options.maximum_pixels, watch)
        notes = (note,)
    files = list_photos(find_photo_folder(folder) or folder)
    if not is_video(source) and options.frames is not None:
        files = _choose_evenly(files, options.frames)
    photos = gather_photos(files, source, options.maximum_pixels)
    factor = choose_factor([photos.photos[0].path], *photos.size, options.downscale)
    images = read_small_images(photos, factor, options.maximum_pixels, watch)
    left_out, notes = photos.left_out, notes + photos.notes

    bad = find_unusable(images)
    reasons = {i: f"repeats {photos.photos[why].name}" if isinstance(why, int) else why for i, why in bad.items()}
    left_out += tuple(LeftOut(photos.photos[index].name, reason) for index, reason in sorted(reasons.items()))
    photos, images = _select(photos, images, [i for i in range(len(images)) if i not in bad], source)

    watch(PhotosRead(tuple(photo.name for photo in photos.photos), images))

    focal, nominal, note = _find_focal(photos)
    overlap = check_overlap(
        images, focal / factor, lambda done, of: watch(ReadingProgress("a quick look at the matches", done, of))
    )
    connected = overlap.connected
    if options.init == "auto" and connected.sum() < max(MINIMUM_PHOTOS, len(images) / 2):
        raise UserError(
            f"{source}: only {_count_connected(int(connected.sum()))} of {len(images)} photos have anything in "
            f"common; {PHOTO_ADVICE}."
        )
    if options.init == "auto":
        isolated = np.nonzero(~connected)[0].tolist()
        left_out += tuple(LeftOut(photos.photos[i].name, "has nothing in common with the others") for i in isolated)
        kept = np.nonzero(connected)[0]
        overlap = overlap.select(kept)
        photos, images = _select(photos, images, kept.tolist(), source)
    photos, images, turned = _turn_upright(photos, images, overlap)
    lens = make_prior_lens(focal / factor, nominal)
    if overlap.lens is not None:
        lens = combine_lenses(lens, overlap.lens)
        note += f" By the matches it is {lens.focal * factor:.0f} pixels, within {100 * lens.focal_deviation:.1g} %."
    notes = (*notes, note, *turned)
    return _CheckedPhotos(photos, images, factor, left_out, notes, overlap, focal, nominal, lens)


def _select(
    photos: PhotoSet, images: UInt8[np.ndarray, "frames height width 3"], kept: list[int], source: Path
) -> tuple[PhotoSet, UInt8[np.ndarray, "kept height width 3"]]:
    if len(kept) < MINIMUM_PHOTOS:
        raise UserError(
            f"{source}: {len(kept)} of {len(images)} photos are left after black, blank and repeated ones; give more."
        )
    return photos.select(kept), images[kept]


def _find_focal(photos: PhotoSet) -> tuple[float, bool, str]:
    """Focal length in pixels of the photos, whether it comes from EXIF, and a sentence for the user.

    EXIF is used if more than half of the photos have a focal length: their median.
    """
    written = [photo.facts.equivalent for photo in photos.photos if photo.facts.equivalent is not None]
    if len(written) * 2 > len(photos.photos):
        equivalent = float(np.median(written))
        focal = convert_focal_to_pixels(equivalent, *photos.size)
        return (
            focal,
            True,
            f"Focal length {focal:.0f} pixels, by EXIF ({equivalent:.3g} mm equivalent), then optimised.",
        )
    focal = convert_focal_to_pixels(USUAL_EQUIVALENT, *photos.size)
    note = (
        f"The photos tell no focal length: {focal:.0f} pixels ({USUAL_EQUIVALENT:g} mm equivalent) are taken to begin "
        "with, then optimised."
    )
    return focal, False, note


def _turn_upright(
    photos: PhotoSet, images: UInt8[np.ndarray, "frames height width 3"], overlap: OverlapCheck
) -> tuple[PhotoSet, UInt8[np.ndarray, "frames height width 3"], tuple[str, ...]]:
    """Turns photos by half a turn that are upside down while most others are not; a sentence names them."""
    over = np.nonzero(np.abs(np.abs(overlap.turned) - math.pi) < UPSIDE_DOWN_TOLERANCE)[0].tolist()
    if not over or not overlap.same_direction or len(over) > MAXIMUM_UPSIDE_DOWN_SHARE * len(images):
        return photos, images, ()
    images = images.copy()
    turned: list[Photo] = list(photos.photos)
    for index in over:
        images[index] = images[index, ::-1, ::-1]
        turned[index] = replace(turned[index], half_turn=True)
    names = ", ".join(photos.photos[index].name for index in over)
    note = f"Upside down among the others, and turned for the run: {names}."
    return replace(photos, photos=tuple(turned)), images, (note,)


def _build_scene(source: Path, photos: _CheckedPhotos) -> Scene:
    """A forward-facing scene whose cameras all start at the identity; scene units as for LLFF's."""
    frames, height, width = photos.images.shape[:3]
    held_out = take_last_tenth(frames)
    whole = all(is_usable_as_stored(photo, photos.photos.size, 2**62) for photo in photos.photos.photos)
    return Scene(
        name=source.stem if is_video(source) else source.name,
        path=source,
        kind="forward-facing",
        names=photos.names,
        images=torch.from_numpy(photos.images),
        intrinsics=Intrinsics(
            focal=torch.full((frames, 2), photos.lens.focal),
            centre=torch.tensor(photos.photos.size).div(2 * photos.factor).expand(frames, 2).clone(),
            distortion=torch.tensor([photos.lens.radial, 0.0, 0.0, 0.0]).expand(frames, 4).clone(),
            width=width,
            height=height,
        ),
        initial_poses=torch.eye(3, 4).repeat(frames, 1, 1),
        reference_poses=None,
        training_frames=list_remaining(frames, held_out),
        held_out_frames=held_out,
        near=1 / NEAREST_DEPTH,
        far=math.inf,
        background=None,
        left_out=photos.left_out,
        notes=photos.notes,
        focal_known=False,
        lens_covariance=torch.from_numpy(photos.lens.covariance),
        files=tuple(photo.path for photo in photos.photos.photos) if whole else (),
    )


def _choose_evenly(files: list[Path], count: int) -> list[Path]:
    """At most `count` of the files, evenly spaced in order."""
    if count >= len(files):
        return files
    return [files[index] for index in np.linspace(0, len(files) - 1, count).round().astype(int)]


def _count_connected(count: int) -> str:
    """The size of the largest group as a word: a group of one photo is none."""
    return "none" if count <= 1 else str(count)
