"""Polycam's raw export: a JSON file per camera in `keyframes/cameras`, and the photos in `keyframes/images`.

Poses are camera-to-world with axes right, up, back; the world is ARKit's, y up. `corrected_cameras` and
`corrected_images` are those after Polycam's own optimisation and undistortion. As in nerfstudio the world is turned so
that z is up.
"""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from engine.errors import UserError
from engine.scenes.formats.json_files import read_number, read_object
from engine.scenes.formats.left_out import read_each
from engine.scenes.formats.posed_frames import PosedFrame, build_from_frames, make_frame, name_unlisted
from engine.scenes.options import SceneOptions
from engine.scenes.paths import OMITTED_ENDINGS, SceneFiles, list_images, make_natural_key
from engine.scenes.scene import Scene
from engine.scenes.world.axes import convert_from_arkit

FOLDER = "keyframes"
PAIRS = (("corrected_cameras", "corrected_images"), ("cameras", "images"))  # the first that holds files is read
KEYS = {"fl_x": "fx", "fl_y": "fy", "cx": "cx", "cy": "cy", "w": "width", "h": "height"}  # ours -> Polycam's


def find_polycam(folder: Path) -> tuple[Path, Path] | None:
    """The folders of the cameras and of the photos of an export; None if the folder is none."""
    for cameras, images in PAIRS:
        pair = folder / FOLDER / cameras, folder / FOLDER / images
        if all(place.is_dir() for place in pair) and any(pair[0].glob("*.json")) and list_images(pair[1]):
            return pair
    return None


def read_polycam(folder: Path, options: SceneOptions) -> Scene:
    """Reads Polycam's raw export.

    Args:
        folder: the scene's folder, resolved.
        options: how to read.
    Raises:
        UserError: the folder is no export, or most of its frames are wrong.
    """
    found = find_polycam(folder)
    if found is None:
        raise UserError(f"{folder / FOLDER} has no cameras and images; export Polycam's raw data again.")
    cameras, images = found
    files = SceneFiles(images)

    def read(camera: Path) -> PosedFrame:
        values = read_object(camera)
        image = files.find(camera.stem, camera, OMITTED_ENDINGS)
        matrix = read_matrix(values, camera)
        keys = {ours: read_number(values, theirs, camera) for ours, theirs in KEYS.items() if theirs in values}
        return make_frame(image.name, image, matrix, convert_from_arkit, keys, camera, options)

    listed = sorted(cameras.glob("*.json"), key=lambda camera: make_natural_key(camera.name))
    frames, left_out = read_each(listed, lambda camera: camera.stem, read, cameras)
    left_out += name_unlisted([frame.image for frame in frames], left_out, "the export has no camera for it", cameras)
    notes: tuple[str, ...] = ()
    if cameras.name == "cameras":
        notes = ("The export has no corrected_cameras: the poses are those of the phone's tracking, which drift.",)
    return build_from_frames(folder, cameras, frames, options, left_out=left_out, notes=notes)


def read_matrix(values: dict[str, object], camera: Path) -> Float[Tensor, "3 4"]:
    """The pose of a camera's file, from its entries `t_00` to `t_23`.

    Raises:
        UserError: one is missing or no number.
    """
    rows = [[read_number(values, f"t_{row}{column}", camera) for column in range(4)] for row in range(3)]
    return torch.tensor(rows, dtype=torch.float64)
