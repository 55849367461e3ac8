"""The choices for a new run, and which of them go together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args

from engine.config.settings import Preset, Settings
from engine.errors import UserError
from engine.fields import check_settings
from engine.geometry.warp_names import PlanarWarp
from engine.scenes.options import InitialPoses, SceneOptions, SpaceName

PRESETS: tuple[Preset, ...] = get_args(Preset)
WITH_POSES: tuple[InitialPoses, ...] = ("auto", "identity", "reference", "noise")
WITHOUT_POSES: tuple[InitialPoses, ...] = ("auto", "identity", "sfm")
WARPS: tuple[PlanarWarp, ...] = get_args(PlanarWarp)


@dataclass(frozen=True)
class Choice:
    """The choices in the panel: the settings of a run, and the options with which its scene is read.

    Attributes:
        kind: of the scene, where one is open.
        poses: whether the files of the scene bring poses.
        spaces: the kinds that the scene can be of, beside `auto`.
    """

    settings: Settings
    options: SceneOptions
    kind: str | None = None
    poses: bool = True
    spaces: tuple[SpaceName, ...] = ()

    @property
    def planar(self) -> bool:
        """Whether the scene is one image, whose patches are cut anew with another seed."""
        return self.kind == "planar"

    @property
    def starts(self) -> tuple[InitialPoses, ...]:
        """The initial poses that the scene can start from."""
        return WITH_POSES if self.poses else WITHOUT_POSES

    def obstacle(self) -> str | None:
        """Why such a run cannot be started, and what to change; None if it can."""
        if not self.planar and self.options.init not in self.starts:
            what = "has poses" if self.poses else "has no poses"
            return f"This scene {what}: it cannot start from {self.options.init}. Choose another start."
        if not self.planar and self.options.space not in ("auto", *self.spaces):
            return f"This scene cannot be {self.options.space}. Choose another space."
        kind = self.kind if self.options.space == "auto" else self.options.space
        try:
            check_settings(self.settings, kind)
        except UserError as error:
            return str(error).replace("--", "the ").removeprefix("the ")
        return None

    def needs_reopening(self, options: SceneOptions) -> bool:
        """Whether the scene must be read again, as it or its initial poses differ from those of these options."""
        if self.planar:
            return self.options != options
        read = (select_initial_poses(options), options.space, set(options.exclude))
        return (select_initial_poses(self.options), self.options.space, set(self.options.exclude)) != read

    def with_seed(self, seed: int) -> Choice:
        """The choice with another seed, of the run and of the noise of its initial poses."""
        return replace(self, settings=replace(self.settings, seed=seed), options=replace(self.options, seed=seed))


def select_initial_poses(options: SceneOptions) -> tuple[object, ...]:
    """The options that the initial poses depend on; those of the noise only where there is noise."""
    noisy = options.init == "noise" or (options.init == "auto" and has_noise(options))
    noise = (options.noise_rotation, options.noise_translation, options.seed) if noisy else ()
    return (options.init, *noise)


def has_noise(options: SceneOptions) -> bool:
    """Whether the initial poses are perturbed by noise."""
    return options.noise_rotation > 0 or options.noise_translation > 0


def describe_start(init: InitialPoses, poses: bool, kind: str | None) -> str:
    """A sentence about where such a run starts.

    Args:
        init: the choice.
        poses: whether the files of the scene bring poses.
        kind: of the scene.
    """
    match init:
        case "auto" if not poses:
            return "Starts from a quick reconstruction: features of the photos are matched, cameras placed by them."
        case "auto" if kind == "forward-facing":
            return "Starts with all cameras in one place, as in the paper's experiment."
        case "auto":
            return "Starts from the poses in the scene's files, with the noise below, if any."
        case "identity":
            return (
                "The paper's experiment: all cameras start in one place and find their poses from the colours alone. "
                "It can work where they all look the same way."
            )
        case "sfm":
            return "Starts from COLMAP's full pipeline on the photos at full size, which takes minutes."
        case "reference":
            return "Starts from the poses in the scene's files."
    return "Starts from the poses in the scene's files, moved and turned at random."


def describe_lambda(settings: Settings, planar: bool = False) -> str:
    """A sentence about the effect of λ in such a run."""
    thing, place = ("patch", "transform") if planar else ("frame", "pose")
    method = settings.method_spec
    if method.warps_pixels:
        return f"λ ties each pixel's own warp to the {thing}'s {place}: low lets it go soft, high makes it stiff."
    if not method.fits_poses:
        return f"λ does nothing here: with reference {place}s nothing is fitted."
    return f"λ does nothing here: {settings.method} has one {place} per {thing} and no pixel-wise warps."


def find_matches_obstacle(settings: Settings, tracks: bool) -> str:
    """Why matches are of no use in a run, in a sentence; empty where they are.

    Args:
        settings: of the run.
        tracks: whether its scene has matches.
    """
    if not settings.registers:
        return "μ does nothing here: no pose is fitted."
    if not settings.assisted:
        return "μ does nothing here: matches are part of the assistance, which this run goes without."
    if not tracks:
        return "There are no matches: switched off, not found, or still being looked for."
    return ""


def describe_mu(settings: Settings, tracks: bool) -> str:
    """A sentence about the effect of μ in such a run."""
    return find_matches_obstacle(settings, tracks) or (
        "μ pulls cameras to where matches meet: low trusts the colours, high the matches."
    )


def describe_assistance(settings: Settings) -> str:
    """Whether such a run gets help, in a word or two for the top bar; empty where no pose is fitted."""
    if not settings.registers:
        return ""
    return "assisted" if settings.assist else "unassisted"
