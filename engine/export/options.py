"""The options of an export."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.errors import UserError


@dataclass(frozen=True)
class ExportOptions:
    """The options of all formats; each format uses its own.

    Attributes:
        output: folder or file to write.
        force: replace an earlier export there.
        points: most points of a point cloud, or most Gaussians; None for the default of the format.
        fit_seconds: for fitting Gaussians to the photos, wall time; 0 leaves them as the field gives them.
        density: of the surface of a mesh, per spacing of the lattice; None to choose it from what the cameras see.
        resolution: most lattice points along the longest side that a mesh is made of.
        hidden: keep surfaces that no camera sees.
        surroundings: of an unbounded scene, take what lies outside the near part into meshes and point clouds, too.
        camera_path: a saved path for a video; None for that of the run's folder, else a spiral, an orbit, or a flight
            past the cameras.
        seconds, frames_per_second: of a video.
        height: of a video, pixels; None for that of the photos.
    """

    output: Path
    force: bool = False
    points: int | None = None
    fit_seconds: float = 60.0
    density: float | None = None
    resolution: int = 256
    hidden: bool = False
    surroundings: bool = False
    camera_path: Path | None = None
    seconds: float = 6.0
    frames_per_second: int = 30
    height: int | None = None


def check_options(options: ExportOptions) -> None:
    """Raises `UserError` where a number is out of its range."""
    if options.points is not None and options.points < 1:
        raise UserError(f"--points is {options.points}; give 1 or more.")
    if not 0 <= options.fit_seconds <= 36_000:
        raise UserError(f"--fit-seconds is {options.fit_seconds}; give 0 to 36000.")
    if options.density is not None and not 0 < options.density <= 50:
        raise UserError(f"--density is {options.density}; give a number above 0, at most 50.")
    if not 8 <= options.resolution <= 1024:
        raise UserError(f"--resolution is {options.resolution}; give 8 to 1024.")
    if not 0 < options.seconds <= 3600:
        raise UserError(f"--seconds is {options.seconds}; give a number above 0, at most 3600.")
    if not 1 <= options.frames_per_second <= 120:
        raise UserError(f"--frames-per-second is {options.frames_per_second}; give 1 to 120.")
    if options.height is not None and not 16 <= options.height <= 4320:
        raise UserError(f"--height is {options.height}; give 16 to 4320 pixels.")
