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
    FEWEST,
    Photo,
    PhotoSet,
    gather_photos,
    is_usable_as_stored,
    read_small_images,
)
from engine.scenes.photos.unusable_photos import find_unusable
from engine.scenes.photos.video import extract_frames
from engine.scenes.progress import ProgressListener, ReadingProgress
from engine.scenes.scene import LeftOut, Scene
from engine.scenes.world.average_camera import NEAREST_DEPTH
from engine.scenes.world.split import list_remaining, take_last_tenth
from engine.sfm.lens import Lens, combine_lenses, make_prior_lens
from engine.sfm.overlap_check import OverlapCheck, check_overlap

UPSIDE_DOWN = math.radians(30)  # how far from half a turn a photo may be to be taken for upside down
FEW = 0.34  # share of the photos that may be upside down; where it is more the camera was turned on purpose
ADVICE = (
    "take photos that overlap by two thirds, of something textured and sharp, from places some steps apart, "
    "or start from the identity all the same (--init identity)"
)


@dataclass(frozen=True)
class _Photos:
    """Photos after screening.

    Attributes:
        shots: that are frames, upright.
        images: of them, small.
        factor: between the two.
        left_out, notes: as in `Scene`.
        seen: what a quick look at their matches found.
        focal: in pixels of the photos; `nominal` where it comes from EXIF, a guess else.
        lens: what is known of it from there and from the matches, in pixels of `images`.
    """

    shots: PhotoSet
    images: UInt8[np.ndarray, "frames height width 3"]
    factor: int
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]
    seen: OverlapCheck
    focal: float
    nominal: bool
    lens: Lens

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(shot.name for shot in self.shots.shots)


def read_photos(source: Path, options: SceneOptions, watch: ProgressListener) -> Scene:
    """Read a resolved folder that holds photos (itself, or in `images`), or a video file.

    There are no reference poses unless `options.reference` asks for COLMAP's. `auto` starts at the identity where
    photos far apart in order still overlap, else at COLMAP's poses.

    Raises:
        UserError: too few photos, damaged ones, or photos that have nothing to do with each other.
    """
    photos = _screened(source, options, watch)
    init, notes = options.init, photos.notes
    if init == "auto":
        share = f"{100 * photos.seen.overlap:.0f} % of the pairs looked at overlap"
        if photos.seen.facing:
            init = "identity"
            notes += (f"The photos all look the same way ({share}): registration starts from the identity.",)
        else:
            init = "sfm"
            notes += (f"The photos go round or past something ({share}): registration starts from COLMAP's poses.",)
    if init not in ("identity", "sfm"):
        raise UserError(f"{source} has no poses to start from; choose --init identity or sfm.")
    photos = replace(photos, notes=notes)
    scene = _from_identity(source, photos)
    if init == "sfm" or options.reference == "sfm":
        model = find_colmap_model(
            photos.shots, photos.focal if photos.nominal else None, options.maximum_pixels, watch
        )
        scene = apply_colmap_model(scene, model, photos.seen, init == "sfm", options.reference == "sfm")
    return scene


def _screened(source: Path, options: SceneOptions, watch: ProgressListener) -> _Photos:
    folder, notes = source, tuple[str, ...]()
    if is_video(source):
        folder, note = extract_frames(source, options.frames, options.maximum_pixels, watch)
        notes = (note,)
    files = list_photos(find_photo_folder(folder) or folder)
    if not is_video(source) and options.frames is not None:
        files = _evenly(files, options.frames)
    shots = gather_photos(files, source, options.maximum_pixels)
    factor = choose_factor([shots.shots[0].path], *shots.size, options.downscale)
    images = read_small_images(shots, factor, options.maximum_pixels, watch)
    left_out, notes = shots.left_out, notes + shots.notes

    bad = find_unusable(images)
    reasons = {i: f"repeats {shots.shots[why].name}" if isinstance(why, int) else why for i, why in bad.items()}
    left_out += tuple(LeftOut(shots.shots[index].name, reason) for index, reason in sorted(reasons.items()))
    shots, images = _only(shots, images, [i for i in range(len(images)) if i not in bad], source)

    focal, nominal, note = _focal(shots)
    seen = check_overlap(
        images, focal / factor, lambda done, of: watch(ReadingProgress("a quick look at the matches", done, of))
    )
    joined = seen.joined
    if options.init == "auto" and joined.sum() < max(FEWEST, len(images) / 2):
        raise UserError(
            f"{source}: only {_most(int(joined.sum()))} of {len(images)} photos have anything in common; {ADVICE}."
        )
    if options.init == "auto":
        lonely = np.nonzero(~joined)[0].tolist()
        left_out += tuple(LeftOut(shots.shots[i].name, "has nothing in common with the others") for i in lonely)
        kept = np.nonzero(joined)[0]
        seen = seen.only(kept)
        shots, images = _only(shots, images, kept.tolist(), source)
    shots, images, turned = _upright(shots, images, seen)
    lens = make_prior_lens(focal / factor, nominal)
    if seen.lens is not None:
        lens = combine_lenses(lens, seen.lens)
        note += f" By the matches it is {lens.focal * factor:.0f} pixels, within {100 * lens.sure_of_focal:.1g} %."
    return _Photos(shots, images, factor, left_out, (*notes, note, *turned), seen, focal, nominal, lens)


def _only(
    shots: PhotoSet, images: UInt8[np.ndarray, "frames height width 3"], kept: list[int], source: Path
) -> tuple[PhotoSet, UInt8[np.ndarray, "kept height width 3"]]:
    if len(kept) < FEWEST:
        raise UserError(
            f"{source}: {len(kept)} of {len(images)} photos are left after black, blank and repeated ones; give more."
        )
    return shots.only(kept), images[kept]


def _focal(shots: PhotoSet) -> tuple[float, bool, str]:
    """Focal length in pixels, whether EXIF tells it, and a sentence."""
    written = [shot.facts.equivalent for shot in shots.shots if shot.facts.equivalent is not None]
    if len(written) * 2 > len(shots.shots):
        equivalent = float(np.median(written))
        focal = convert_focal_to_pixels(equivalent, *shots.size)
        return (
            focal,
            True,
            f"Focal length {focal:.0f} pixels, by EXIF ({equivalent:.3g} mm equivalent), then optimised.",
        )
    focal = convert_focal_to_pixels(USUAL_EQUIVALENT, *shots.size)
    note = (
        f"The photos tell no focal length: {focal:.0f} pixels ({USUAL_EQUIVALENT:g} mm equivalent) are taken to begin "
        "with, then optimised."
    )
    return focal, False, note


def _upright(
    shots: PhotoSet, images: UInt8[np.ndarray, "frames height width 3"], seen: OverlapCheck
) -> tuple[PhotoSet, UInt8[np.ndarray, "frames height width 3"], tuple[str, ...]]:
    """Turns photos that stand on their head among others that do not."""
    over = np.nonzero(np.abs(np.abs(seen.turned) - math.pi) < UPSIDE_DOWN)[0].tolist()
    if not over or not seen.facing or len(over) > FEW * len(images):
        return shots, images, ()
    images = images.copy()
    turned: list[Photo] = list(shots.shots)
    for index in over:
        images[index] = images[index, ::-1, ::-1]
        turned[index] = replace(turned[index], half_turn=True)
    names = ", ".join(shots.shots[index].name for index in over)
    note = f"Upside down among the others, and turned for the run: {names}."
    return replace(shots, shots=tuple(turned)), images, (note,)


def _from_identity(source: Path, photos: _Photos) -> Scene:
    frames, height, width = photos.images.shape[:3]
    held_out = take_last_tenth(frames)
    whole = all(is_usable_as_stored(shot, photos.shots.size, 2**62) for shot in photos.shots.shots)
    return Scene(
        name=source.stem if is_video(source) else source.name,
        path=source,
        kind="forward-facing",
        names=photos.names,
        images=torch.from_numpy(photos.images),
        intrinsics=Intrinsics(
            focal=torch.full((frames, 2), photos.lens.focal),
            centre=torch.tensor(photos.shots.size).div(2 * photos.factor).expand(frames, 2).clone(),
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
        files=tuple(shot.path for shot in photos.shots.shots) if whole else (),
    )


def _evenly(files: list[Path], count: int) -> list[Path]:
    if count >= len(files):
        return files
    return [files[index] for index in np.linspace(0, len(files) - 1, count).round().astype(int)]


def _most(count: int) -> str:
    return "none" if count <= 1 else str(count)
