"""What can be chosen for a run that is started anew, and what goes with what."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args

from engine.scenes.options import InitialPoses, SceneOptions
from engine.settings import FieldName, Method, Preset, Settings

METHODS: tuple[Method, ...] = get_args(Method)
FIELDS: tuple[FieldName, ...] = get_args(FieldName)
PRESETS: tuple[Preset, ...] = get_args(Preset)
INITIAL: tuple[InitialPoses, ...] = get_args(InitialPoses)

METHOD_WORDS: dict[Method, str] = {
    "l2g": "L2G: a rigid warp per pixel, one pose per frame fitted to them, λ ties the two together",
    "barf": "BARF: one pose per frame, optimised directly, coarse to fine",
    "naive": "Naive: one pose per frame, all detail from the start",
    "no-encoding": "A network without positional encoding (field mlp only)",
    "reference": "Poses stay where the data set or COLMAP says",
}


@dataclass(frozen=True)
class Choice:
    """What stands in the panel: a run's settings, and how its scene is read."""

    settings: Settings
    options: SceneOptions

    def obstacle(self) -> str | None:
        """Why such a run cannot be started, and the mend; None if it can."""
        if self.settings.method == "no-encoding" and self.settings.field == "grid":
            return "no-encoding needs the field mlp: a voxel grid has no positional encoding to leave out."
        return None

    def needs_reopening(self, options: SceneOptions) -> bool:
        """Whether the initial poses differ from those of a scene that was read with these options."""
        return initial_poses(self.options) != initial_poses(options)

    def with_seed(self, seed: int) -> Choice:
        """The run's seed is also that of the initial noise."""
        return Choice(replace(self.settings, seed=seed), replace(self.options, seed=seed))


def initial_poses(options: SceneOptions) -> tuple[object, ...]:
    """What of the options the initial poses depend on: the noise counts only where there is some."""
    noisy = options.init == "noise" or (options.init == "auto" and has_noise(options))
    noise = (options.noise_rotation, options.noise_translation, options.seed) if noisy else ()
    return (options.init, *noise)


def has_noise(options: SceneOptions) -> bool:
    return options.noise_rotation > 0 or options.noise_translation > 0


def lambda_note(settings: Settings) -> str:
    """A sentence about what λ does in such a run."""
    if settings.method == "l2g":
        return "λ ties each pixel's own warp to the frame's pose: low lets the field go soft, high makes it stiff."
    if settings.method == "reference":
        return "λ does nothing here: with reference poses nothing is fitted."
    return f"λ does nothing here: {settings.method} has one pose per frame and no pixel-wise warps."
