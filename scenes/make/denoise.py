"""Removal of the remaining noise with Intel Open Image Denoise, guided by albedo and normals (`pip install pyoidn`).

The guides are rendered with the same sub-pixel filter as the picture, so edges and texture stay where they are.
"""

import numpy as np

from scenes.make.variant import mi

GUIDE_SAMPLES = 48


def guides(
    scene: mi.Scene, camera: mi.Sensor, seed: int, samples: int = GUIDE_SAMPLES
) -> tuple[np.ndarray, np.ndarray]:
    """Albedo in [0, 1] and world normals in [-1, 1] of the first surface, both (height, width, 3)."""
    integrator = mi.load_dict({"type": "aov", "aovs": "albedo:albedo,normal:sh_normal"})
    channels = np.asarray(mi.render(scene, sensor=camera, integrator=integrator, spp=samples, seed=seed))
    albedo, normal = channels[..., -6:-3], channels[..., -3:]
    return np.clip(albedo, 0, 1).astype(np.float32), np.clip(normal, -1, 1).astype(np.float32)


def denoised(
    linear: np.ndarray, scene: mi.Scene, camera: mi.Sensor, seed: int, guide_samples: int = GUIDE_SAMPLES
) -> np.ndarray:
    """The picture with its colour channels filtered; alpha, if any, is kept."""
    import pyoidn

    albedo, normal = guides(scene, camera, seed, guide_samples)
    colour = pyoidn.denoise(
        np.ascontiguousarray(linear[..., :3], dtype=np.float32), albedo, normal, hdr=True, clean_aux=True
    )
    return np.concatenate([colour, linear[..., 3:]], -1)
