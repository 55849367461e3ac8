"""The photos that go with exported cameras: copies of the files that the run read, or what it saw of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import torch
from PIL import Image

from engine.errors import UserError
from engine.export.cameras import ExportedCameras
from engine.geometry.intrinsics import Intrinsics
from engine.scenes.formats.images import FORMATS, read_image_size
from engine.scenes.paths import IMAGE_SUFFIXES
from engine.scenes.scene import Scene

FOLDER = "images"
LARGEST = 400_000_000  # pixels; the run has read these files before
_ORIENTATION, _UPRIGHT = 0x0112, 1  # EXIF

Progress = Callable[[float, str], None]  # fraction done in [0, 1], and of what


@dataclass(frozen=True)
class ExportedImages:
    """One image per exported camera.

    Attributes:
        names: paths below the folder of images, all different, with "/" between folders.
        intrinsics: of the images as they are exported, pixels.
        files: what is copied; None where the scene's own pixels are written.
    """

    names: tuple[str, ...]
    intrinsics: Intrinsics
    files: tuple[Path, ...] | None


def exported_images(scene: Scene, cameras: ExportedCameras, flat: bool = False) -> ExportedImages:
    """Which images go with the cameras.

    The files themselves where all are upright and shrink to what the run saw by one whole factor: exports lose
    nothing of their resolution then. Else what the run saw, as PNG.

    Args:
        scene: of the run.
        cameras: of the frames that are exported.
        flat: no folders below that of the images, and names that sort as the frames do.
    """
    files = tuple(scene.files[frame] for frame in cameras.frames) if scene.files else None
    intrinsics = cameras.intrinsics
    factor = _factor(files, intrinsics) if files is not None else None
    names = cameras.names
    if files is None or factor is None:
        files = None
        short = [str(PurePosixPath(name).with_suffix(".png")) for name in names]
        names = tuple(short) if len(set(short)) == len(short) else tuple(f"{name}.png" for name in names)
    else:
        width, height = read_image_size(files[0], LARGEST)
        intrinsics = replace(
            intrinsics, focal=intrinsics.focal * factor, centre=intrinsics.centre * factor, width=width, height=height
        )
    if flat:
        plain = [name.replace("/", "_") for name in names]
        sortable = plain == sorted(plain) and len(set(plain)) == len(plain)
        names = tuple(plain) if sortable else tuple(f"{index:05d}_{name}" for index, name in enumerate(plain))
    return ExportedImages(names, intrinsics, files)


def write_images(
    scene: Scene, cameras: ExportedCameras, images: ExportedImages, folder: Path, progress: Progress
) -> None:
    """Writes all images below a folder.

    Raises:
        UserError: a file that is copied has gone.
        OSError: the system did not take them.
    """
    for done, (frame, name) in enumerate(zip(cameras.frames, images.names, strict=True)):
        progress(done / len(images.names), "images")
        target = folder.joinpath(*PurePosixPath(name).parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        if images.files is None:
            Image.fromarray(scene.images[frame].cpu().numpy()).save(target, format="PNG")
            continue
        source = images.files[done]
        if not source.is_file():
            raise UserError(f"{source} has gone since the run read it; restore it, or give its scene by --scene.")
        shutil.copyfile(source, target)


def _factor(files: tuple[Path, ...], intrinsics: Intrinsics) -> int | None:
    """By which the files are larger than what the run saw; None where they are not the same upright pictures."""
    sizes = set()
    for file in files:
        if file.suffix.lower() not in IMAGE_SUFFIXES:
            return None
        try:
            sizes.add(read_image_size(file, LARGEST))
            with Image.open(file, formats=FORMATS) as image:
                if image.getexif().get(_ORIENTATION, _UPRIGHT) != _UPRIGHT:
                    return None
        except (UserError, OSError):
            return None
    if len(sizes) != 1:
        return None
    width, height = sizes.pop()
    factor = max(width // intrinsics.width, 1)
    same = (width // factor, height // factor) == (intrinsics.width, intrinsics.height)
    return factor if same else None


def shared(intrinsics: Intrinsics) -> bool:
    """Whether all frames have the same intrinsics."""
    table = torch.cat([intrinsics.focal, intrinsics.centre, intrinsics.distortion], dim=-1)
    return bool((table == table[0]).all())
