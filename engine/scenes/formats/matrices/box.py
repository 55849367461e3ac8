"""The box of a scene where its files know it better than its cameras tell."""

from __future__ import annotations

from dataclasses import replace

import torch

from engine.scenes.scene import Scene
from engine.scenes.world.extent import find_box_depths


def place_box(scene: Scene, centre: tuple[float, float, float], half: float) -> Scene:
    """The scene with this box; an object's depths follow it.

    Args:
        scene: an object or an unbounded scene.
        centre: of the cube, scene units.
        half: half its side, scene units.
    """
    placed = replace(scene, box_centre=centre, box_half_extent=half)
    if scene.kind != "object" or scene.reference_poses is None:
        return placed
    poses = scene.reference_poses[list(scene.training_frames)]
    near, far = find_box_depths(poses, torch.tensor(centre).to(poses), half)
    return replace(placed, near=near, far=far)
