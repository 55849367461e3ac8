"""The lenses of photos that are added to a scene: those of its cameras, or new ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import UInt8

from engine.geometry.intrinsics import Intrinsics
from engine.scenes.canvas import choose_canvas, stack_sizes
from engine.scenes.photos.exif import USUAL_EQUIVALENT, PhotoFacts, convert_focal_to_pixels
from engine.scenes.photos.photo_cameras import orient
from engine.scenes.photos.photo_set import have_same_shape
from engine.scenes.scene import Scene

FOCAL_TOLERANCE = 0.05  # relative difference from the run's focal length up to which the user is not told

AddedPicture = tuple[str, UInt8[np.ndarray, "height width 3"], PhotoFacts]


def choose_intrinsics(
    photos: Sequence[AddedPicture], nearest: Sequence[int], scene: Scene
) -> tuple[Intrinsics | None, tuple[str, ...]]:
    """The intrinsics of added photos, and sentences about their focal lengths.

    A photo of the shape of a camera of the scene, whichever way it was held, has the lens of that camera; of several,
    of the one whose focal length is closest to that of its EXIF data, or else of the nearest frame. Any other photo is
    of a new camera, whose focal length comes from EXIF or is a usual one.

    Args:
        photos: name, picture and header of each.
        nearest: the frame of the scene with the most similar picture.
        scene: with the frames that it has so far.
    Returns:
        None instead of intrinsics where all are those of the nearest frames.
    """
    known, notes = scene.intrinsics, list[str]()
    focals, centres, distortions, cameras = [], [], [], []
    sizes = [(picture.shape[1], picture.shape[0]) for _, picture, _ in photos]
    new: dict[tuple[str, int, int], int] = {}
    for (name, _, facts), size, frame in zip(photos, sizes, nearest, strict=True):
        told = None if facts.equivalent is None else convert_focal_to_pixels(facts.equivalent, *size)
        like = _find_like(scene, size, told, frame)
        if like is None:
            key = (facts.device, max(size), min(size))
            cameras.append(new.setdefault(key, known.cameras_count + len(new)))
            focal = told or convert_focal_to_pixels(USUAL_EQUIVALENT, *size)
            how = "by its EXIF data" if told else f"as of a {USUAL_EQUIVALENT:g} mm lens"
            notes.append(f"{name} is of another camera than the photos of the run: {focal:.0f} pixels {how}.")
            focals.append(torch.tensor([focal, focal]))
            centres.append(torch.tensor(size) / 2)
            distortions.append(torch.zeros_like(known.distortion[0]))
            continue
        own, (width, height) = known.own_size(like), size
        same_way = orient(own, size) == own
        focal_like = known.focal[like] if same_way else known.focal[like].flip(0)
        factor = torch.tensor(size) / torch.tensor(own if same_way else own[::-1])
        focals.append(focal_like * factor)
        centres.append(known.centre[like] * factor if same_way else torch.tensor([width / 2, height / 2]))
        distortions.append(known.distortion[like])
        cameras.append(int(known.camera_numbers[like]))
        used = float(focals[-1].mean())
        if told is not None and abs(told / used - 1) > FOCAL_TOLERANCE:
            notes.append(
                f"{name} has a focal length of {told:.0f} pixels by its EXIF data, {used:.0f} are taken as for the "
                "other photos."
            )
    if known.sizes is None and known.cameras is None and not new and set(sizes) == {known.own_size(0)}:
        return None, tuple(notes)
    width, height = choose_canvas(sizes)
    rows = torch.stack(focals), torch.stack(centres), torch.stack(distortions)
    return Intrinsics(*rows, width, height, stack_sizes(sizes), torch.tensor(cameras)), tuple(notes)


def _find_like(scene: Scene, size: tuple[int, int], told: float | None, nearest: int) -> int | None:
    """The frame whose lens a photo of this size (width, height) has; None if it is of another camera."""
    known = scene.intrinsics

    def fits(frame: int) -> bool:
        own = known.own_size(frame)
        return have_same_shape(orient(own, size), size, 1 / min(own))

    fitting = [frame for frame in range(len(scene.names)) if fits(frame)]
    if told is None or not fitting:
        return nearest if nearest in fitting else next(iter(fitting), None)

    def differ(frame: int) -> float:
        focal = float(known.focal[frame].mean()) * max(size) / max(known.own_size(frame))
        return abs(float(np.log(focal / told)))

    closest = min(fitting, key=differ)
    return (
        nearest if nearest in fitting and known.camera_numbers[nearest] == known.camera_numbers[closest] else closest
    )
