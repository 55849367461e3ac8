"""Which of COLMAP's sparse models in a scene's folder is read: the one with most registered photos."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.errors import UserError
from engine.scenes.formats.colmap_model import binary, text
from engine.scenes.formats.colmap_model.contents import ModelContents
from engine.scenes.paths import make_natural_key

ENDINGS = (".bin", ".txt")  # of a model's files; where a folder has both, COLMAP reads the binary ones
FOLDERS = ("sparse", "colmap/sparse", "colmap")  # with a model, or with folders 0, 1, ... that hold one each
PHOTO_FOLDERS = (".", "images")  # models may lie beside the photos as well, if both of these files do
BESIDE_PHOTOS = ("cameras", "images")
MODEL_PLACES = "sparse/0, sparse/1, ..., sparse, colmap/sparse or beside the photos"


@dataclass(frozen=True)
class ModelPlace:
    """Where a model lies.

    Attributes:
        folder: of its files.
        ending: of its files: `.bin` or `.txt`.
    """

    folder: Path
    ending: str

    def file(self, name: str) -> Path:
        """One of its files, such as `images`."""
        return self.folder / f"{name}{self.ending}"


def find_models(folder: Path) -> list[ModelPlace]:
    """The models in a scene's folder, in the order in which they are preferred if they are of the same size."""
    places = []
    for parent in (folder / name for name in FOLDERS):
        children = sorted(_list_folders(parent), key=lambda child: make_natural_key(child.name))
        places += [_find_model(place, ("images",)) for place in (*children, parent)]
    places += [_find_model(folder / name, BESIDE_PHOTOS) for name in PHOTO_FOLDERS]
    found = {place.folder.resolve(): place for place in reversed(places) if place is not None}
    return list(found.values())[::-1]


def read_largest_model(folder: Path) -> tuple[ModelPlace, ModelContents, tuple[str, ...]]:
    """The model with most registered photos, and sentences on how it was chosen, if there are several.

    Raises:
        UserError: there is no model, or all are damaged.
    """
    places = find_models(folder)
    if not places:
        raise UserError(f"{folder} has no COLMAP model in {MODEL_PLACES}; run the mapper first.")
    several = len(places) > 1  # else nothing is chosen: to be counted, a text file is read
    counts = [_count_images(place) for place in places] if several else [0]
    order = sorted(range(len(places)), key=lambda index: -counts[index])
    errors: list[UserError] = []
    for index in order:
        try:
            contents = read_contents(places[index])
        except UserError as error:
            errors.append(error)
            continue
        others = [(_describe(places[other], folder), counts[other]) for other in order if other != index]
        notes = [f"A COLMAP model was passed over: {error}" for error in errors]
        if others:
            listed = ", ".join(f"{name} has {count}" for name, count in others[:5])
            notes.append(
                f"Of {len(places)} COLMAP models, {_describe(places[index], folder)} has the most registered photos "
                f"that can be read ({len(contents.images)}; {listed})."
            )
        return places[index], contents, tuple(notes)
    raise errors[0]


def read_model_in(folder: Path) -> ModelContents:
    """The model whose files lie in a folder.

    Raises:
        UserError: there is none, or it is damaged.
    """
    place = _find_model(folder, ("images",))
    if place is None:
        raise UserError(f"{folder} has no COLMAP model; export or compute it again.")
    return read_contents(place)


def read_contents(place: ModelPlace) -> ModelContents:
    """A model; without points if it has no file of them.

    Raises:
        UserError: it is damaged, or has no cameras.
    """
    files = binary if place.ending == ".bin" else text
    if not place.file("cameras").is_file():
        raise UserError(f"{place.file('cameras')} does not exist; export or compute the model again.")
    cameras, images = files.read_cameras(place.file("cameras")), files.read_images(place.file("images"))
    points = np.zeros((0, 3))
    if place.file("points3D").is_file():
        points = files.read_points(place.file("points3D"))
    return ModelContents(cameras, images, points[np.isfinite(points).all(axis=1)])


def _find_model(folder: Path, needed: Iterable[str]) -> ModelPlace | None:
    for ending in ENDINGS:
        if all((folder / f"{name}{ending}").is_file() for name in needed):
            return ModelPlace(folder, ending)
    return None


def _list_folders(parent: Path) -> list[Path]:
    return [child for child in parent.iterdir() if child.is_dir()] if parent.is_dir() else []


def _count_images(place: ModelPlace) -> int:
    """Number of registered images; 0 if the file is damaged."""
    file = place.file("images")
    try:
        count = binary.count_images(file) if place.ending == ".bin" else len(text.read_images(file))
    except UserError:
        return 0
    return count if count <= file.stat().st_size else 0


def _describe(place: ModelPlace, folder: Path) -> str:
    relative = place.folder.relative_to(folder).as_posix()
    return "the one beside the photos" if relative in PHOTO_FOLDERS else relative
