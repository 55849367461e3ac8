"""Render scenes/locomotive: a wooden toy engine seen from the upper hemisphere, RGBA (Blender layout).

Run from the repository root: python -m scenes.make.locomotive --samples 128
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from scenes.make.cameras import hemisphere, write_blender
from scenes.make.denoise import denoised
from scenes.make.mitsuba_scene import developed, render, sensor, shape
from scenes.make.toy_engine import locomotive
from scenes.make.variant import mi

SIZE, ANGLE_X, DISTANCE = 400, 0.6911112070083618, 4.0
FOCAL = SIZE / (2 * np.tan(ANGLE_X / 2))
VIEWS = {"train": (60, 3), "test": (8, 4)}
"""Count and seed of the views of each split."""
EXPOSURE = 1.0


def studio() -> dict:
    """Sky of soft boxes: a warm key, a cool fill, a rim, and a dim floor; never seen directly."""
    height, width = 64, 128
    elevation = np.linspace(np.pi / 2, -np.pi / 2, height)[:, None]
    azimuth = np.linspace(-np.pi, np.pi, width, endpoint=False)[None]
    direction = np.stack(
        [np.cos(elevation) * np.sin(azimuth), np.sin(elevation) + 0 * azimuth, -np.cos(elevation) * np.cos(azimuth)],
        -1,
    )
    sky = 0.34 + 0.22 * direction[..., 1:2] + np.zeros(3)
    for aim, sharpness, colour in (
        ((0.7, 0.75, 0.5), 28, (9.0, 7.9, 6.4)),
        ((-0.8, 0.45, 0.5), 7, (1.0, 1.2, 1.5)),
        ((-0.2, 0.5, -0.9), 14, (1.9, 1.8, 1.7)),
    ):
        aim_direction = np.asarray(aim) / np.linalg.norm(aim)
        sky = sky + np.exp(sharpness * (direction @ aim_direction - 1))[..., None] * np.asarray(colour)
    return {
        "type": "envmap",
        "bitmap": mi.Bitmap(sky.astype(np.float32)),
        "to_world": mi.ScalarTransform4f().rotate([1, 0, 0], 90),
    }


def build(seed: int = 5) -> mi.Scene:
    """The engine under studio light, ready to render."""
    parts = locomotive(np.random.default_rng(seed))
    shapes = {f"part{index}": shape(f"part{index}", mesh, material) for index, (mesh, material) in enumerate(parts)}
    return mi.load_dict(
        {
            "type": "scene",
            "integrator": {"type": "path", "max_depth": 6, "hide_emitters": True},
            "sky": studio(),
            **shapes,
        }
    )


def straight_rgba(premultiplied: np.ndarray) -> np.ndarray:
    """8-bit sRGB with unassociated alpha; colour is black where nothing is seen."""
    alpha = np.clip(premultiplied[..., 3:], 0, 1)
    opacity = (alpha * 255 + 0.5).astype(np.uint8)
    colour = developed(premultiplied[..., :3] / np.maximum(alpha, 1e-4), EXPOSURE)
    return np.concatenate([np.where(opacity > 0, colour, 0), opacity], -1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("scenes/locomotive"))
    parser.add_argument("--samples", type=int, default=128, help="samples per pixel")
    parser.add_argument("--denoise", action="store_true", help="filter the pictures with Open Image Denoise")
    parser.add_argument("--only", type=int, nargs="*", help="render just these views of each split")
    arguments = parser.parse_args()
    scene = build()
    for split, (count, seed) in VIEWS.items():
        poses = hemisphere(count, DISTANCE, np.random.default_rng(seed))
        (arguments.out / split).mkdir(parents=True, exist_ok=True)
        write_blender(arguments.out, split, poses, ANGLE_X)
        for index in range(count):
            if arguments.only is not None and index not in arguments.only:
                continue
            camera = sensor(poses[index], SIZE, SIZE, FOCAL, alpha=True)
            linear = render(scene, camera, arguments.samples, seed=1000 * seed + index)
            if arguments.denoise:
                linear = denoised(linear, scene, camera, seed=index)
            Image.fromarray(straight_rgba(linear), "RGBA").save(
                arguments.out / split / f"r_{index}.png", optimize=True
            )
            print(f"{split} {index} done", flush=True)


if __name__ == "__main__":
    main()
