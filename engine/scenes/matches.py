"""Tracks of scenes that bring their poses: their frames are matched once, and the tracks kept in the user's cache."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.errors import UserError
from engine.geometry.lens_models import LENGTHS
from engine.scenes.canvas import cut_picture, list_sizes
from engine.scenes.formats.camera_models import write_parameters
from engine.scenes.photos.cache import VERSION
from engine.scenes.photos.quick_start import convert_tracks, keep_reconstruction, read_kept
from engine.scenes.progress import PhotosRead, ProgressListener
from engine.scenes.scene import Scene
from engine.sfm.quick.copies import CameraPrior, PhotoCopies
from engine.sfm.quick.options import OPTIONS
from engine.sfm.quick.reconstruction import match_photos
from engine.sfm.quick.result import QuickReconstruction
from engine.sfm.quick.workers import Workers

KIND = "matches"
MAXIMUM_FEATURES = 800  # per frame: poses are given, so that fewer matches serve
logger = logging.getLogger(__name__)


def add_matches(scene: Scene, watch: ProgressListener) -> Scene:
    """The scene with tracks of its frames, at the resolution at which they are held; their points are unknown.

    On two cores it takes about 4 s for 20 frames and 12 s for 100, the first time. A scene that has tracks stays as it
    is, and so does one whose frames have nothing in common.

    Args:
        scene: whose frames are matched.
        watch: receives the frames, and the events of features and matches if they are not in the cache. Where it
            raises, matching ends.
    """
    if not lacks_matches(scene):
        return scene
    images, masks = _get_pixels(scene)
    key = _compute_key(scene, images, masks)
    found = read_kept(KIND, key)
    if found is None:
        watch(PhotosRead(scene.names, [scene.picture(frame).numpy() for frame in range(len(images))]))
        try:
            with Workers() as workers:
                matches = match_photos(_make_copies(scene, images, masks), workers, watch)
        except UserError as error:  # nothing depends on matches where poses are given
            logger.warning("The frames are not matched: %s", error)
            return scene
        unknown = np.full((len(images), 3, 4), np.nan)
        found = QuickReconstruction(matches, unknown, (), np.nan)
        keep_reconstruction(KIND, key, found)
    return _take_tracks(scene, found)


def add_kept_matches(scene: Scene) -> Scene:
    """The scene with tracks, if they are in the cache; otherwise as it is."""
    if not lacks_matches(scene):
        return scene
    found = read_kept(KIND, _compute_key(scene, *_get_pixels(scene)))
    return scene if found is None else _take_tracks(scene, found)


def _take_tracks(scene: Scene, found: QuickReconstruction) -> Scene:
    """The scene with tracks, which were found at its resolution."""
    return replace(scene, tracks=convert_tracks(found, np.ones((len(scene.names), 2)), None))


def lacks_matches(scene: Scene) -> bool:
    """Whether its frames can be matched and were not."""
    return scene.tracks is None and scene.frames_read > 1


def _get_pixels(scene: Scene) -> tuple[NDArray[np.uint8], NDArray[np.bool_] | None]:
    """Images and masks of the frames that the scene was read with."""
    count = scene.frames_read
    return scene.images[:count].numpy(), None if scene.masks is None else scene.masks[:count].numpy()


def _make_copies(scene: Scene, images: NDArray[np.uint8], masks: NDArray[np.bool_] | None) -> PhotoCopies:
    """Grey copies of the frames' own pictures; frames of one focal length, lens and size share their camera."""
    sizes = list_sizes(scene.intrinsics)[: len(images)]
    pictures = [cut_picture(image, size) for image, size in zip(images, sizes, strict=True)]
    grey = [(picture @ np.array([0.299, 0.587, 0.114])).round().astype(np.uint8) for picture in pictures]
    focals = scene.intrinsics.focal[: len(images), 0].tolist()
    numbers: dict[CameraPrior, int] = {}
    camera_of = []
    for focal, lens, size in zip(focals, _list_lenses(scene), sizes, strict=False):
        prior = CameraPrior(size, round(focal, 2), True, lens)
        camera_of.append(numbers.setdefault(prior, len(numbers)))
    wanted = None if masks is None else [cut_picture(mask, size) for mask, size in zip(masks, sizes, strict=True)]
    return PhotoCopies(scene.path, scene.names, grey, list(numbers), camera_of, wanted, MAXIMUM_FEATURES)


def _list_lenses(scene: Scene) -> list[tuple[str, tuple[float, ...]] | None]:
    """The lens of each frame that differs too much from a pinhole for two-view geometry, as COLMAP has it."""
    intrinsics = scene.intrinsics
    if intrinsics.distortion.shape[-1] == LENGTHS[0]:  # weak by its nature: it is taken for a pinhole
        return [None] * intrinsics.frames
    found = []
    for focal, centre, row in zip(intrinsics.focal, intrinsics.centre, intrinsics.distortion, strict=True):
        written = write_parameters(focal.tolist(), centre.tolist(), row.tolist()) if bool(row.any()) else None
        found.append(None if written is None else (written[0], tuple(written[1])))
    return found


def _compute_key(scene: Scene, images: NDArray[np.uint8], masks: NDArray[np.bool_] | None) -> str:
    """Of the content of the frames, so that a moved or copied scene is found again, and of lenses that count."""
    digest = hashlib.blake2b(repr((VERSION, images.shape, MAXIMUM_FEATURES, OPTIONS)).encode(), digest_size=12)
    digest.update(images.tobytes())
    if scene.intrinsics.sizes is not None:
        digest.update(repr(scene.intrinsics.sizes[: len(images)].tolist()).encode())
    if lenses := [lens for lens in _list_lenses(scene) if lens is not None]:
        digest.update(repr(lenses).encode())
    if masks is not None:
        digest.update(masks.tobytes())
    return digest.hexdigest()
