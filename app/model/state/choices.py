"""What can be chosen for a run that is started anew, and what goes with what."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args

from engine.config.settings import FieldName, Method, Preset, Settings
from engine.geometry.warp_names import PlanarWarp
from engine.scenes.options import InitialPoses, SceneOptions

METHODS: tuple[Method, ...] = get_args(Method)
FIELDS: tuple[FieldName, ...] = get_args(FieldName)
PRESETS: tuple[Preset, ...] = get_args(Preset)
INITIAL: tuple[InitialPoses, ...] = get_args(InitialPoses)
WARPS: tuple[PlanarWarp, ...] = get_args(PlanarWarp)

METHOD_WORDS: dict[Method, str] = {
    "l2g": "L2G: a rigid warp per pixel, one pose per frame (transform per patch) fitted to them, tied together by λ",
    "barf": "BARF: one pose per frame (transform per patch), optimised directly, coarse to fine",
    "naive": "Naive: one pose per frame (transform per patch), all detail from the start",
    "no-encoding": "A network without positional encoding (field mlp only)",
    "reference": "Poses stay where the data set or COLMAP says (patches: where they were cut)",
}


@dataclass(frozen=True)
class Choice:
    """What stands in the panel: a run's settings, and how its scene is read.

    Attributes:
        planar: whether the scene is one image, whose patches are cut anew with another seed.
    """

    settings: Settings
    options: SceneOptions
    planar: bool = False

    def obstacle(self) -> str | None:
        """Why such a run cannot be started, and the mend; None if it can."""
        if self.settings.method == "no-encoding" and self.settings.field == "grid":
            return "no-encoding needs the field mlp: a grid has no positional encoding to leave out."
        return None

    def needs_reopening(self, options: SceneOptions) -> bool:
        """Whether the scene differs from one that was read with these options, or its initial poses do."""
        if self.planar:
            return self.options != options
        return select_initial_poses(self.options) != select_initial_poses(options)

    def with_seed(self, seed: int) -> Choice:
        """The run's seed is also that of the initial noise."""
        return replace(self, settings=replace(self.settings, seed=seed), options=replace(self.options, seed=seed))


def select_initial_poses(options: SceneOptions) -> tuple[object, ...]:
    """What of the options the initial poses depend on: the noise counts only where there is some."""
    noisy = options.init == "noise" or (options.init == "auto" and has_noise(options))
    noise = (options.noise_rotation, options.noise_translation, options.seed) if noisy else ()
    return (options.init, *noise)


def has_noise(options: SceneOptions) -> bool:
    return options.noise_rotation > 0 or options.noise_translation > 0


def describe_lambda(settings: Settings, planar: bool = False) -> str:
    """A sentence about what λ does in such a run."""
    thing, place = ("patch", "transform") if planar else ("frame", "pose")
    if settings.method == "l2g":
        return f"λ ties each pixel's own warp to the {thing}'s {place}: low lets it go soft, high makes it stiff."
    if settings.method == "reference":
        return f"λ does nothing here: with reference {place}s nothing is fitted."
    return f"λ does nothing here: {settings.method} has one {place} per {thing} and no pixel-wise warps."
