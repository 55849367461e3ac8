"""Photos that the user has left out, by name."""

from __future__ import annotations

from dataclasses import replace

from engine.errors import UserError
from engine.scenes.scene import Scene

FEWEST_LEFT = 2  # frames that train; of one alone nothing can be learned


def exclude_frames(scene: Scene, names: tuple[str, ...]) -> Scene:
    """The scene without some photos: training frames begin excluded, held-out frames are not evaluated.

    Raises:
        UserError: there is no photo of such a name, or too few are left to train on.
    """
    if not names:
        return scene
    found = set()
    for name in names:
        if name not in scene.names:
            raise UserError(
                f"--exclude {name}: {scene.path} has no photo of this name; its first is {scene.names[0]}."
            )
        found.add(scene.names.index(name))
    if len(set(scene.training_frames) - found) < FEWEST_LEFT:
        raise UserError(f"--exclude leaves fewer than {FEWEST_LEFT} photos of {scene.path} to train on; name fewer.")
    return replace(
        scene,
        excluded_frames=tuple(frame for frame in scene.training_frames if frame in found),
        held_out_frames=tuple(frame for frame in scene.held_out_frames if frame not in found),
    )
