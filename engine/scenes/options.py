"""Options for reading a scene, and checks of their values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from engine.errors import UserError
from engine.geometry.warp_names import PlanarWarp
from engine.scenes.formats.images import MOST_PIXELS

InitialPoses = Literal["auto", "identity", "reference", "noise", "sfm"]
ReferencePoses = Literal["auto", "sfm"]
SpaceName = Literal["auto", "forward-facing", "object", "unbounded"]
BackgroundName = Literal["white", "black"]
BACKGROUNDS: dict[str, tuple[float, float, float]] = {"white": (1.0, 1.0, 1.0), "black": (0.0, 0.0, 0.0)}


class OptionError(UserError):
    """An option does not fit the scene, whatever its files hold."""


@dataclass(frozen=True)
class SceneOptions:
    """How a scene is read.

    Attributes:
        downscale: integer factor relative to the largest images in the folder; None takes the smallest
            factor that brings the longer side to 512 pixels or fewer.
        init: initial poses. `auto` means `identity` for forward-facing scenes; for objects `noise` if
            `noise_rotation` or `noise_translation` is positive, else `reference`; for photos without poses a quick
            reconstruction from their matches. `sfm` is COLMAP's full pipeline.
        reference: poses that errors are measured against. `auto` takes those of the files; `sfm` computes COLMAP's
            poses, for photos without poses.
        space: kind of the scene. `auto` decides by the cameras and, where there are any, by points; Blender's
            layout has a kind of its own.
        frames: use so many frames of a video, or so many photos of a folder without poses, evenly spaced; None uses
            a number that suits the motion, or all photos.
        noise_rotation: standard deviation of the rotation vectors of `noise`, in radians, >= 0.
        noise_translation: standard deviation of the translations of `noise`, in scene units, >= 0.
        seed: of the noise, 0 <= seed < 2^63.
        background: colour behind transparent pixels.
        maximum_pixels: largest image that is decoded, in pixels (a guard against decompression bombs).
        warp: family of the warps of a planar scene; None for what the scene's file says (see `formats.single_image`,
            also for the next five).
        patches: number of patches of a planar scene, 2 to 64.
        crop: side of a patch, pixels.
        noise_h: standard deviation of the homography parameters of the warps, >= 0.
        noise_t: standard deviation of their translation, half longer image sides, >= 0.
        noise_r: standard deviation of their rotation, radians, >= 0.
        exclude: names of photos that are read but left out of training and measuring.
        matches: whether the frames of a scene that has poses are matched, which takes some seconds the first time.
            Photos without poses always are.
    """

    downscale: int | None = None
    init: InitialPoses = "auto"
    reference: ReferencePoses = "auto"
    space: SpaceName = "auto"
    frames: int | None = None
    noise_rotation: float = 0.0
    noise_translation: float = 0.0
    seed: int = 0
    background: BackgroundName = "white"
    maximum_pixels: int = MOST_PIXELS
    warp: PlanarWarp | None = None
    patches: int | None = None
    crop: int | None = None
    noise_h: float | None = None
    noise_t: float | None = None
    noise_r: float | None = None
    exclude: tuple[str, ...] = ()
    matches: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "exclude", tuple(self.exclude))  # a checkpoint's JSON has a list

    @property
    def background_colour(self) -> tuple[float, float, float]:
        """RGB in [0, 1]."""
        return BACKGROUNDS[self.background]


def check_options(options: SceneOptions) -> None:
    """Raises `UserError` if an option has an invalid value."""
    if options.downscale is not None and options.downscale < 1:
        raise UserError(f"The downscale factor is {options.downscale}; give an integer of 1 or more.")
    if options.init not in get_args(InitialPoses):
        raise UserError(f"Unknown initial poses {options.init!r}; choose one of {', '.join(get_args(InitialPoses))}.")
    if options.reference not in get_args(ReferencePoses):
        raise UserError(f"Unknown reference poses {options.reference!r}; choose auto or sfm.")
    if options.space not in get_args(SpaceName):
        raise UserError(f"Unknown space {options.space!r}; choose one of {', '.join(get_args(SpaceName))}.")
    if options.frames is not None and options.frames < 3:
        raise UserError(f"--frames is {options.frames}; give 3 or more.")
    if options.background not in BACKGROUNDS:
        raise UserError(f"Unknown background {options.background!r}; choose white or black.")
    for what, value in (("rotation", options.noise_rotation), ("translation", options.noise_translation)):
        if not (math.isfinite(value) and value >= 0):
            raise UserError(f"The {what} noise is {value}; give a standard deviation of 0 or more.")
    if not 0 <= options.seed < 2**63:
        raise UserError(f"The seed is {options.seed}; give an integer of 0 or more, below 2^63.")
    if options.maximum_pixels < 1:
        raise UserError(f"The bound on image size is {options.maximum_pixels} pixels; give 1 or more.")


def check_space(options: SceneOptions, fitting: tuple[SpaceName, ...], layout: str) -> None:
    """Raises `UserError` if a layout whose scenes are of one kind is asked to be of a kind that does not fit it."""
    if options.space not in ("auto", *fitting):
        raise OptionError(
            f"--space {options.space} does not fit a scene in {layout}'s layout; choose {' or '.join(fitting)}, "
            "or leave it away."
        )


PLANAR_OPTIONS = ("warp", "patches", "crop", "noise_h", "noise_t", "noise_r")
PHOTO_OPTIONS = ("reference", "frames")
POSED_OPTIONS = ("init", "space", "noise_rotation", "noise_translation", "exclude")


def check_photo_options(options: SceneOptions) -> None:
    """Raises `UserError` if an option for photos without poses is given for a scene that has poses."""
    for name in PHOTO_OPTIONS:
        if getattr(options, name) != getattr(SceneOptions(), name):
            raise UserError(
                f"--{name} is for photos without poses or a video; this scene has poses, so leave it away."
            )
    if options.init == "sfm":
        raise UserError("--init sfm is for photos without poses or a video; this scene has poses: --init reference.")


def check_planar_options(options: SceneOptions, planar: bool) -> None:
    """Raises `UserError` if an option is for the other kind of scene: one image (`planar`), or photos with cameras."""
    for name in POSED_OPTIONS if planar else PLANAR_OPTIONS:
        if getattr(options, name) != getattr(SceneOptions(), name):
            kind, other = ("photos with cameras", "one image") if planar else ("one image", "photos with cameras")
            hint = ", --noise-r and --noise-t here" if planar and name.startswith("noise") else ""
            raise UserError(
                f"--{name.replace('_', '-')} is for scenes of {kind}, and this is one of {other}; leave it away{hint}."
            )
