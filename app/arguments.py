"""The command line of `l2g-viewer`: that of `l2g-train`, and options of the window."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from engine.cli.arguments import TrainArguments
from engine.cli.settings import check_arguments
from engine.errors import UserError
from engine.scenes.paths import resolve_scene_path


@dataclass(frozen=True)
class ViewerArguments(TrainArguments):
    """Watch the cameras of a scene's photos being registered while a radiance field of it is learned.

    Without a scene the window asks for one. Closing it, Ctrl-C or SIGTERM save the run; --resume continues it.
    """

    scene: tyro.conf.Positional[Path | None] = None  # type: ignore[assignment]
    """Folder of photos, a video, or a scene: LLFF, Blender, nerfstudio, instant-ngp, COLMAP; or, planar, an image."""
    paused: bool = False
    """Wait for Play before the first step."""
    scale: float | None = None
    """Of fonts and spacing; by default that of the last start."""
    screenshot: Path | None = None
    """Write a picture of the window to this PNG file, then close it."""
    after: float = 10.0
    """Seconds after the window was opened at which the screenshot is taken."""
    report: Path | None = None
    """Write what the window shows into this JSON file, several times a second, for tests and scripts."""


def check_viewer_arguments(arguments: ViewerArguments) -> None:
    """Checks what can be checked before the window opens.

    Raises:
        UserError: arguments that exclude each other, are out of range, or name files that cannot be.
    """
    check_arguments(arguments)
    if arguments.scene is not None:
        resolve_scene_path(arguments.scene)
    elif arguments.resume:
        raise UserError("--resume continues a run of a scene; give the scene too.")
    if arguments.scale is not None and not 0.5 <= arguments.scale <= 3:
        raise UserError(f"--scale is {arguments.scale}; give a number between 0.5 and 3.")
    if not arguments.after >= 0:
        raise UserError(f"--after is {arguments.after}; give 0 or more seconds.")
    for path in (arguments.screenshot, arguments.report):
        if path is not None and not path.absolute().parent.is_dir():
            raise UserError(f"{path} cannot be written: there is no folder {path.absolute().parent}.")
    if arguments.evaluate:
        raise UserError("--evaluate is for l2g-train; evaluate a run of the window with l2g-eval.")
    if arguments.race is not None or arguments.equal != "iterations":
        raise UserError("--race and --equal are for l2g-train; in the window a race is started in the tab Race.")
    if arguments.export:
        raise UserError("--export is for l2g-train; the window exports from its Training panel, or use l2g-export.")
