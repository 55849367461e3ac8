"""The quick reconstruction of photos without poses, kept in the user's cache, and its tracks."""

from __future__ import annotations

import logging
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from engine.errors import UserError
from engine.evidence.tracks import Tracks
from engine.scenes.photos.cache import choose_folder, compute_fingerprint, find_or_fill, report_full_disk
from engine.scenes.photos.photo_set import DecodedPhotos, PhotoSet
from engine.scenes.progress import ProgressListener
from engine.sfm.quick.copies import PhotoCopies
from engine.sfm.quick.model_event import make_model_event
from engine.sfm.quick.options import OPTIONS
from engine.sfm.quick.reconstruction import reconstruct_quickly
from engine.sfm.quick.result import MatchedPhotos, QuickReconstruction, read_reconstruction, write_reconstruction
from engine.sfm.quick.workers import Workers

KIND, FILE = "quick", "reconstruction.npz"
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class QuickStart:
    """A quick reconstruction that is in the cache, or the processes that will make it.

    The processes are started before the photos are decoded, and import what they need in the meantime.

    Attributes:
        key: in the cache.
        kept: from the cache; None if it has to be made.
        workers: processes; None if `kept` is there.
    """

    key: str
    kept: QuickReconstruction | None
    workers: Workers | None


def prepare_quick_start(photos: PhotoSet, *settings: object) -> QuickStart:
    """Looks into the cache, and starts the processes if it has nothing.

    Args:
        photos: all photos, also those that will turn out to be unusable.
        settings: what else the result depends on.
    """
    turns = tuple(photo.half_turn for photo in photos.photos)
    cameras = photos.cameras, photos.camera_of
    key = compute_fingerprint([photo.path for photo in photos.photos], cameras, turns, OPTIONS, *settings)
    kept = read_kept(KIND, key)
    return QuickStart(key, kept, Workers() if kept is None else None)


def finish_quick_start(
    start: QuickStart, photos: PhotoSet, decoded: DecodedPhotos, watch: ProgressListener
) -> QuickReconstruction:
    """The reconstruction of the usable photos; it is kept in the cache, where that can be written.

    Args:
        start: of all photos.
        photos, decoded: the usable ones.
        watch: receives the events of the reconstruction; only the result where it comes from the cache.
    Raises:
        UserError: the folder of temporary files cannot be written.
    """
    found = start.kept
    if found is None:
        assert start.workers is not None
        names = tuple(photo.name for photo in photos.photos)
        copies = PhotoCopies(
            photos.photos[0].path.parent,
            names,
            decoded.copies,
            [camera.prior for camera in photos.cameras],
            photos.camera_of,
            decoded.copy_masks(),
            sizes=photos.sizes,
        )
        with report_full_disk():
            found = reconstruct_quickly(copies, start.workers, watch)
        keep_reconstruction(KIND, start.key, found)
    else:
        show_result(found, watch)
    return found


def show_result(found: QuickReconstruction, watch: ProgressListener) -> None:
    """Sends the event of a result, if photos were registered."""
    if found.registered.any():
        points = found.matches.tracks.points
        lens = next((lens for lens in found.lenses if lens is not None), None)
        focal = np.nan if lens is None else lens.focal
        watch(make_model_event(found.poses, points[np.isfinite(points).all(axis=1)], found.error, focal))


def read_kept(kind: str, key: str) -> QuickReconstruction | None:
    """A result from the cache; None if it is not there, or damaged."""
    try:
        return read_reconstruction(choose_folder(kind, key) / FILE)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None


def keep_reconstruction(kind: str, key: str, found: QuickReconstruction) -> None:
    """Writes a result into the cache; a warning says if it cannot be written."""
    folder = choose_folder(kind, key)
    if folder.is_dir():  # damaged, or it would have been used
        shutil.rmtree(folder, ignore_errors=True)

    def fill(folder: Path) -> None:
        write_reconstruction(found, folder / FILE)

    try:
        find_or_fill(kind, key, fill)
    except UserError as error:  # nothing is lost: it is computed again the next time
        logger.warning("The matches are not kept for the next start: %s", error)


def convert_tracks(
    found: QuickReconstruction, scales: Float[np.ndarray, "photos 2"], points: Float[np.ndarray, "tracks 3"] | None
) -> Tracks | None:
    """The tracks as part of a scene; None if there are none.

    Args:
        found: numbered like the scene's frames.
        scales: pixels of the scene's images per pixel of each photo, across and down.
        points: of the tracks, in the world of the scene's initial poses; None if they are unknown there.
    """
    tracks = found.matches.tracks
    if not len(tracks.photo):
        return None
    unknown: Float[Tensor, "tracks 3"] = torch.full((len(tracks.points), 3), torch.nan)
    return Tracks(
        frame=torch.from_numpy(tracks.photo),
        track=torch.from_numpy(tracks.track),
        pixels=torch.from_numpy(tracks.pixels * scales[tracks.photo]).float(),
        points=unknown if points is None else torch.from_numpy(points).float(),
        contradicted=_share_contradicted(found.matches),
        still_part=found.matches.still_part,
        repeated=found.matches.repeated,
        opposed=float(found.matches.opposed.mean()),
        uncertain_lenses=found.own is not None and not found.own.certain,
    )


def _share_contradicted(matches: MatchedPhotos) -> Float[Tensor, " photos"] | None:
    """Of each photo's verified matches, those that the cameras of the model contradict."""
    if matches.contradicted is None:
        return None
    return torch.from_numpy(matches.contradicted.sum(axis=1) / np.maximum(matches.inliers.sum(axis=1), 1)).float()
