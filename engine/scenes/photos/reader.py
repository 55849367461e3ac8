"""A folder of photos, or a video, without camera poses -> `Scene`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from engine.errors import UserError
from engine.scenes.canvas import mark_pictures, stack_pictures
from engine.scenes.formats.masks import MaskFile
from engine.scenes.formats.resolution import Reduction, choose_factor, choose_reductions
from engine.scenes.options import SceneOptions
from engine.scenes.paths import is_video
from engine.scenes.photos.colmap_model import find_colmap_model
from engine.scenes.photos.colmap_poses import apply_colmap_model
from engine.scenes.photos.files import find_photo_folder, list_photos
from engine.scenes.photos.lenses import estimate_lenses, make_intrinsics
from engine.scenes.photos.masked_photos import add_masks, describe_mask_files, list_masks
from engine.scenes.photos.photo_set import (
    MINIMUM_PHOTOS,
    DecodedPhotos,
    PhotoSet,
    decode_photos,
    gather_photos,
    is_usable_as_stored,
)
from engine.scenes.photos.quick_poses import apply_reconstruction
from engine.scenes.photos.quick_start import (
    QuickStart,
    convert_tracks,
    finish_quick_start,
    prepare_quick_start,
    show_result,
)
from engine.scenes.photos.unusable_photos import are_panoramas, find_unusable
from engine.scenes.photos.upside_down import turn_upright
from engine.scenes.photos.video import extract_frames
from engine.scenes.progress import PhotosRead, ProgressListener
from engine.scenes.scene import LeftOut, Scene
from engine.scenes.world.average_camera import NEAREST_DEPTH
from engine.scenes.world.split import list_remaining, spread_evenly
from engine.sfm.lens import Lens
from engine.sfm.quick.lenses.own_lenses import PhotoLenses
from engine.sfm.quick.result import QuickReconstruction, select_photos

MINIMUM_POINTS = 20  # of the quick reconstruction; photos from one spot give a few that are chance
ONE_SPOT_SHARE = 0.9  # of the pairs that a homography explains, from which photos show no parallax
STILL_SHARE = 0.15  # of the matches, from which a part of the picture stands still
MINIMUM_REGISTERED_SHARE = 0.5  # of the photos; with fewer in the quick reconstruction it is not started from
PHOTO_ADVICE = (
    "take photos that overlap by two thirds, of something textured and sharp, from places some steps apart, "
    "or start from the identity nevertheless (--init identity)"
)


@dataclass(frozen=True)
class _CheckedPhotos:
    """Photos after unusable ones were left out, and the cameras that their matches give.

    Attributes:
        photos: the photos that become frames, upright.
        decoded: the same photos at the scene's resolution, and small copies.
        reductions: how the photos become the pictures of their frames.
        left_out, notes: as in `Scene`.
        found: quick reconstruction of the photos.
        lenses: of each camera, estimated from EXIF and the matches, in pixels of its photos.
    """

    photos: PhotoSet
    decoded: DecodedPhotos
    reductions: list[Reduction]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]
    found: QuickReconstruction
    lenses: tuple[Lens, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(photo.name for photo in self.photos.photos)

    @property
    def scales(self) -> Float[np.ndarray, "photos 2"]:
        """Pixels of the scene's images per pixel of each photo, across and down."""
        return np.array([reduction.scale for reduction in self.reductions])

    @property
    def enough_registered(self) -> bool:
        """Whether the quick reconstruction has enough of the photos to start from it."""
        count = int(self.found.registered.sum())
        enough_points = self.found.points_count >= MINIMUM_POINTS
        return enough_points and count >= max(MINIMUM_PHOTOS, MINIMUM_REGISTERED_SHARE * len(self.names))


def read_photos(source: Path, options: SceneOptions, watch: ProgressListener) -> Scene:
    """Reads photos without poses, or a video.

    There are no reference poses unless `options.reference` is `sfm` (COLMAP's). With `options.init` = `auto`
    registration starts from the quick reconstruction (`engine.sfm.quick`), or from the identity where that registers
    less than half of the photos.

    Args:
        source: a resolved folder with photos (in itself or in `images`), or a video file.
        options: how to read.
        watch: receives the progress.
    Raises:
        UserError: photos are too few, damaged, or do not overlap.
    """
    if options.init not in ("auto", "identity", "sfm"):
        raise UserError(f"{source} has no poses to start from; choose --init identity or sfm.")
    photos = _check_photos(source, options, watch)
    scene = _build_scene(source, photos, None if options.init == "sfm" else photos.found.own)
    if options.init == "auto" and photos.enough_registered:
        scene = apply_reconstruction(scene, photos.found, photos.scales, options.space)
    elif options.init == "auto":
        if photos.found.matches.still_part > STILL_SHARE:
            raise UserError(
                f"{source}: part of what the photos show stands still while another part moves, as where an object is "
                "turned before a camera on a tripod; mask what stands still (masks/, white where the object is)."
            )
        if photos.found.points_count < MINIMUM_POINTS and photos.found.matches.homography_share >= ONE_SPOT_SHARE:
            raise UserError(
                f"{source}: all photos seem to be taken from one spot, or by a camera that stands still; depth cannot "
                "be had from turning alone, so take them from places some steps apart."
            )
        note = (
            f"Matches register {photos.found.registered.sum()} of {len(photos.names)} photos, which is too few to "
            "start from: registration starts from the identity, which can only work if all cameras look the same way."
        )
        tracks = None if scene.tracks is None else replace(scene.tracks, unplaced=True)
        scene = replace(scene, notes=(*scene.notes, note), tracks=tracks)
    if options.init == "sfm" or options.reference == "sfm":
        model = find_colmap_model(photos.photos, options.maximum_pixels, watch, photos.decoded.masks)
        inliers = photos.found.matches.inliers
        initial, reference = options.init == "sfm", options.reference == "sfm"
        scene = apply_colmap_model(scene, model, inliers, initial, reference, options.space)
        if initial and photos.found.own is not None and scene.tracks is not None:  # COLMAP took one lens for all
            scene = replace(scene, tracks=replace(scene.tracks, uncertain_lenses=True))
    return scene


def _check_photos(source: Path, options: SceneOptions, watch: ProgressListener) -> _CheckedPhotos:
    """Lists, reads and matches the photos; those without matches are left out if `options.init` is `auto`."""
    folder, notes = source, tuple[str, ...]()
    if is_video(source):
        folder, note = extract_frames(source, options.frames, options.maximum_pixels, watch)
        notes = (note,)
    files = list_photos(find_photo_folder(folder) or folder)
    if not is_video(source) and options.frames is not None:
        files = _choose_evenly(files, options.frames)
    photos = gather_photos(files, source, options.maximum_pixels)
    factor = choose_factor([photo.path for photo in photos.photos], photos.sizes, options.downscale)
    reductions = choose_reductions(photos.sizes, factor)
    masks = list_masks(folder, photos, options.maximum_pixels)
    start = prepare_quick_start(photos, factor, *describe_mask_files(masks))
    try:
        return _match(source, photos, reductions, notes, start, masks, options, watch)
    finally:
        if start.workers is not None:
            start.workers.stop()


def _match(
    source: Path,
    photos: PhotoSet,
    reductions: list[Reduction],
    notes: tuple[str, ...],
    start: QuickStart,
    masks: Sequence[MaskFile],
    options: SceneOptions,
    watch: ProgressListener,
) -> _CheckedPhotos:
    decoded = decode_photos(photos, reductions, options.maximum_pixels, watch)
    if are_panoramas(decoded.images):
        raise UserError(
            f"{source}: the pictures seem to show all around (equirectangular, 360°); cut views of a usual camera "
            "out of them first, as ffmpeg's filter v360 does."
        )
    decoded, loaded = add_masks(decoded, reductions, masks, source, options.maximum_pixels)
    left_out, notes = photos.left_out, notes + photos.notes + loaded.notes
    bad = find_unusable(decoded.images) | dict(loaded.useless) | dict(decoded.damaged)
    reasons = {i: f"repeats {photos.photos[why].name}" if isinstance(why, int) else why for i, why in bad.items()}
    left_out += tuple(LeftOut(photos.photos[index].name, reason) for index, reason in sorted(reasons.items()))
    usable = [i for i in range(len(photos.photos)) if i not in bad]
    photos, decoded = _select(photos, decoded, usable, source)
    reductions = [reductions[index] for index in usable]
    _show_photos(photos, decoded, watch)

    found = finish_quick_start(start, photos, decoded, watch)
    connected = found.matches.connected
    if options.init == "auto" and connected.sum() < max(MINIMUM_PHOTOS, len(connected) / 2):
        raise UserError(
            f"{source}: {_count_connected(int(connected.sum()))} of {len(connected)} photos have anything in "
            f"common; {PHOTO_ADVICE}."
        )
    isolated = np.nonzero(~connected)[0].tolist() if options.init == "auto" else []
    if isolated:
        left_out += tuple(LeftOut(photos.photos[i].name, "has nothing in common with the others") for i in isolated)
        kept = np.nonzero(connected)[0]
        found = select_photos(found, kept)
        photos, decoded = _select(photos, decoded, kept.tolist(), source)
        reductions = [reductions[index] for index in kept.tolist()]
    photos, decoded, found, turned = turn_upright(photos, decoded, found)
    if isolated or turned:
        _show_photos(photos, decoded, watch)
        show_result(found, watch)
    lenses, said = estimate_lenses(photos, found, MINIMUM_REGISTERED_SHARE)
    if found.matches.marked:
        said += ("A mark at the same place of all photos (a watermark, a date) was left out of the matches.",)
    return _CheckedPhotos(photos, decoded, reductions, left_out, (*notes, *said, *turned), found, lenses)


def _show_photos(photos: PhotoSet, decoded: DecodedPhotos, watch: ProgressListener) -> None:
    watch(PhotosRead(tuple(photo.name for photo in photos.photos), decoded.images))


def _select(photos: PhotoSet, decoded: DecodedPhotos, kept: list[int], source: Path) -> tuple[PhotoSet, DecodedPhotos]:
    if len(kept) < MINIMUM_PHOTOS and is_video(source):
        raise UserError(
            f"{source}: {len(kept)} of {len(photos.photos)} frames differ from each other; the camera stands still, "
            "so film while you walk round what you want to see."
        )
    if len(kept) < MINIMUM_PHOTOS:
        raise UserError(
            f"{source}: {len(kept)} of {len(photos.photos)} photos are left after black, blank and repeated ones; "
            "give more."
        )
    return photos.select(kept), decoded.select(kept)


def _build_scene(source: Path, photos: _CheckedPhotos, own: PhotoLenses | None) -> Scene:
    """A forward-facing scene whose cameras all start at the identity; scene units as for LLFF's.

    Args:
        source: of the photos.
        photos: checked.
        own: lenses of the photos, where they do not share those of their cameras.
    """
    frames = len(photos.names)
    held_out = spread_evenly(frames)
    whole = all(is_usable_as_stored(photo, 2**62) for photo in photos.photos.photos)
    intrinsics = make_intrinsics(photos.photos, photos.reductions, photos.lenses, own)
    masks = None if photos.decoded.masks is None else torch.from_numpy(stack_pictures(photos.decoded.masks))
    if masks is None and intrinsics.sizes is not None:
        masks = mark_pictures(intrinsics.sizes, (intrinsics.width, intrinsics.height))
    return Scene(
        name=source.stem if is_video(source) else source.name,
        path=source,
        kind="forward-facing",
        names=photos.names,
        images=torch.from_numpy(stack_pictures(photos.decoded.images)),
        intrinsics=intrinsics,
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
        lens_covariance=torch.from_numpy(np.stack([lens.covariance for lens in photos.lenses])),
        files=tuple(photo.path for photo in photos.photos.photos) if whole else (),
        tracks=convert_tracks(photos.found, photos.scales, None),
        masks=masks,
    )


def _choose_evenly(files: list[Path], count: int) -> list[Path]:
    """At most `count` of the files, evenly spaced in order."""
    if count >= len(files):
        return files
    return [files[index] for index in np.linspace(0, len(files) - 1, count).round().astype(int)]


def _count_connected(count: int) -> str:
    """The size of the largest group in words: a group of one photo is none."""
    return "none" if count <= 1 else f"only {count}"
