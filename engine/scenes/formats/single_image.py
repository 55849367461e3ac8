"""An image, or a folder with `scene.toml` and an image, read as a planar scene."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import torch

from engine.errors import UserError
from engine.geometry.warp_names import PlanarWarp
from engine.scenes.formats.images import downsample_area, load_image, round_to_uint8
from engine.scenes.formats.patch_cutting import cut_patches, draw_warps
from engine.scenes.options import SceneOptions
from engine.scenes.paths import find_file_inside, suggest_name
from engine.scenes.planar import PlanarScene, pixel_transforms

PLANAR_FILE = "scene.toml"
LONGER_SIDE = 800  # pixels; larger images are downsampled by an integer factor unless `downscale` is given
NOISE = {"noise_h": 0.3, "noise_t": 0.1, "noise_r": 1.0}  # standard deviations of L2G-NeRF's official options
PATCHES = 5  # as in the paper
MAXIMUM_PATCHES = 64
MINIMUM_CROP = 16  # pixels
KEYS = ("image", "source", "warp", "patches", "crop", *NOISE)  # that a scene.toml may have
MAXIMUM_BYTES = 100_000  # of a scene.toml


def read_planar(path: Path, options: SceneOptions) -> PlanarScene:
    """Reads the image and cuts patches from it, seeded by `options.seed`.

    Values come from `options`, else from the folder's `scene.toml`, else they are those of the paper: five square
    patches, of half the image's shorter side, under homographies.

    Args:
        path: an image, or a folder that has a `scene.toml`.
        options: only the planar ones, `seed`, `downscale`, `background` and `maximum_pixels` are used.
    Raises:
        UserError: a file is missing or damaged, or values are invalid or do not fit together.
    """
    table: dict[str, Any] = {}
    file = path
    if path.is_dir():
        table = _read_table(path / PLANAR_FILE)
        file = find_file_inside(path, table["image"], path / PLANAR_FILE)
    chosen = table | {name: value for name in KEYS if (value := getattr(options, name, None)) is not None}
    where = f"{path / PLANAR_FILE}" if path.is_dir() else f"{path}"
    warp, patches, noise = _check_values(chosen, where)
    pixels, _ = load_image(file, options.background_colour, options.maximum_pixels)
    factor = options.downscale or -(-max(pixels.shape[:2]) // LONGER_SIDE)
    if factor > 1:
        pixels = round_to_uint8(downsample_area(pixels, factor))
    image = torch.from_numpy(round_to_uint8(pixels.astype("float32")))
    size = (image.shape[1], image.shape[0])
    crop = _check_crop(chosen.get("crop"), size, file)
    scene = PlanarScene(
        name=path.resolve().name if path.is_dir() else path.stem,
        path=path.resolve(),
        image=image,
        warp=warp,
        transforms=torch.eye(3).repeat(patches, 1, 1),
        names=tuple(f"patch {index}" for index in range(patches)),
        patches=torch.empty((patches, crop[1], crop[0], 3), dtype=torch.uint8),
        seed=options.seed,
    )
    return apply_warps(scene, draw_warps(warp, patches, size, crop, noise, options.seed))


def apply_warps(scene: PlanarScene, warps: torch.Tensor) -> PlanarScene:
    """The scene with new true warps (of the plane) and the patches cut under them."""
    transforms = pixel_transforms(scene, warps)
    return replace(scene, transforms=transforms, patches=cut_patches(scene.image, transforms, scene.patch_size))


def _read_table(file: Path) -> dict[str, Any]:
    """The checked entries of a `scene.toml`; `image` is present.

    Raises:
        UserError: the file is too long, no TOML, or has an unknown entry or no image.
    """
    try:
        if file.stat().st_size > MAXIMUM_BYTES:
            raise UserError(f"{file} is far too long for a {PLANAR_FILE}; write it anew.")
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{file} is no TOML that can be read ({error}); correct it.") from error
    for name in table:
        if name not in KEYS:
            raise UserError(f"{file} has an unknown entry {name!r}{suggest_name(name, KEYS)}; correct or remove it.")
    if not isinstance(table.get("image"), str) or not table["image"]:
        raise UserError(f'{file} names no image; add a line such as image = "picture.jpg".')
    return table


def _check_values(chosen: dict[str, Any], where: str) -> tuple[PlanarWarp, int, tuple[float, float, float]]:
    """Warp family, number of patches and noise (h, t, r); `where` begins the error message."""
    warp = chosen.get("warp", "homography")
    if warp not in get_args(PlanarWarp):
        raise UserError(f"{where}: there is no warp {warp!r}; choose one of {', '.join(get_args(PlanarWarp))}.")
    patches = chosen.get("patches", PATCHES)
    if not (type(patches) is int and 2 <= patches <= MAXIMUM_PATCHES):
        raise UserError(
            f"{where}: {patches!r} patches cannot be aligned; give an integer from 2 to {MAXIMUM_PATCHES}."
        )
    noise = []
    for name, default in NOISE.items():
        value = chosen.get(name, default)
        if type(value) not in (int, float) or not 0 <= value <= 100:
            raise UserError(f"{where}: {name} is {value!r}; give a standard deviation of 0 or more.")
        noise.append(float(value))
    return warp, patches, (noise[0], noise[1], noise[2])


def _check_crop(crop: Any, image_size: tuple[int, int], file: Path) -> tuple[int, int]:
    """(width, height) of a patch in pixels, from one number (a square), two numbers, or None (the default)."""
    if crop is None:
        crop = min(image_size) // 2
    sides = [crop, crop] if type(crop) is int else crop
    if not (isinstance(sides, list | tuple) and len(sides) == 2 and all(type(side) is int for side in sides)):
        raise UserError(f"{file}: crop is {crop!r}; give a number of pixels, or width and height.")
    if min(sides) < MINIMUM_CROP:
        raise UserError(
            f"{file}: patches of {sides[0]} x {sides[1]} pixels are too small; give {MINIMUM_CROP} or more."
        )
    if sides[0] > image_size[0] or sides[1] > image_size[1]:
        raise UserError(
            f"{file} has {image_size[0]} x {image_size[1]} pixels, fewer than a patch of {sides[0]} x {sides[1]}; "
            "give a larger image or a smaller --crop."
        )
    return sides[0], sides[1]
