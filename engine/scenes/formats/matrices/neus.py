"""IDR's and NeuS's layout (DTU, BlendedMVS): projection matrices in one `.npz`, photos in `image`, masks in `mask`.

`world_mat_i` is K [R|t] of the i-th photo in the order of names, 4x4; `scale_mat_i` takes the unit sphere around the
object into that world.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from engine.errors import UserError
from engine.scenes.formats.images import read_image_size
from engine.scenes.formats.json_cameras import JsonCamera
from engine.scenes.formats.left_out import read_each
from engine.scenes.formats.masks import MaskFile
from engine.scenes.formats.matrices.box import place_box
from engine.scenes.formats.posed_frames import PosedFrame, build_from_frames
from engine.scenes.formats.validation import check_camera, check_poses, check_principal_point
from engine.scenes.options import SceneOptions
from engine.scenes.paths import list_images
from engine.scenes.scene import Scene

CAMERAS_FILES = ("cameras_sphere.npz", "cameras.npz", "cameras_large.npz")  # the first that exists is read
IMAGE_FOLDERS = ("image", "images", "rgb")
MASK_FOLDERS = ("mask", "masks")
DAMAGE = (ValueError, TypeError, EOFError, OSError, KeyError, zipfile.BadZipFile)  # what NumPy raises on such files


def find_neus(folder: Path) -> tuple[Path, Path] | None:
    """The file of the cameras and the folder of the photos; None if the scene has another layout."""
    files = (folder / name for name in CAMERAS_FILES)
    file = next((file for file in files if file.is_file() and _may_hold_cameras(file)), None)
    images = next(
        (folder / name for name in IMAGE_FOLDERS if (folder / name).is_dir() and list_images(folder / name)), None
    )
    return None if file is None or images is None else (file, images)


def read_neus(folder: Path, options: SceneOptions) -> Scene:
    """Reads a folder in this layout. The world is that of `scale_mat_0`: the object lies in the unit sphere.

    Kind and split are chosen by `world.placement`. Masks are used where there is one for each photo.

    Args:
        folder: the scene's folder, resolved.
        options: how to read.
    Raises:
        UserError: the folder has another layout, its file is damaged, or most of its cameras are wrong.
    """
    found = find_neus(folder)
    if found is None:
        raise UserError(f"{folder} has no {CAMERAS_FILES[0]} beside {IMAGE_FOLDERS[0]}; copy the scene again.")
    file, place = found
    images, matrices = list_images(place), read_matrices(file)
    world = matrices.get("scale_mat_0", np.eye(4))
    indices = [index for index in range(len(images)) if f"world_mat_{index}" in matrices]
    cameras = sum(name.startswith("world_mat_") and "inv" not in name for name in matrices)
    if cameras != len(images):
        raise UserError(
            f"{file} has {cameras} cameras but {place} has {len(images)} images; restore the missing images, for "
            "cameras belong to them by their order."
        )

    def read(index: int) -> PosedFrame:
        image = images[index]
        focal, centre, pose = split_projection(matrices[f"world_mat_{index}"] @ world, file, image.name)
        check_camera(focal, centre, (), file, image.name)
        size = read_image_size(image, options.maximum_pixels)
        check_principal_point(centre, size, file, image.name)
        return PosedFrame(
            image.name,
            image,
            size,
            check_poses(pose[None], file, [image.name])[0],
            JsonCamera(focal, centre, (0.0,) * 4),
        )

    frames, left_out = read_each(indices, lambda index: images[index].name, read, file)
    masks = find_numbered_masks(folder, images)
    chosen = [MaskFile(frame.image, masks.get(frame.image)) for frame in frames] if masks else None
    scene = build_from_frames(folder, file, frames, options, masks=chosen, left_out=left_out)
    is_inside = scene.kind != "forward-facing" and "scale_mat_0" in matrices
    return place_box(scene, (0.0, 0.0, 0.0), 1.0) if is_inside else scene


def read_matrices(file: Path) -> dict[str, NDArray[np.float64]]:
    """The 4x4 matrices of the file, by name.

    Raises:
        UserError: the file is damaged, or a matrix of it is none.
    """
    try:
        with np.load(file, allow_pickle=False) as archive:
            names = [name for name in archive.files if name.startswith(("world_mat_", "scale_mat_"))]
            arrays = {name: np.asarray(archive[name], dtype=np.float64) for name in names}
    except DAMAGE as error:
        raise UserError(f"{file} is damaged or no archive of NumPy's arrays; copy it again.") from error
    found = {}
    for name, array in arrays.items():
        if array.shape not in ((4, 4), (3, 4)) or not np.isfinite(array).all():
            raise UserError(f"{file} has {name} that is no finite 4x4 matrix; copy or compute it again.")
        found[name] = array if array.shape == (4, 4) else np.vstack([array, [0.0, 0.0, 0.0, 1.0]])
    return found


def split_projection(
    matrix: NDArray[np.float64], file: Path, name: str
) -> tuple[tuple[float, float], tuple[float, float], Float[Tensor, "3 4"]]:
    """Focal lengths, principal point (pixels) and world-to-camera pose of a projection matrix K [R|t], of any scale.

    With P = [M|p] and M = K R, the triangular factor of M Mᵀ is K. A skew is not kept.

    Raises:
        UserError: the matrix is no projection.
    """
    flip = np.eye(3)[::-1]
    product = matrix[:3, :3] @ matrix[:3, :3].T
    try:
        # K is upper triangular: Cholesky's lower factor of the matrix turned by half a turn, turned back.
        intrinsics = flip @ np.linalg.cholesky(flip @ product @ flip) @ flip
        extrinsics = np.linalg.solve(intrinsics, matrix[:3] * np.sign(np.linalg.det(matrix[:3, :3])))
    except np.linalg.LinAlgError as error:
        raise UserError(f"{file} has a matrix for {name} that is no projection; copy or compute it again.") from error
    intrinsics = intrinsics / intrinsics[2, 2]
    focal = float(intrinsics[0, 0]), float(intrinsics[1, 1])
    centre = float(intrinsics[0, 2]), float(intrinsics[1, 2])
    return focal, centre, torch.from_numpy(extrinsics)


def find_numbered_masks(folder: Path, images: list[Path]) -> dict[Path, Path]:
    """The masks of the photos, which belong to them by their order; none if there are more or fewer."""
    for name in MASK_FOLDERS:
        masks = list_images(folder / name) if (folder / name).is_dir() else []
        if len(masks) == len(images):
            return dict(zip(images, masks, strict=True))
    return {}


def _may_hold_cameras(file: Path) -> bool:
    """Whether a file has projection matrices, or is damaged, so that it cannot be known."""
    try:
        with zipfile.ZipFile(file) as archive:
            return any(name.startswith("world_mat_") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError):
        return True
