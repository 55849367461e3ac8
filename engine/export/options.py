"""What a user may ask of an export."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.errors import UserError
from engine.export.mesh import RESOLUTION


@dataclass(frozen=True)
class ExportOptions:
    """What the user asks for.

    Attributes:
        output: folder or file.
        force: replace what an earlier export has left there.
        points: of the point cloud; None for the format's own number.
        density: of the mesh's surface, per spacing of the lattice; None for one that suits what the cameras see.
        resolution: of the lattice that the mesh is made of, along its longest side.
        hidden: keep surfaces that no camera sees.
        camera_path: a saved one, or None for the run's own or a closed path that suits the scene.
        seconds, frames_per_second: of the film.
        height: of the film's pictures, pixels; None for the photos'.
    """

    output: Path
    force: bool = False
    points: int | None = None
    density: float | None = None
    resolution: int = RESOLUTION
    hidden: bool = False
    camera_path: Path | None = None
    seconds: float = 6.0
    frames_per_second: int = 30
    height: int | None = None


def check_options(options: ExportOptions) -> None:
    """Raises `UserError` where a number makes no sense."""
    if options.points is not None and options.points < 1:
        raise UserError(f"--points is {options.points}; give 1 or more.")
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
