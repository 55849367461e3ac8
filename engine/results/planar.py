"""The results of a planar run: its part of `result.json`, and `transforms.json`."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor

from engine.geometry.homography import apply_homography
from engine.messages import FrameStatus
from engine.run.history import Row, summary
from engine.run.session import Session
from engine.scenes.planar import PlanarScene
from engine.system.files import write_json
from engine.training.planar.learned_image import learned_image
from engine.training.planar.trainer import PlanarTrainer

TRANSFORMS_FILE = "transforms.json"
CONVENTIONS = (
    "transform takes homogeneous pixels of a patch to pixels of the image, pixel centres at +0.5, x right, y down; "
    "reference_transform is how the patch was cut. corner_error_px is the mean distance of the four corners."
)


def planar_writers(session: Session, folder: Path, videos: bool = True) -> list[Callable[[], object]]:
    """One function for each file beside `result.json`; there are no videos of patches."""
    history, scene = session.history, cast(PlanarScene, session.scene)
    return [lambda: write_json(folder / TRANSFORMS_FILE, transforms(scene, history.rows[-1]))]


def planar_content(session: Session) -> dict[str, Any]:
    """The key `planar` of `result.json`."""
    trainer = cast("PlanarTrainer | None", session.trainer)  # that of a scene of one image
    return {"planar": planar_result(trainer, session.history.rows[-1])}


def planar_result(trainer: PlanarTrainer | None, last: Row) -> dict[str, Any]:
    """Corner errors in pixels, and PSNR in dB: of the patches at their fitted places, and of the whole image.

    The whole image is compared where the patches show it: elsewhere nothing is known of it.
    """
    found: dict[str, Any] = {"corner_error_px": summary(last.corner_error_px), "psnr": None, "image_psnr": None}
    if trainer is None:
        return found
    found["psnr"] = patch_psnr(trainer)
    found["image_psnr"] = image_psnr(trainer)
    found["joined"] = [status is FrameStatus.REGISTERED for status in trainer.frame_status()]
    return found


def transforms(scene: PlanarScene, last: Row) -> dict[str, Any]:
    """The content of `transforms.json`."""
    assert last.transforms is not None
    assert last.corner_error_px is not None
    return {
        "scene": scene.name,
        "conventions": CONVENTIONS,
        "warp": scene.warp,
        "image_size": scene.image_size,
        "patch_size": scene.patch_size,
        "seed": scene.seed,
        "patches": [
            {
                "name": name,
                "transform": last.transforms[index],
                "reference_transform": scene.transforms[index],
                "corner_error_px": float(last.corner_error_px[index]),
            }
            for index, name in enumerate(scene.names)
        ],
    }


@torch.no_grad()
def patch_psnr(trainer: PlanarTrainer) -> float:
    """Of all patches together, each rendered where its fitted transform puts it, dB."""
    data = trainer.level(1)
    warps = trainer.registration.transforms()
    error = 0.0
    for warp, image in zip(warps, data.images, strict=True):
        rendered = trainer.field.colours(apply_homography(warp, data.points))
        error += float((rendered - image.flatten(start_dim=1).T).square().mean())
    return decibels(error / len(warps))


@torch.no_grad()
def image_psnr(trainer: PlanarTrainer) -> float | None:
    """Of the image where fitted patches cover it, dB; None where they cover nothing."""
    scene = trainer.scene
    truth = scene.image.to(trainer.device).float() / 255
    seen = covered(scene, trainer.transforms())
    if not bool(seen.any()):
        return None
    return decibels(float((learned_image(trainer) - truth).square()[seen].mean()))


def covered(scene: PlanarScene, transforms: Float[Tensor, "patches 3 3"]) -> Tensor:
    """Which pixels of the image some patch shows: bool (height, width)."""
    width, height = scene.image_size
    axes = torch.arange(width) + 0.5, torch.arange(height) + 0.5
    pixels = torch.stack(torch.meshgrid(*axes, indexing="xy"), dim=-1).reshape(1, -1, 2)
    within = apply_homography(torch.linalg.inv(transforms.cpu()), pixels)
    inside = ((within > 0) & (within < torch.tensor(scene.patch_size))).all(dim=-1)
    return inside.any(dim=0).view(height, width)


def decibels(error: float) -> float:
    """The PSNR of a mean squared error of colours in [0, 1]."""
    return -10 * math.log10(max(error, 1e-12))
