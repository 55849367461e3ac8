"""Trains a scene from Python: poses and their errors out of it, and a picture from a place of your own.

python -m tests.examples.train_from_python scenes/fern view.png
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from PIL import Image

from engine.config.settings import Settings
from engine.evaluation.views import image_points, render_view
from engine.geometry.pose_errors import pose_errors
from engine.scenes import Scene, SceneOptions, load_scene
from engine.training.radiance import RadianceTrainer


def train(folder: Path, iterations: int, downscale: int | None = None) -> RadianceTrainer:
    """A trainer after so many iterations of its schedule."""
    scene = load_scene(folder, SceneOptions(downscale=downscale))
    assert isinstance(scene, Scene)
    trainer = RadianceTrainer(scene, Settings(method="l2g", field="grid", max_iterations=iterations))
    while not trainer.finished:  # a step may be one of an adjustment or of a search, too
        trainer.step()
    return trainer


def report(trainer: RadianceTrainer) -> tuple[float, float]:
    """Prints the first pose (world to camera, 3 x 4); the mean rotation error in degrees, and PSNR in dB."""
    poses, reference = trainer.poses(), trainer.scene.reference_poses
    print(f"{len(poses)} frames after {trainer.iteration} iterations; the first pose is\n{poses[0]}")
    assert reference is not None
    rotation = float(pose_errors(poses, reference[trainer.frames]).rotation_deg.mean())
    psnr = float(trainer.frame_psnr().nanmean())
    print(f"mean rotation error {rotation:.2f} degrees, PSNR {psnr:.1f} dB")
    return rotation, psnr


def save_view(trainer: RadianceTrainer, path: Path, forward: float = 0.1) -> torch.Tensor:
    """Renders what the first camera would see from `forward` scene units nearer, and writes it as an image."""
    pose = trainer.poses()[0].clone()
    pose[2, 3] -= forward  # camera axes: x right, y down, z forward
    points = image_points(trainer.scene.intrinsics, trainer.frames[0])
    colour = render_view(trainer.field, pose, points).colour.clamp(0, 1).cpu()
    Image.fromarray((255 * colour).byte().numpy()).save(path)
    return colour


if __name__ == "__main__":
    trained = train(Path(sys.argv[1]), iterations=2000)
    report(trained)
    save_view(trained, Path(sys.argv[2]))
