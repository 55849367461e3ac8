"""What each command's words mean: one dataclass per command, which tyro reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from engine.config.methods import METHODS
from engine.config.settings import Preset
from engine.fields import FIELDS
from engine.geometry.warp_names import PlanarWarp

Device = Literal["auto", "cpu", "cuda", "mps"]
ExportFormat = Literal["colmap", "nerfstudio", "llff", "ply", "splat", "mesh", "video", "report"]


def _one_of(table: Mapping[str, object], default: str) -> Any:
    """The names of a table as they stand when the command line is parsed: more may have been registered by then."""

    def choices() -> Any:
        return Literal[tuple(table)]

    return tyro.conf.arg(constructor_factory=choices, help_behavior_hint=f"(default: {default})")


@dataclass(frozen=True)
class TrainArguments:
    """Register the cameras of a scene's photos and reconstruct its radiance field; or the patches of one image.

    Ctrl-C or SIGTERM saves the run and leaves; --resume continues it.
    """

    scene: tyro.conf.Positional[Path]
    """Folder of photos, a video, or a scene: LLFF, Blender, nerfstudio, instant-ngp, COLMAP; or, planar, an image."""
    method: Annotated[str, _one_of(METHODS, "l2g")] = "l2g"
    """Where rays come from and how the band limit opens."""
    field: Annotated[str, _one_of(FIELDS, "grid")] = "grid"
    """What a ray sees."""
    preset: Preset = "default"
    """This project's coarse-to-fine recipe, or the paper's networks and schedule."""
    assist: Literal["auto", "on", "off"] = "auto"
    """Help that every method gets alike: adjustment of all poses together, and a search for frames that are outliers,
    were perturbed or added. auto is on, but off with the preset paper."""
    lambda_exponent: Annotated[float | Literal["auto"], tyro.conf.arg(name="lambda")] = 2.0
    """x of lambda = 10^x, the weight of the alignment term; auto: chosen as the run goes, from the errors of colours
    and the size of a pixel (method l2g)."""
    matches: bool = True
    """Whether the matches of the photos' features help to register them (if --assist does); this ends that."""
    mu_exponent: Annotated[float, tyro.conf.arg(name="mu")] = 0.0
    """y of mu = 10^y, the weight of the matches."""
    seed: int = 0
    """Of everything random."""
    device: Device = "auto"
    """auto is cuda where there is one, else cpu."""
    downscale: int | None = None
    """Integer factor against the scene's largest images; by default the longer side comes to at most 512 pixels."""
    init: Literal["auto", "identity", "reference", "noise", "sfm"] = "auto"
    """Initial poses. auto: identity for forward-facing scenes, else noise if any is asked for, else reference; for
    photos without poses a quick reconstruction from their matches. sfm: COLMAP's full pipeline."""
    reference: Literal["auto", "sfm"] = "auto"
    """What errors are measured against; sfm: COLMAP's poses of photos that have none."""
    space: Literal["auto", "forward-facing", "object", "unbounded"] = "auto"
    """Where the scene lies. forward-facing: the cameras look in similar directions; object: they stand around
    something before a blank background; unbounded: around something in a room or outdoors. auto decides by cameras
    and points."""
    frames: int | None = None
    """Use so many frames of a video, or so many photos of a folder without poses."""
    noise_rotation: float = 0.0
    """Standard deviation of the initial noise, radians."""
    noise_translation: float = 0.0
    """Standard deviation of the initial noise, scene units."""
    exclude: tuple[str, ...] = ()
    """Photos, by name, that are read but left out of training and measuring."""
    background: Literal["white", "black"] = "white"
    """Behind transparent pixels."""
    warp: PlanarWarp | None = None
    """Planar: the family of warps that the patches are cut under (homography)."""
    patches: int | None = None
    """Planar: how many patches (5)."""
    crop: int | None = None
    """Planar: side of a patch in pixels (half the image's shorter side)."""
    noise_h: float | None = None
    """Planar: standard deviation of the homographies, in sl(3) (0.3)."""
    noise_t: float | None = None
    """Planar: standard deviation of the translations, in halves of the image's longer side (0.1)."""
    noise_r: float | None = None
    """Planar: standard deviation of the rotations, radians (1.0)."""
    max_seconds: float | None = None
    """Fit the schedule to so many seconds of the run: fewer steps in every stage, or more in the last one."""
    max_iterations: int | None = None
    """Stop after so many iterations."""
    optimise_focal: bool = False
    """Fit the shared focal length too."""
    refine_intrinsics: bool = False
    """Fit the shared focal length and radial distortion too; photos without poses are begun so."""
    keep_intrinsics: bool = False
    """Leave the guessed focal length of photos without poses as it is."""
    optimise_exposure: bool = False
    """Fit a gain per photo and channel too."""
    output: Path | None = None
    """Folder of the run; by default runs/<scene>-<method>, numbered where that is taken."""
    resume: bool = False
    """Continue the run in --output, with the settings it was started with."""
    overwrite: bool = False
    """Replace the run in --output."""
    add_frames: tuple[Path, ...] = ()
    """Photos (or folders of them) that join the run: looked for in its field, then trained with the rest."""
    evaluate: bool = False
    """Evaluate on the held-out photos at the end."""
    export: tuple[ExportFormat, ...] = ()
    """Export too at the end, into the run's folder exports; l2g-export has choices."""
    checkpoint_every: float = 60.0
    """Seconds between checkpoints."""
    race: tuple[str, ...] | None = None
    """Train two to four runs in turns, from the same start and seed, into one table and one plot: methods, each with
    its differences, such as l2g barf l2g:assist=off,lambda=3 (field, assist, matches, lambda, mu, init)."""
    equal: Literal["iterations", "seconds"] = "iterations"
    """What all runs of a race have had equally much of at any time; seconds need --max-seconds, for each."""


@dataclass(frozen=True)
class EvaluateArguments:
    """Evaluate a run on its held-out photos, after photometric refinement of their poses."""

    run: tyro.conf.Positional[Path]
    """Folder of the run."""
    scene: Path | None = None
    """Folder of the scene, if it has been moved since."""
    device: Device = "auto"
    """Where to render."""
    limit: int | None = None
    """Evaluate so many photos at most, evenly spread."""


@dataclass(frozen=True)
class SfmArguments:
    """Register photos by COLMAP's pipeline and write a COLMAP model.

    The output folder gets sparse/0, database.db, mesh.ply where a mesh can be made, and images with the photos as the
    model sees them, unless they lie there already. It is a scene for l2g-train and l2g-viewer.
    """

    photos: tyro.conf.Positional[Path]
    """Folder of photos, or a video."""
    output: Path
    """Folder of the model; the photos' own is a good one."""
    force: bool = False
    """Replace the model in --output."""
    frames: int | None = None
    """Use so many frames of the video, or so many photos, evenly spread."""
    longer_side: int = 3200
    """Photos larger than this are shrunk for the features, pixels."""
    window: int | None = None
    """Match each photo with so many after it; by default all with all, or of more than 80 photos with 12."""
    mesh: bool = True
    """Make a rough mesh of the points."""


@dataclass(frozen=True)
class ExportArguments:
    """Write what a run has found as files that other programs read.

    Cameras and points are in the units of the scene's files and, where the scene has reference poses, aligned to
    them.
    """

    run: tyro.conf.Positional[Path]
    """Folder of the run."""
    to: ExportFormat
    """colmap, nerfstudio, llff: refined cameras with their images; ply: a coloured point cloud;
    splat: 3D Gaussians, as viewers of Gaussian splatting read them (.ply);
    mesh: coloured surfaces (.ply, .obj or .glb); video: a flight through the field (.mp4 or .gif);
    report: a page of settings, plots, renderings and errors (.html)."""
    output: Path
    """Folder (colmap, nerfstudio, llff) or file to write."""
    force: bool = False
    """Replace an earlier export at --output."""
    scene: Path | None = None
    """Folder of the scene, if it has been moved since."""
    device: Device = "auto"
    """Where to render."""
    points: int | None = None
    """Points of the cloud, at most (300,000; beside cameras 30,000); Gaussians, at most (280,000)."""
    fit_seconds: float = 60.0
    """For fitting Gaussians to the photos; 0 leaves them as the field gives them."""
    density: float | None = None
    """Of the mesh's surface, per spacing of the field's lattice (1 takes 63 % of the light in one spacing); by default
    such that nine tenths of what the cameras see lie inside."""
    resolution: int = 256
    """Of the lattice that the mesh is made of, along its longest side."""
    hidden: bool = False
    """Keep surfaces that no camera sees."""
    surroundings: bool = False
    """Unbounded scenes: what lies outside the near part, too, in the mesh and in the cloud of points."""
    camera_path: Path | None = None
    """Of the film: a file that the window has saved. By default that in the run's folder, else the papers' spiral
    or, for an object, an orbit; in an unbounded scene past the cameras."""
    seconds: float = 6.0
    """Of the film."""
    frames_per_second: int = 30
    """Of the film."""
    height: int | None = None
    """Of the film's pictures, pixels; by default that of the photos as they were trained on."""


@dataclass(frozen=True)
class DownloadArguments:
    """Fetch a public data set; without a name, list them with their licences."""

    name: tyro.conf.Positional[str | None] = None
    """llff/fern, blender/lego, ...; llff or blender for all eight."""
    output: Path | None = None
    """Folder of the scene (of the scenes, for a whole collection); by default in the user's cache."""
    force: bool = False
    """Unpack again what is there already."""
    mirror: str | None = None
    """Address of a folder of a web server that has the archives, in the place of the public ones."""
    archive: Path | None = None
    """Unpack this zip file instead of downloading one."""
