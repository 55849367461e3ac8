"""Cameras of photos by COLMAP's pipeline, made once and kept in the cache."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from engine.scenes.photos.cache import compute_fingerprint, find_or_fill
from engine.scenes.photos.photo_set import PhotoSet, write_copies
from engine.scenes.progress import ProgressListener
from engine.sfm.model import SfmModel, read_sfm_model
from engine.sfm.pipeline import MODEL, SfmOptions, run_sfm

LONGER_SIDE = 1600  # pixels of the photos in which features are looked for; enough for poses to start from
ALL_PAIRS = 80  # of more photos each is matched with those that follow it
WINDOW = 12
NAMES_FILE = "names.json"


def find_colmap_model(shots: PhotoSet, focal: float | None, maximum_pixels: int, watch: ProgressListener) -> SfmModel:
    """COLMAP's cameras of the photos.

    Args:
        shots: the photos.
        focal: in pixels of the photos, where EXIF tells it; None lets COLMAP guess.
        maximum_pixels: largest image that is decoded.
        watch: is told what happens, if the pipeline has to run.
    Raises:
        UserError: COLMAP cannot make anything of the photos.
    """
    options = SfmOptions(
        focal=focal, longer_side=LONGER_SIDE, window=choose_matching_window(len(shots.shots)), mesh=False
    )

    def fill(folder: Path) -> None:
        with tempfile.TemporaryDirectory() as copies:
            names = write_copies(shots, Path(copies), maximum_pixels, watch)
            for event in run_sfm(Path(copies), names, folder, options):
                watch(event)
        (folder / NAMES_FILE).write_text(json.dumps(names), encoding="utf-8")

    turns = tuple(shot.half_turn for shot in shots.shots)
    folder = find_or_fill("sfm", _key([shot.path for shot in shots.shots], shots.size, turns), fill)
    try:
        names = json.loads((folder / NAMES_FILE).read_text(encoding="utf-8"))
        return read_sfm_model(folder / MODEL, names)
    except Exception:  # whatever a damaged cache makes its readers raise: the next time it is made anew
        shutil.rmtree(folder, ignore_errors=True)
        raise


def store_colmap_model(files: Sequence[Path], size: tuple[int, int], model: Path, names: Sequence[str]) -> None:
    """Has `structure_of` find a model that `run_sfm` has made of photos as they are stored.

    Args:
        files: the photos, in order.
        size: of all of them, pixels.
        model: folder of COLMAP's files.
        names: of the photos in the model.
    Raises:
        UserError: the cache cannot be written.
    """

    def fill(folder: Path) -> None:
        shutil.copytree(model, folder / MODEL)
        (folder / NAMES_FILE).write_text(json.dumps(list(names)), encoding="utf-8")

    find_or_fill("sfm", _key(files, size, (False,) * len(files)), fill)


def _key(files: Sequence[Path], size: tuple[int, int], turns: tuple[bool, ...]) -> str:
    """Without the focal length that the pipeline begins with: the files tell it, or nobody does."""
    options = SfmOptions(longer_side=LONGER_SIDE, window=choose_matching_window(len(files)), mesh=False)
    return compute_fingerprint(files, size, turns, options)


def choose_matching_window(photos: int) -> int | None:
    """With how many photos after it each is matched; None for all."""
    return None if photos <= ALL_PAIRS else WINDOW
