"""`l2g-sfm`: COLMAP's pipeline on a folder of photos; the model is written completely or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from engine.cli.arguments import SfmArguments
from engine.cli.preparation_display import PreparationDisplay
from engine.errors import UserError
from engine.scenes.formats.images import MOST_PIXELS
from engine.scenes.paths import describe_unread_files, is_video, resolve_scene_path, suggest_name
from engine.scenes.photos.colmap_model import choose_matching_window
from engine.scenes.photos.files import find_photo_folder, list_photos
from engine.scenes.photos.photo_set import PhotoSet, gather_photos, is_usable_as_stored, write_copies
from engine.scenes.photos.video import extract_frames
from engine.scenes.progress import ProgressListener
from engine.sfm.events import Finished
from engine.sfm.options import SfmOptions
from engine.sfm.pipeline import DATABASE, MESH, MODEL, run_sfm
from engine.system.files import explain_write_failure

IMAGES = "images"
PARTS = (DATABASE, "sparse", MESH, IMAGES)


@dataclass(frozen=True)
class _PhotoNames:
    """The folder in which COLMAP finds the photos, and their names in it."""

    folder: Path
    names: tuple[str, ...]
    copied: bool


def register_photos(arguments: SfmArguments) -> int:
    """Runs the pipeline and writes the model; returns the exit code.

    Raises:
        UserError: a wrong argument, photos that cannot be read, or an output that cannot be written.
    """
    _check(arguments)
    source, output = resolve_scene_path(arguments.photos), arguments.output.expanduser().absolute()
    console = Console(highlight=False)
    try:
        output.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".l2g-sfm.", dir=output))
    except OSError as error:
        raise UserError(explain_write_failure(output, error)) from error
    try:
        with PreparationDisplay(console) as display:
            found = _find_photos(source, arguments, display)
            stored = _store_photos(found, source, output, work, display)
            options = SfmOptions(
                one_camera=len(set(found.camera_of)) == 1 and len(set(found.sizes)) == 1,
                longer_side=arguments.longer_side,
                window=arguments.window or choose_matching_window(len(stored.names)),
                mesh=arguments.mesh,
            )
            for event in run_sfm(stored.folder, stored.names, work, options):
                display(event)
                if isinstance(event, Finished):
                    missing = [stored.names[number] for number in event.unregistered]
        _move(work, output)
    except OSError as error:
        raise UserError(explain_write_failure(output, error)) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for photo in found.left_out:
        console.print(f"Left out: {photo.name} ({photo.reason}).", soft_wrap=True, markup=False)
    for name in missing:
        console.print(f"Not registered: {name}.", soft_wrap=True, markup=False)
    console.print(f"{output / MODEL} holds the model; l2g-train {arguments.output} continues from it.", soft_wrap=True)
    return 0


def _check(arguments: SfmArguments) -> None:
    """Raises `UserError` for a wrong argument."""
    at_least = (("frames", arguments.frames, 3), ("longer_side", arguments.longer_side, 64))
    for name, value, least in (*at_least, ("window", arguments.window, 1)):
        if value is not None and value < least:
            raise UserError(f"--{name.replace('_', '-')} is {value}; give {least} or more.")
    if arguments.output.is_file():
        raise UserError(f"--output {arguments.output} is a file; give a folder.")
    there = [part for part in PARTS if part != IMAGES and (arguments.output / part).exists()]
    if there and not arguments.force:
        raise UserError(
            f"{arguments.output} holds {there[0]} already; replace it with --force, or give another --output."
        )


def _find_photos(source: Path, arguments: SfmArguments, watch: ProgressListener) -> PhotoSet:
    folder = (
        extract_frames(source, arguments.frames, MOST_PIXELS, watch)[0]
        if is_video(source)
        else find_photo_folder(source)
    )
    if folder is None:
        if (unread := describe_unread_files(source)) is not None:
            raise UserError(unread)
        siblings = [entry.name for entry in source.iterdir() if entry.is_dir()]
        hint = suggest_name("images", siblings)
        raise UserError(f"{source} has no photos (JPEG, PNG, HEIC, ...); give the folder that holds them{hint}.")
    files = list_photos(folder)
    if arguments.frames is not None and len(files) > arguments.frames:
        step = (len(files) - 1) / (arguments.frames - 1)
        files = [files[round(index * step)] for index in range(arguments.frames)]
    return gather_photos(files, source, MOST_PIXELS)


def _store_photos(shots: PhotoSet, source: Path, output: Path, work: Path, watch: ProgressListener) -> _PhotoNames:
    """The photos in their own folder, if the model can refer to them there; else upright copies beside the model."""
    parent = shots.photos[0].path.parent
    beside = not is_video(source) and parent in (output, output / IMAGES)
    if beside and all(is_usable_as_stored(shot, MOST_PIXELS) for shot in shots.photos):
        return _PhotoNames(parent, tuple(shot.name for shot in shots.photos), copied=False)
    if parent == output / IMAGES:
        raise UserError(
            f"{parent} holds photos that COLMAP cannot read as they are (turned by EXIF, or HEIC); "
            "give another --output, which gets upright copies of them."
        )
    return _PhotoNames(work / IMAGES, write_copies(shots, work / IMAGES, MOST_PIXELS, watch), copied=True)


def _move(work: Path, output: Path) -> None:
    """Moves the finished files to their places; earlier ones are removed only now."""
    for part in PARTS:
        made, place = work / part, output / part
        if not made.exists() and part == IMAGES:
            continue
        old = work / f"old-{part}"
        if place.exists():
            os.replace(place, old)
        if made.exists():
            os.replace(made, place)
