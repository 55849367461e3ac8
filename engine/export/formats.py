"""What can be exported, and what each format needs: one table."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import torch

from engine.errors import UserError
from engine.export import colmap, llff, nerfstudio
from engine.export.cameras import ExportedCameras, exported_cameras, exported_gauge
from engine.export.flight import flight, write_flight
from engine.export.images import FOLDER, ExportedImages, Progress, exported_images, write_images
from engine.export.mesh import RESOLUTION, field_mesh, write_mesh
from engine.export.points import seen_points, write_ply
from engine.export.report import write_report
from engine.export.seen import depth_bounds
from engine.export.targets import check_file, check_folder
from engine.files import replacing, replacing_folder
from engine.film import ENDINGS
from engine.saved_run import SavedRun
from engine.view_camera import upwards

Format = Literal["colmap", "nerfstudio", "llff", "ply", "mesh", "video", "report"]

SPARSE_POINTS = 30_000  # beside cameras: enough to start splats from, or to tell how deep a scene is
CLOUD_POINTS = 300_000


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


class Exporter(Protocol):
    """One format."""

    def check(self, options: ExportOptions, precious: Collection[Path]) -> None:
        """Raises `UserError` where the output will not do; `precious` paths must not be replaced with it."""
        ...

    def write(self, run: SavedRun, options: ExportOptions, progress: Progress) -> list[str]:
        """Writes it; returns what the user should know, in sentences.

        Raises:
            UserError: it could not be written; what was there before is intact.
        """
        ...


FolderWriter = Callable[[SavedRun, ExportedCameras, ExportedImages, Path, ExportOptions, Progress], list[str]]
FileWriter = Callable[[SavedRun, ExportOptions, Progress], list[str]]


@dataclass(frozen=True)
class CamerasFolder:
    """A folder of cameras and images."""

    own: tuple[str, ...]
    fill: FolderWriter
    flat: bool = False

    def check(self, options: ExportOptions, precious: Collection[Path]) -> None:
        check_folder(options.output, options.force, self.own, precious)

    def write(self, run: SavedRun, options: ExportOptions, progress: Progress) -> list[str]:
        cameras = exported_cameras(run)
        images = exported_images(run.trainer.scene, cameras, self.flat)
        with replacing_folder(options.output) as folder:
            notes = self.fill(run, cameras, images, folder, options, part(progress, 0.0, 0.5))
            write_images(run.trainer.scene, cameras, images, folder / FOLDER, part(progress, 0.5, 1.0))
        return words_on_held_out(cameras) + notes


@dataclass(frozen=True)
class OneFile:
    """A single file, of the type that its ending says."""

    endings: tuple[str, ...]
    fill: FileWriter

    def check(self, options: ExportOptions, precious: Collection[Path]) -> None:
        if options.output.suffix.lower() not in self.endings:
            raise UserError(f"{options.output} should end in {' or '.join(self.endings)}; give such an --output.")
        check_file(options.output, options.force)

    def write(self, run: SavedRun, options: ExportOptions, progress: Progress) -> list[str]:
        return self.fill(run, options, progress)


def words_on_held_out(cameras: ExportedCameras) -> list[str]:
    """Which held-out frames are there, and which are not."""
    notes = []
    if cameras.held_out:
        notes.append(f"Held-out frames are at the poses that the evaluation refined: {', '.join(cameras.held_out)}.")
    if cameras.left_out:
        notes.append(
            f"Held-out frames without a refined pose are left out: {', '.join(cameras.left_out)}. "
            "Evaluate the run (l2g-eval) to have them."
        )
    return notes


def part(progress: Progress, start: float, end: float) -> Progress:
    """Progress of a part of the whole."""
    return lambda fraction, what: progress(start + fraction * (end - start), what)


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


# ---------------------------------------------------------------------- the formats


def _colmap(
    run: SavedRun,
    cameras: ExportedCameras,
    images: ExportedImages,
    folder: Path,
    options: ExportOptions,
    progress: Progress,
) -> list[str]:
    gauge = exported_gauge(run.trainer.scene, run.trainer.poses())
    colmap.write_model(
        cameras, images, seen_points(run.trainer, gauge, options.points or SPARSE_POINTS, progress), folder
    )
    return []


def _nerfstudio(
    run: SavedRun,
    cameras: ExportedCameras,
    images: ExportedImages,
    folder: Path,
    options: ExportOptions,
    progress: Progress,
) -> list[str]:
    gauge = exported_gauge(run.trainer.scene, run.trainer.poses())
    points = seen_points(run.trainer, gauge, options.points or SPARSE_POINTS, progress)
    nerfstudio.write_transforms(cameras, images, points, folder)
    return []


def _llff(
    run: SavedRun,
    cameras: ExportedCameras,
    images: ExportedImages,
    folder: Path,
    options: ExportOptions,
    progress: Progress,
) -> list[str]:
    trainer = run.trainer
    unit = exported_gauge(trainer.scene, trainer.poses()).scale
    seen = depth_bounds(trainer, progress) * unit
    everywhere = torch.stack([seen[:, 0].min(), seen[:, 1].max()])
    of_frame = dict(zip(trainer.frames, seen, strict=True))
    bounds = torch.stack([of_frame.get(frame, everywhere) for frame in cameras.frames])
    return llff.write_poses_bounds(cameras, images, bounds, folder)


def _ply(run: SavedRun, options: ExportOptions, progress: Progress) -> list[str]:
    gauge = exported_gauge(run.trainer.scene, run.trainer.poses())
    points = seen_points(run.trainer, gauge, options.points or CLOUD_POINTS, progress)
    with replacing(options.output) as temporary:
        write_ply(points, temporary)
    return []


def _mesh(run: SavedRun, options: ExportOptions, progress: Progress) -> list[str]:
    trainer = run.trainer
    gauge = exported_gauge(trainer.scene, trainer.poses())
    mesh = field_mesh(trainer, gauge, options.density, options.resolution, options.hidden, progress)
    up = upwards(gauge.apply_to_poses(trainer.poses().detach().cpu().double()).numpy())
    with replacing(options.output) as temporary:
        write_mesh(mesh, up, temporary)
    return [f"{len(mesh.vertices):,} vertices, {len(mesh.faces):,} triangles."]


def _video(run: SavedRun, options: ExportOptions, progress: Progress) -> list[str]:
    count = max(round(options.seconds * options.frames_per_second), 1)
    cameras, words = flight(run, options.camera_path, count, options.height)
    write_flight(run.trainer, cameras, options.frames_per_second, options.output, progress)
    return [words]


def _report(run: SavedRun, options: ExportOptions, progress: Progress) -> list[str]:
    write_report(run, options.output, progress)
    return []


EXPORTERS: dict[str, Exporter] = {
    "colmap": CamerasFolder(colmap.OWN, _colmap),
    "nerfstudio": CamerasFolder(nerfstudio.OWN, _nerfstudio),
    "llff": CamerasFolder(llff.OWN, _llff, flat=True),
    "ply": OneFile((".ply",), _ply),
    "report": OneFile((".html",), _report),
    "video": OneFile(ENDINGS, _video),
    "mesh": OneFile((".ply", ".obj", ".glb"), _mesh),
}
