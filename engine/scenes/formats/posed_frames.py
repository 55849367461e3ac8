"""Frames with a pose and a camera as readers find them in files, and the scene of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from engine.errors import UserError
from engine.geometry.intrinsics import Intrinsics
from engine.scenes.canvas import Size
from engine.scenes.formats.background import has_blank_background
from engine.scenes.formats.images import read_image_size
from engine.scenes.formats.json_cameras import JsonCamera, find_declared_size, read_camera, stack_cameras
from engine.scenes.formats.left_out import Entry, read_each, warn_of_left_out
from engine.scenes.formats.masks import MaskFile
from engine.scenes.formats.posed_photos import build_scene, combine_placement
from engine.scenes.formats.resolution import choose_factor, find_smaller_copies, read_sizes, scale_to_sizes
from engine.scenes.formats.validation import check_camera, check_frame_counts, check_poses
from engine.scenes.options import SceneOptions
from engine.scenes.paths import list_images
from engine.scenes.scene import LeftOut, Scene
from engine.scenes.world.average_camera import move_origin
from engine.scenes.world.axes import camera_centres
from engine.scenes.world.placement import Split, place_scene

FAR = 1e4  # times the spread of the cameras; beyond, single precision leaves less than a thousandth of the spread


@dataclass(frozen=True)
class PosedFrame:
    """A frame whose entry in a file is right.

    Attributes:
        name: of the image, as the file writes it.
        image: its file.
        size: (width, height) of that, pixels: as stored, or as EXIF turns it where the camera is that of the upright
            picture.
        pose: world-to-camera, in the file's world and unit, double precision.
        camera: intrinsics of an image of this size.
        lens: tells frames of different cameras apart, where the file does.
        mask: file of its mask, where the file names one.
    """

    name: str
    image: Path
    size: Size
    pose: Float[Tensor, "3 4"]
    camera: JsonCamera
    lens: Hashable = None
    mask: Path | None = None


def make_frame(
    name: str,
    image: Path,
    matrix: Float[Tensor, "3 4"],
    convert: Callable[[Float[Tensor, "1 3 4"]], Float[Tensor, "1 3 4"]],
    values: Mapping[str, Any],
    file: Path,
    options: SceneOptions,
) -> PosedFrame:
    """A frame whose camera is given by the keys of `transforms.json`.

    Args:
        name: of the image, as the file writes it.
        image: its file.
        matrix: the pose as the file has it.
        convert: makes world-to-camera poses with our axes of such.
        values: camera keys (`fl_x`, `cx`, `w`, `k1`, ...).
        file: that lists the frames, for error messages.
        options: for the largest image size.
    Raises:
        UserError: the image cannot be read, or the pose or the camera is none.
    """
    pose = convert(check_poses(matrix[None], file, [image.name]))[0]
    size = read_image_size(image, options.maximum_pixels, find_declared_size(values))
    camera = read_camera(values, size, file, image)
    check_camera(camera.focal, camera.centre, camera.distortion, file, image.name)
    return PosedFrame(name, image, size, pose, camera)


def read_frames(
    entries: Iterable[Entry],
    name: Callable[[Entry], str],
    read: Callable[[Entry], PosedFrame],
    file: Path,
    unlisted: str,
) -> tuple[list[PosedFrame], tuple[LeftOut, ...]]:
    """The frames of a file, each image once, and what is left out: wrong entries, doubles, images that are no frame.

    Args:
        entries: of the frames.
        name: of an entry, for the warning.
        read: reads one.
        file: that lists the frames, for the warnings.
        unlisted: why an image beside those of the frames is left out.
    Raises:
        UserError: too few entries are right.
    """
    frames, left_out = read_each(entries, name, read, file)
    frames, doubles = drop_doubles(frames, file)
    left_out += doubles
    return frames, left_out + name_unlisted([frame.image for frame in frames], left_out, unlisted, file)


def stack_intrinsics(frames: Sequence[PosedFrame]) -> Intrinsics:
    """The intrinsics of the frames' images as stored."""
    return stack_cameras(
        [frame.camera for frame in frames], [frame.size for frame in frames], [frame.lens for frame in frames]
    )


def drop_doubles(frames: Sequence[PosedFrame], file: Path) -> tuple[list[PosedFrame], tuple[LeftOut, ...]]:
    """The frames without those whose image another one has: where paths were shortened, two may mean one file.

    The frame whose path ends like the file's is kept, or else the first.
    """
    kept: dict[Path, PosedFrame] = {}
    dropped = []
    for frame in frames:
        other = kept.setdefault(frame.image, frame)
        if other is not frame:
            better = _rate_match(frame) > _rate_match(other)
            kept[frame.image] = frame if better else other
            dropped.append(LeftOut((other if better else frame).name, f"{frame.image.name} is another frame's"))
    warn_of_left_out(dropped, file)
    return list(kept.values()), tuple(dropped)


def build_from_frames(
    folder: Path,
    file: Path,
    frames: Sequence[PosedFrame],
    options: SceneOptions,
    *,
    base: Path | None = None,
    points: Float[Tensor, "points 3"] | None = None,
    split: Split | None = None,
    masks: Sequence[MaskFile] | None = None,
    left_out: Sequence[LeftOut] = (),
    notes: Sequence[str] = (),
) -> Scene:
    """The scene of frames whose files give only cameras; kind, world and split are chosen by `world.placement`.

    Args:
        folder: of the scene, resolved.
        file: of the cameras, for error messages.
        frames: in the order of the scene.
        options: how to read.
        base: folder of the images, beside which smaller copies may lie; None for that of the first image.
        points: sparse points in the world of the poses.
        split: (training, held-out) frames that the file gives.
        masks: of the images; None for those that lie in the folder `masks`.
        left_out: what was left out so far.
        notes: sentences for the user so far.
    Raises:
        UserError: too few frames can be decoded, or they stand in one place.
    """
    check_frame_counts(range(len(frames)) if split is None else split[0], file)
    images = [frame.image for frame in frames]
    sizes = [frame.size for frame in frames]
    intrinsics = stack_intrinsics(frames)
    downscale = choose_factor(images, sizes, options.downscale)
    stored, factor = find_smaller_copies(base or images[0].parent, images, downscale)
    if stored != images:
        try:
            intrinsics = scale_to_sizes(intrinsics, read_sizes(stored, options.maximum_pixels, sizes))
        except UserError:  # a damaged copy: the images themselves serve
            stored, factor = images, downscale
    poses, points, moved = move_far_world(torch.stack([frame.pose for frame in frames]), points)
    placement = place_scene(
        poses, intrinsics, points, split, file, options.space, lambda: has_blank_background(stored, options)
    )
    scene = build_scene(combine_placement(folder, file, stored, factor, intrinsics, placement), options, masks)
    return replace(scene, left_out=(*left_out, *scene.left_out), notes=(*notes, *moved, *scene.notes))


def move_far_world(
    poses: Float[Tensor, "frames 3 4"], points: Float[Tensor, "points 3"] | None
) -> tuple[Float[Tensor, "frames 3 4"], Float[Tensor, "points 3"] | None, tuple[str, ...]]:
    """Cameras and points with the origin among the cameras, if it is so far away that single precision loses them.

    Such worlds are those of maps and of the Earth.

    Returns:
        poses, points, and a sentence for the user if the origin was moved.
    """
    centres = camera_centres(poses)
    middle = centres.mean(dim=0)
    spread = (centres - middle).norm(dim=-1).square().mean().sqrt()
    if middle.norm() <= FAR * spread or not bool(spread > 0):
        return poses, points, ()
    origin = ", ".join(f"{value:.3f}" for value in middle.tolist())
    note = f"The cameras stand far from the origin of their world; it is moved to ({origin}) among them."
    return move_origin(poses, middle), None if points is None else points - middle, (note,)


def name_unlisted(images: Sequence[Path], left_out: Sequence[LeftOut], reason: str, file: Path) -> tuple[LeftOut, ...]:
    """The images in the folders of the frames' images that are no frame, with a warning.

    Args:
        images: of the frames.
        left_out: frames that were left out already.
        reason: why these are.
        file: that lists the frames, for the warning.
    """
    known, named = set(images), {Path(frame.name.replace("\\", "/")).name for frame in left_out}
    folders = dict.fromkeys(image.parent for image in images)
    others = [other for folder in folders for other in list_images(folder)]
    unlisted = [
        LeftOut(other.name, reason)
        for other in others
        if other not in known and named.isdisjoint((other.name, other.stem))
    ]
    warn_of_left_out(unlisted, file)
    return tuple(unlisted)


def _rate_match(frame: PosedFrame) -> tuple[bool, int]:
    """How well the written path is that of the file: whether all of it is its end, and how many parts are."""
    written = Path(frame.name.replace("\\", "/")).parts[::-1]
    pairs = zip(written, frame.image.parts[::-1], strict=False)
    same = next((count for count, (one, other) in enumerate(pairs) if one != other), len(written))
    return same == len(written), same
