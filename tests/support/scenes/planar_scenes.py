"""Small planar scenes of cloudy noise, cut in memory."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F

from engine.geometry.warp_names import PlanarWarp
from engine.scenes.formats.patch_cutting import draw_warps
from engine.scenes.formats.single_image import apply_warps
from engine.scenes.planar import PlanarScene

NOISE = (0.3, 0.1, 1.0)


def cloudy(width: int = 160, height: int = 120, seed: int = 0) -> torch.Tensor:
    """RGB, uint8: octaves of noise, something to see at every scale."""
    generator = torch.Generator().manual_seed(seed)
    image = torch.zeros(1, 3, height, width)
    for octave in (4, 8, 16, 32, 64):
        noise = torch.rand(1, 3, octave * 3 // 4, octave, generator=generator) - 0.5
        image += F.interpolate(noise, (height, width), mode="bicubic") * (4 / octave) ** 0.7
    image = (image - image.min()) / (image.max() - image.min())
    return (image[0] * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous()


def planar_scene(
    warp: PlanarWarp = "rigid",
    patches: int = 3,
    seed: int = 0,
    crop: int = 64,
    noise: tuple[float, float, float] = NOISE,
) -> PlanarScene:
    """Patches of a cloudy image."""
    image = cloudy(seed=seed)
    scene = PlanarScene(
        name="clouds",
        path=Path("clouds.png"),
        image=image,
        warp=warp,
        transforms=torch.eye(3).repeat(patches, 1, 1),
        names=tuple(f"patch {index}" for index in range(patches)),
        patches=torch.empty((patches, crop, crop, 3), dtype=torch.uint8),
        seed=seed,
    )
    return apply_warps(scene, draw_warps(warp, patches, scene.image_size, (crop, crop), noise, seed))
