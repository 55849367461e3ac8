"""Which image belongs to which row of LLFF's `poses_bounds.npy`, where the order alone says so."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.errors import UserError
from engine.scenes.canvas import Size
from engine.scenes.formats.colmap_model.find import read_largest_model
from engine.scenes.formats.images import read_image_size
from engine.scenes.formats.resolution import choose_factor, choose_folder, find_image_folders
from engine.scenes.options import SceneOptions
from engine.scenes.paths import MissingFileError, SceneFiles, list_images


@dataclass(frozen=True)
class BoundImages:
    """The images of the rows.

    Attributes:
        names: of the images, one per row.
        images: their files; None where the file is missing.
        factor: by which they still have to be downsampled.
        others: names of images that belong to no row.
    """

    names: list[str]
    images: list[Path | None]
    factor: int
    others: tuple[str, ...] = ()


def bind_images(folder: Path, rows: int, file: Path, options: SceneOptions) -> BoundImages:
    """The images of the best matching folder that has as many as there are rows.

    Where none has, rows are bound by the names in a COLMAP model, which LLFF makes its rows from in the order of the
    names, if it registered as many: then an image may be missing, and others may be there that have no row. Numbers in
    names are not relied on: one gap that is older than the poses, and every later photo would get a wrong pose.

    Args:
        folder: of the scene, resolved.
        rows: of `poses_bounds.npy`.
        file: that file, for error messages.
        options: for `downscale` and the largest image size.
    Raises:
        UserError: there are no images, or it is not known which of them belongs to which row.
    """
    folders = {
        number: images for number, entry in find_image_folders(folder).items() if (images := list_images(entry))
    }
    if not folders:
        raise UserError(f"{folder} has no images in images, images_2, images_4, images_8, ...; add one such folder.")
    largest = min(folders)
    factor = _choose_factor(folders[largest], options)
    whole = {number: images[0].parent for number, images in folders.items() if len(images) == rows}
    if whole:
        chosen, left = choose_folder(whole, largest * factor)
        images = list_images(chosen)
        return BoundImages([image.name for image in images], list(images), left)
    names = _read_registered_names(folder)
    files = SceneFiles(folders[largest][0].parent)
    found = [_find(files, name, file) for name in names]
    if len(names) != rows or 2 * sum(image is not None for image in found) < rows:
        raise UserError(
            f"{file} has {rows} poses but {files.folder} has {len(folders[largest])} images; restore the missing "
            "images or run the pose estimation again."
        )
    others = tuple(image.name for image in folders[largest] if image not in found)
    return BoundImages(names, found, factor, others)


def _choose_factor(images: list[Path], options: SceneOptions) -> int:
    sizes: dict[Path, Size] = {}
    errors = []
    for image in images:
        try:
            sizes[image] = read_image_size(image, options.maximum_pixels)
        except UserError as error:
            errors.append(error)
    if not sizes:
        raise errors[0]
    return choose_factor(list(sizes), list(sizes.values()), options.downscale)


def _read_registered_names(folder: Path) -> list[str]:
    """Names of the images of the COLMAP model in the folder, sorted as LLFF does; none without a model."""
    try:
        return sorted(image.name for image in read_largest_model(folder)[1].images)
    except UserError:
        return []


def _find(files: SceneFiles, name: str, file: Path) -> Path | None:
    try:
        return files.find(name, file)
    except MissingFileError:
        return None
