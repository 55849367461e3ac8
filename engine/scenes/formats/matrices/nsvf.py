"""NSVF's and NeRF++'s layouts: photos in `rgb`, a camera-to-world matrix for each in `pose`, and intrinsics beside.

Axes are OpenCV's. NSVF has one `intrinsics.txt` for all photos, tells the splits apart by the first part of the names
(`0_` for training, `1_` validation, `2_` test; without `2_` the `1_` are the test), and gives the box of the object in
`bbox.txt`. NeRF++ has a folder for each split, with one file of `intrinsics` for each photo.
"""

from __future__ import annotations

import re
from pathlib import Path

from engine.errors import UserError
from engine.scenes.formats.images import read_image_size
from engine.scenes.formats.json_cameras import JsonCamera
from engine.scenes.formats.left_out import read_each
from engine.scenes.formats.matrices.box import place_box
from engine.scenes.formats.matrices.numbers import read_numbers, read_pose_matrix
from engine.scenes.formats.posed_frames import PosedFrame, build_from_frames
from engine.scenes.formats.validation import check_camera, check_poses, check_principal_point
from engine.scenes.options import SceneOptions
from engine.scenes.paths import list_images, make_natural_key
from engine.scenes.scene import Scene
from engine.scenes.world.axes import invert_pose
from engine.scenes.world.placement import Split

IMAGES = "rgb"
POSES = "pose"
INTRINSICS = "intrinsics"
HELD_OUT_FOLDERS = ("test", "validation")  # of NeRF++; the first that has photos is used
MARGIN = 1.05  # on the half extent of the object's box, so that its surface lies inside


def find_nsvf(folder: Path) -> list[Path]:
    """The folders with `rgb`, `pose` and intrinsics, that of the training photos first: the scene's own, or its
    `train` and `test`; none if the scene has another layout."""
    if _is_complete(folder):
        return [folder]
    if not _is_complete(folder / "train"):
        return []
    held_out = next((folder / name for name in HELD_OUT_FOLDERS if _is_complete(folder / name)), None)
    return [folder / "train"] if held_out is None else [folder / "train", held_out]


def read_nsvf(folder: Path, options: SceneOptions) -> Scene:
    """Reads a folder in one of the two layouts; frames are in the natural order of their names.

    Kind, world frame and, where neither names nor folders give one, the split are chosen by `world.placement`; the box
    of an object is the cube around that of `bbox.txt`.

    Args:
        folder: the scene's folder, resolved.
        options: how to read.
    Raises:
        UserError: the folder has another layout, or most of its frames are wrong.
    """
    places = find_nsvf(folder)
    if not places:
        raise UserError(f"{folder} has no {IMAGES}, {POSES} and {INTRINSICS}.txt; copy the scene again.")
    listed = [(image, place) for place in places for image in _list_photos(place)]
    splits = {image: 0 if place == places[0] else 2 for image, place in listed}
    if len(places) == 1:
        splits = _read_splits([image for image, _ in listed])
    test = max(splits.values(), default=0)
    entries = [(image, place) for image, place in listed if splits[image] in (0, test)]
    file = places[0] / POSES

    def read(entry: tuple[Path, Path]) -> PosedFrame:
        image, place = entry
        matrix = read_pose_matrix(place / POSES / f"{image.stem}.txt")
        pose = invert_pose(check_poses(matrix[None], place / POSES, [image.name]))[0]
        size = read_image_size(image, options.maximum_pixels)
        camera = read_camera(place, image)
        check_principal_point(camera.centre, size, place, image.name)
        return PosedFrame(image.name, image, size, pose, camera)

    frames, left_out = read_each(entries, lambda entry: entry[0].name, read, file)
    images = [frame.image for frame in frames]
    split: Split | None = None
    if test:
        numbers = range(len(images))
        split = (
            tuple(number for number in numbers if not splits[images[number]]),
            tuple(number for number in numbers if splits[images[number]]),
        )
    scene = build_from_frames(folder, file, frames, options, split=split, left_out=left_out)
    box = read_box(folder / "bbox.txt") if scene.kind == "object" else None
    return scene if box is None else place_box(scene, *box)


def read_camera(place: Path, image: Path) -> JsonCamera:
    """The camera of a photo: of its own file in `intrinsics`, or of `intrinsics.txt`.

    The file holds a 3x3 or 4x4 camera matrix, or begins with f, cx, cy (NSVF's synthetic scenes).

    Raises:
        UserError: the file cannot be read, or holds no camera.
    """
    file = place / INTRINSICS / f"{image.stem}.txt" if (place / INTRINSICS).is_dir() else _find_shared(place)
    numbers = read_numbers(file)
    if len(numbers) in (9, 12, 16):
        columns = 3 if len(numbers) == 9 else 4
        fx, cx, fy, cy = numbers[0], numbers[2], numbers[columns + 1], numbers[columns + 2]
    elif len(numbers) >= 3:
        fx, cx, cy = numbers[:3]
        fy = fx
    else:
        raise UserError(f"{file} holds no camera matrix; export it again.")
    check_camera((fx, fy), (cx, cy), (), file, image.name)
    return JsonCamera((fx, fy), (cx, cy), (0.0,) * 4)


def read_box(file: Path) -> tuple[tuple[float, float, float], float] | None:
    """Centre and half extent of the cube around the box in `bbox.txt` (two corners); None if there is none."""
    try:
        numbers = read_numbers(file)
    except UserError:  # the cameras tell the box as well
        return None
    if len(numbers) < 6 or not all(numbers[axis] < numbers[axis + 3] for axis in range(3)):
        return None
    low, high = numbers[:3], numbers[3:6]
    centre = [(low[axis] + high[axis]) / 2 for axis in range(3)]
    half = max(high[axis] - low[axis] for axis in range(3)) / 2
    return (centre[0], centre[1], centre[2]), half * MARGIN


def _list_photos(place: Path) -> list[Path]:
    return sorted(list_images(place / IMAGES), key=lambda image: make_natural_key(image.name))


def _is_complete(place: Path) -> bool:
    """Whether a folder has photos, poses and intrinsics."""
    has_folders = (place / IMAGES).is_dir() and (place / POSES).is_dir()
    has_cameras = _find_shared(place).is_file() or (place / INTRINSICS).is_dir()
    return has_folders and has_cameras and bool(list_images(place / IMAGES))


def _find_shared(place: Path) -> Path:
    return place / f"{INTRINSICS}.txt"


def _read_splits(images: list[Path]) -> dict[Path, int]:
    """The number at the beginning of each name: 0, 1 or 2; all 0 unless all have one and some are for training."""
    numbers = [re.match(r"([012])_", image.name) for image in images]
    if not all(numbers) or not any(number and number[1] == "0" for number in numbers):
        return dict.fromkeys(images, 0)
    return {image: int(number[1]) for image, number in zip(images, numbers, strict=True) if number}
