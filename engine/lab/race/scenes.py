"""The scene of each contestant. Photos are held once: only poses, and what follows from them, may differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from engine.scenes import AnyScene, Scene
from engine.scenes.options import SceneOptions

Read = Callable[[SceneOptions], AnyScene]


def read_scenes(options: Sequence[SceneOptions], read: Read, scene: AnyScene | None = None) -> list[AnyScene]:
    """Scenes for these options, one read for all contestants that start alike.

    Args:
        options: of each contestant.
        read: reads the scene with given options.
        scene: already read with the first options, or None.
    Raises:
        UserError: the scene cannot be read in this way.
    """
    found: dict[SceneOptions, AnyScene] = {} if scene is None else {options[0]: scene}
    for one in options:
        if one not in found:
            made = read(one)
            first = next(iter(found.values()), made)
            found[one] = share_photos(first, made)
    return [found[one] for one in options]


def share_photos(first: AnyScene, other: AnyScene) -> AnyScene:
    """The other scene with the first one's photos in the place of its own, where they are the same."""
    if not isinstance(first, Scene) or not isinstance(other, Scene):
        return other
    if other.images is first.images or not torch.equal(first.images, other.images):
        return other
    return replace(other, images=first.images)
