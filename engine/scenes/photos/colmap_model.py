"""Cameras of photos computed by COLMAP's pipeline, once, and kept in the user's cache."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from engine.scenes.photos.cache import compute_fingerprint, find_or_fill
from engine.scenes.photos.mask_copies import write_masks
from engine.scenes.photos.photo_set import PhotoSet, write_copies
from engine.scenes.progress import ProgressListener
from engine.sfm.model import SfmModel, read_sfm_model
from engine.sfm.options import SfmOptions
from engine.sfm.pipeline import MODEL, run_sfm

LONGER_SIDE = 1600  # pixels; photos are shrunk to it for features, which is exact enough for initial poses
EXHAUSTIVE_PHOTOS = 80  # up to so many photos, all pairs are matched
MATCHING_WINDOW = 12  # of more photos, each is matched with so many after it
NAMES_FILE = "names.json"


Masks = Sequence[Bool[np.ndarray, "height width"]]


def find_colmap_model(
    photos: PhotoSet, maximum_pixels: int, watch: ProgressListener, masks: Masks | None = None
) -> SfmModel:
    """COLMAP's cameras of the photos, from the cache or by running the pipeline.

    Args:
        photos: the photos, in order. Of several cameras, COLMAP finds out by EXIF and size which took which.
        maximum_pixels: largest image that is decoded.
        watch: receives progress and events, if the pipeline has to run.
        masks: of the photos, at any size, True where features are wanted; None for all of them.
    Returns:
        the model; its poses are numbered like the photos.
    Raises:
        UserError: COLMAP cannot register the photos, or the cache cannot be written.
    """
    one_camera = len(set(photos.camera_of)) == 1 and len(set(photos.sizes)) == 1
    prior = photos.cameras[photos.camera_of[0]].prior
    options = SfmOptions(
        one_camera=one_camera,
        focal=prior.focal if one_camera and prior.nominal else None,
        longer_side=LONGER_SIDE,
        window=choose_matching_window(len(photos.photos)),
        mesh=False,
    )

    def fill(folder: Path) -> None:
        with tempfile.TemporaryDirectory() as copies:
            names = write_copies(photos, Path(copies), maximum_pixels, watch)
            with tempfile.TemporaryDirectory() as hiding:
                if masks is not None:
                    write_masks(masks, names, photos.sizes, Path(hiding))
                chosen = replace(options, masks=None if masks is None else Path(hiding))
                for event in run_sfm(Path(copies), names, folder, chosen):
                    watch(event)
        (folder / NAMES_FILE).write_text(json.dumps(names), encoding="utf-8")

    turns = tuple(photo.half_turn for photo in photos.photos)
    key = _make_key([photo.path for photo in photos.photos], photos.sizes, turns, masks)
    folder = find_or_fill("sfm", key, fill)
    try:
        names = json.loads((folder / NAMES_FILE).read_text(encoding="utf-8"))
        return read_sfm_model(folder / MODEL, names)
    except Exception:  # a damaged cache can make readers raise anything; deleted here, it is made again the next time
        shutil.rmtree(folder, ignore_errors=True)
        raise


def store_colmap_model(
    files: Sequence[Path],
    sizes: Sequence[tuple[int, int]],
    model: Path,
    names: Sequence[str],
    masks: Masks | None = None,
) -> None:
    """Stores a model that `run_sfm` made elsewhere in the cache, so that `find_colmap_model` finds it.

    Args:
        files: the photos, in order, as they were given to `run_sfm`.
        sizes: (width, height) of each, pixels.
        model: folder of COLMAP's files.
        names: names of the photos in the model, in the same order.
        masks: as for `find_colmap_model`.
    Raises:
        UserError: the cache cannot be written.
    """

    def fill(folder: Path) -> None:
        shutil.copytree(model, folder / MODEL)
        (folder / NAMES_FILE).write_text(json.dumps(list(names)), encoding="utf-8")

    find_or_fill("sfm", _make_key(files, sizes, (False,) * len(files), masks), fill)


def _make_key(
    files: Sequence[Path], sizes: Sequence[tuple[int, int]], turns: tuple[bool, ...], masks: Masks | None
) -> str:
    """Cache key. The initial focal length is no part of it, because it follows from the files."""
    options = SfmOptions(longer_side=LONGER_SIDE, window=choose_matching_window(len(files)), mesh=False)
    if masks is None:
        return compute_fingerprint(files, tuple(sizes), turns, options)
    digest = hashlib.blake2b(digest_size=12)
    for mask in masks:
        digest.update(repr(mask.shape).encode() + np.packbits(mask).tobytes())
    return compute_fingerprint(files, tuple(sizes), turns, options, digest.hexdigest())


def choose_matching_window(photos: int) -> int | None:
    """With how many photos after it each photo is matched; None matches all pairs."""
    return None if photos <= EXHAUSTIVE_PHOTOS else MATCHING_WINDOW
