"""What can be exported, and what each format needs: one table."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch

from engine.errors import UserError
from engine.export import colmap, llff, nerfstudio
from engine.export.cameras import ExportedCameras, exported_cameras, exported_gauge
from engine.export.flight import flight, write_flight
from engine.export.images import FOLDER, ExportedImages, Progress, exported_images, write_images
from engine.export.mesh import field_mesh, write_mesh
from engine.export.options import ExportOptions
from engine.export.points import PointCloud, seen_points, write_ply
from engine.export.report import write_report
from engine.export.seen import depth_bounds
from engine.export.targets import check_file, check_folder
from engine.geometry.similarity import Similarity
from engine.geometry.view_camera import find_mean_up
from engine.run.saved_run import SavedRun
from engine.system.files import replace_file, replace_folder
from engine.system.video_writer import VIDEO_ENDINGS

SPARSE_POINTS = 30_000  # beside cameras: enough to start splats from, or to tell how deep a scene is
CLOUD_POINTS = 300_000


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


@dataclass(frozen=True)
class Export:
    """What is asked of one format: which run, how, and whom to tell."""

    run: SavedRun
    options: ExportOptions
    progress: Progress

    @property
    def gauge(self) -> Similarity:
        """From the run's world to the exported one."""
        return exported_gauge(self.run.trainer.scene, self.run.trainer.poses())

    def points(self, usual: int) -> PointCloud:
        """The cloud, with as many points as were asked for or as usual."""
        return seen_points(self.run.trainer, self.gauge, self.options.points or usual, self.progress)


@dataclass(frozen=True)
class CamerasFolder:
    """A folder of cameras and images.

    Attributes:
        own: names that it has in the folder.
        fill: writes what is not images into a folder; returns notes for the user.
        flat: images have no folders of their own and names that sort as the frames do.
    """

    own: tuple[str, ...]
    fill: Callable[[Export, ExportedCameras, ExportedImages, Path], list[str]]
    flat: bool = False

    def check(self, options: ExportOptions, precious: Collection[Path]) -> None:
        check_folder(options.output, options.force, self.own, precious)

    def write(self, run: SavedRun, options: ExportOptions, progress: Progress) -> list[str]:
        scene, cameras = run.trainer.scene, exported_cameras(run)
        images = exported_images(scene, cameras, self.flat)
        with replace_folder(options.output) as folder:
            notes = self.fill(Export(run, options, part(progress, 0.0, 0.5)), cameras, images, folder)
            write_images(scene, cameras, images, folder / FOLDER, part(progress, 0.5, 1.0))
        return words_on_held_out(cameras) + notes


@dataclass(frozen=True)
class OneFile:
    """A single file, of the type that its ending says.

    Attributes:
        endings: that will do.
        fill: writes it; returns notes for the user.
    """

    endings: tuple[str, ...]
    fill: Callable[[Export], list[str]]

    def check(self, options: ExportOptions, precious: Collection[Path]) -> None:
        if options.output.suffix.lower() not in self.endings:
            raise UserError(f"{options.output} should end in {' or '.join(self.endings)}; give such an --output.")
        check_file(options.output, options.force)

    def write(self, run: SavedRun, options: ExportOptions, progress: Progress) -> list[str]:
        return self.fill(Export(run, options, progress))


def words_on_held_out(cameras: ExportedCameras) -> list[str]:
    """Which held-out frames are there, and which frames are not."""
    notes = []
    if cameras.held_out:
        notes.append(f"Held-out frames are at the poses that the evaluation refined: {', '.join(cameras.held_out)}.")
    if cameras.strangers:
        notes.append(f"Photos that were added and fit nowhere are left out: {', '.join(cameras.strangers)}.")
    if cameras.left_out:
        notes.append(
            f"Held-out frames without a refined pose are left out: {', '.join(cameras.left_out)}. "
            "Evaluate the run (l2g-eval) to have them."
        )
    return notes


def part(progress: Progress, start: float, end: float) -> Progress:
    """Progress of a part of the whole."""
    return lambda fraction, what: progress(start + fraction * (end - start), what)


# ---------------------------------------------------------------------- the formats


def _with_points(
    write: Callable[[ExportedCameras, ExportedImages, PointCloud, Path], None],
) -> Callable[[Export, ExportedCameras, ExportedImages, Path], list[str]]:
    """What fills a folder with cameras and a sparse cloud."""

    def fill(export: Export, cameras: ExportedCameras, images: ExportedImages, folder: Path) -> list[str]:
        write(cameras, images, export.points(SPARSE_POINTS), folder)
        return []

    return fill


def _llff(export: Export, cameras: ExportedCameras, images: ExportedImages, folder: Path) -> list[str]:
    trainer = export.run.trainer
    seen = depth_bounds(trainer, export.progress) * export.gauge.scale
    everywhere = torch.stack([seen[:, 0].min(), seen[:, 1].max()])
    of_frame = dict(zip(trainer.frames, seen, strict=True))
    bounds = torch.stack([of_frame.get(frame, everywhere) for frame in cameras.frames])
    notes = llff.write_poses_bounds(cameras, images, bounds, folder)
    if trainer.scene.kind == "object":
        notes.append("LLFF's format is meant for forward-facing scenes; programs may take this one for such.")
    return notes


def _ply(export: Export) -> list[str]:
    points = export.points(CLOUD_POINTS)
    with replace_file(export.options.output) as temporary:
        write_ply(points, temporary)
    return [f"{len(points.positions):,} points."]


def _mesh(export: Export) -> list[str]:
    trainer, options, gauge = export.run.trainer, export.options, export.gauge
    mesh = field_mesh(trainer, gauge, options.density, options.resolution, options.hidden, export.progress)
    up = find_mean_up(gauge.apply_to_poses(trainer.poses().detach().cpu().double()).numpy())
    with replace_file(options.output) as temporary:
        write_mesh(mesh, up, temporary)
    return [f"{len(mesh.vertices):,} vertices, {len(mesh.faces):,} triangles."]


def _report(export: Export) -> list[str]:
    write_report(export.run, export.options.output, export.progress)
    return []


def _video(export: Export) -> list[str]:
    options = export.options
    count = max(round(options.seconds * options.frames_per_second), 1)
    cameras, words = flight(export.run, options.camera_path, count, options.height)
    write_flight(export.run.trainer, cameras, options.frames_per_second, options.output, export.progress)
    return [words]


EXPORTERS: dict[str, Exporter] = {
    "colmap": CamerasFolder(colmap.OWN, _with_points(colmap.write_model)),
    "nerfstudio": CamerasFolder(nerfstudio.OWN, _with_points(nerfstudio.write_transforms)),
    "llff": CamerasFolder(llff.OWN, _llff, flat=True),
    "ply": OneFile((".ply",), _ply),
    "report": OneFile((".html",), _report),
    "video": OneFile(VIDEO_ENDINGS, _video),
    "mesh": OneFile((".ply", ".obj", ".glb"), _mesh),
}
