"""The photos beside exported cameras: copies of the files that the run has read, or its own resized images."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import torch
from PIL import Image

from engine.errors import UserError
from engine.export.cameras import ExportedCameras
from engine.export.progress import Progress
from engine.geometry.intrinsics import Intrinsics
from engine.scenes.canvas import list_sizes
from engine.scenes.formats.images import FORMATS, read_image_size
from engine.scenes.formats.resolution import Reduction, enlarge_intrinsics, find_reduction
from engine.scenes.paths import IMAGE_SUFFIXES
from engine.scenes.scene import Scene

FOLDER = "images"
_MOST_PIXELS = 400_000_000  # of a file; the run has read these files, so this only excludes damaged ones
_ORIENTATION, _UPRIGHT = 0x0112, 1  # EXIF


@dataclass(frozen=True)
class ExportedImages:
    """One image per exported camera.

    Attributes:
        names: paths below the folder of images, all different, with "/" between folders.
        intrinsics: of the exported images, pixels, with the sizes of the files.
        files: the files to copy; None if the images of the scene are written.
        masks: paths of their masks below the folder of masks, as COLMAP names them; none if all pixels count.
    """

    names: tuple[str, ...]
    intrinsics: Intrinsics
    files: tuple[Path, ...] | None
    masks: tuple[str, ...] = ()


def choose_images(scene: Scene, cameras: ExportedCameras, flat: bool = False) -> ExportedImages:
    """Chooses the images to export with the cameras.

    The files themselves, at full resolution, if all are upright and the images of the run are these files downsampled
    as all readers do it; else the images of the run, as PNG.

    Args:
        scene: of the run.
        cameras: of the frames that are exported.
        flat: names without folders whose alphabetical order is that of the frames.
    """
    files = tuple(scene.files[frame] for frame in cameras.frames) if scene.files else None
    intrinsics = cameras.intrinsics
    reductions = _find_reductions(files, intrinsics) if files is not None else None
    names = cameras.names
    if files is None or reductions is None:
        files = None
        short = [str(PurePosixPath(name).with_suffix(".png")) for name in names]
        names = tuple(short) if len(set(short)) == len(short) else tuple(f"{name}.png" for name in names)
    else:
        intrinsics = enlarge_intrinsics(intrinsics, reductions)
    if flat:
        plain = [name.replace("/", "_") for name in names]
        sortable = plain == sorted(plain) and len(set(plain)) == len(plain)
        names = tuple(plain) if sortable else tuple(f"{index:05d}_{name}" for index, name in enumerate(plain))
    masked = any(scene.mask(frame) is not None for frame in cameras.frames)
    masks = tuple(f"{name}.png" for name in names) if masked else ()  # nerfstudio wants one for each image, or none
    return ExportedImages(names, intrinsics, files, masks)


def write_images(
    scene: Scene, cameras: ExportedCameras, images: ExportedImages, folder: Path, progress: Progress
) -> None:
    """Writes all images below a folder.

    Raises:
        UserError: a file to copy does not exist any more.
        OSError: an image cannot be written.
    """
    for done, (frame, name) in enumerate(zip(cameras.frames, images.names, strict=True)):
        progress(done / len(images.names), "images")
        target = folder.joinpath(*PurePosixPath(name).parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        if images.files is None:
            Image.fromarray(scene.picture(frame).cpu().numpy()).save(target, format="PNG")
            continue
        source = images.files[done]
        if not source.is_file():
            raise UserError(f"{source} has gone since the run read it; restore it, or give its scene by --scene.")
        shutil.copyfile(source, target)


def _find_reductions(files: tuple[Path, ...], intrinsics: Intrinsics) -> list[Reduction] | None:
    """How the files became the images of the run; None if they do not match or are not upright."""
    found = []
    for file, size in zip(files, list_sizes(intrinsics), strict=True):
        if file.suffix.lower() not in IMAGE_SUFFIXES:
            return None
        try:
            stored = read_image_size(file, _MOST_PIXELS)
            with Image.open(file, formats=FORMATS) as image:
                if image.getexif().get(_ORIENTATION, _UPRIGHT) != _UPRIGHT:
                    return None
        except (UserError, OSError):
            return None
        reduction = find_reduction(stored, size)
        if reduction is None:
            return None
        found.append(reduction)
    return found


def have_same_intrinsics(intrinsics: Intrinsics) -> bool:
    """Whether all frames have the same intrinsics and size."""
    return len(set(number_cameras(intrinsics))) <= 1


def number_cameras(intrinsics: Intrinsics) -> list[int]:
    """A number for each frame, from 0 in the order of the frames; those with equal intrinsics and size share it."""
    sizes = intrinsics.own_sizes.to(intrinsics.focal)
    table = torch.cat([intrinsics.focal, intrinsics.centre, intrinsics.distortion, sizes], dim=-1)
    numbers: dict[tuple[float, ...], int] = {}
    return [numbers.setdefault(tuple(row), len(numbers)) for row in table.tolist()]
