"""The table of export formats."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch

from engine.errors import UserError
from engine.export import colmap, llff, nerfstudio
from engine.export.cameras import ExportedCameras, collect_cameras, find_gauge
from engine.export.images import FOLDER, ExportedImages, choose_images, write_images
from engine.export.masks import write_masks
from engine.export.mesh import make_mesh, write_mesh
from engine.export.options import ExportOptions
from engine.export.points import PointCloud, collect_points, write_ply
from engine.export.progress import Progress, part_of
from engine.export.report import write_report
from engine.export.splats.export import MOST_GAUSSIANS, export_splats, name_comparison
from engine.export.targets import check_file, check_folder
from engine.export.video import plan_cameras, write_video
from engine.export.visible_surfaces import measure_depth_bounds
from engine.geometry.intrinsics import Intrinsics
from engine.geometry.similarity import Similarity
from engine.geometry.view_camera import find_mean_up
from engine.run.saved_run import SavedRun
from engine.scenes.canvas import list_sizes
from engine.scenes.formats.masks import MASK_FOLDER
from engine.system.files import replace_file, replace_folder
from engine.system.video_writer import VIDEO_ENDINGS

SPARSE_POINTS = 30_000  # default beside cameras: enough to initialise Gaussian splats, or to find the depth of a scene
CLOUD_POINTS = 300_000  # default of a point cloud


class Exporter(Protocol):
    """An export format."""

    def check(self, options: ExportOptions, protected: Collection[Path]) -> None:
        """Raises `UserError` if the output path is not usable; `protected` paths must not be replaced."""
        ...

    def write(self, run: SavedRun, options: ExportOptions, progress: Progress) -> list[str]:
        """Writes the export; returns sentences about it for the user.

        Raises:
            UserError: it cannot be written; an earlier export is still there.
        """
        ...


@dataclass(frozen=True)
class Export:
    """One export: the run, the options, and the function that is told about the progress."""

    run: SavedRun
    options: ExportOptions
    progress: Progress

    @property
    def gauge(self) -> Similarity:
        """From the world of the run to the exported one."""
        return find_gauge(self.run.trainer.scene, self.run.trainer.poses())

    def points(self, default: int) -> PointCloud:
        """The point cloud, with at most `ExportOptions.points` or, without that option, `default` points."""
        wanted, surroundings = self.options.points or default, self.options.surroundings
        return collect_points(self.run.trainer, self.gauge, wanted, self.progress, surroundings)

    @property
    def extent(self) -> list[str]:
        """A sentence where only a part of the scene is exported."""
        if self.run.trainer.scene.kind != "unbounded" or self.options.surroundings:
            return []
        return ["Only the near part, which is at full detail; --surroundings takes in everything else."]


@dataclass(frozen=True)
class CamerasFolder:
    """A folder of cameras and images.

    Attributes:
        own: names of its files and folders.
        fill: writes everything but the images into a folder; returns sentences for the user.
        find_unsupported: the frames, by index among the exported ones, whose lens the format has no place for.
        flat: names of images without folders, in alphabetical order of the frames.
        one_size: whether programs that read the format take all images to have the size of the first.
    """

    own: tuple[str, ...]
    fill: Callable[[Export, ExportedCameras, ExportedImages, Path], list[str]]
    find_unsupported: Callable[[Intrinsics], list[int]]
    flat: bool = False
    one_size: bool = False

    def check(self, options: ExportOptions, protected: Collection[Path]) -> None:
        check_folder(options.output, options.force, self.own, protected)

    def write(self, run: SavedRun, options: ExportOptions, progress: Progress) -> list[str]:
        scene, cameras = run.trainer.scene, collect_cameras(run)
        unsupported = [cameras.names[index] for index in self.find_unsupported(cameras.intrinsics)]
        if unsupported:
            raise UserError(
                f"This format has no place for the lens of {unsupported[0]}"
                f"{f' and {len(unsupported) - 1} more' if unsupported[1:] else ''} (a fisheye, or of another model); "
                "export to colmap, which holds most lenses, or undistort the photos before a run."
            )
        images = choose_images(scene, cameras, self.flat)
        if self.one_size and images.intrinsics.sizes is not None:
            sizes = ", ".join(f"{width} x {height}" for width, height in dict.fromkeys(list_sizes(images.intrinsics)))
            raise UserError(
                f"This format holds images of one size, and those of this run have several ({sizes}); export to "
                "colmap or nerfstudio."
            )
        with replace_folder(options.output) as folder:
            notes = self.fill(Export(run, options, part_of(progress, 0.0, 0.5)), cameras, images, folder)
            write_images(scene, cameras, images, folder / FOLDER, part_of(progress, 0.5, 0.9))
            notes += write_masks(scene, cameras, images, folder / MASK_FOLDER, part_of(progress, 0.9, 1.0))
        return describe_frames(cameras) + notes


@dataclass(frozen=True)
class OneFile:
    """A single file whose suffix gives the type.

    Attributes:
        endings: allowed suffixes.
        fill: writes the file; returns sentences for the user.
        name_other: the path of another file that is written with it; None if there is none.
    """

    endings: tuple[str, ...]
    fill: Callable[[Export], list[str]]
    name_other: Callable[[Path], Path] | None = None

    def check(self, options: ExportOptions, protected: Collection[Path]) -> None:
        if options.output.suffix.lower() not in self.endings:
            raise UserError(f"{options.output} should end in {' or '.join(self.endings)}; give such an --output.")
        check_file(options.output, options.force)
        if self.name_other is not None:
            check_file(self.name_other(options.output), options.force)

    def write(self, run: SavedRun, options: ExportOptions, progress: Progress) -> list[str]:
        return self.fill(Export(run, options, progress))


def describe_frames(cameras: ExportedCameras) -> list[str]:
    """Sentences about the held-out frames that are exported, and about frames that are not."""
    notes = []
    if cameras.held_out:
        notes.append(f"Held-out frames are at the poses that the evaluation refined: {', '.join(cameras.held_out)}.")
    if cameras.not_registered:
        names = ", ".join(cameras.not_registered)
        notes.append(f"Added photos that are not registered are left out: {names}.")
    if cameras.left_out:
        notes.append(
            f"Held-out frames without a refined pose are left out: {', '.join(cameras.left_out)}. "
            "Evaluate the run (l2g-eval) to have them."
        )
    return notes


# ---------------------------------------------------------------------- the formats


def _with_points(
    write: Callable[[ExportedCameras, ExportedImages, PointCloud, Path], None],
) -> Callable[[Export, ExportedCameras, ExportedImages, Path], list[str]]:
    """A `CamerasFolder.fill` that writes cameras and a sparse point cloud."""

    def fill(export: Export, cameras: ExportedCameras, images: ExportedImages, folder: Path) -> list[str]:
        write(cameras, images, export.points(SPARSE_POINTS), folder)
        return []

    return fill


def _llff(export: Export, cameras: ExportedCameras, images: ExportedImages, folder: Path) -> list[str]:
    trainer = export.run.trainer
    seen = measure_depth_bounds(trainer, export.progress) * export.gauge.scale
    all_frames = torch.stack([seen[:, 0].min(), seen[:, 1].max()])
    of_frame = dict(zip(trainer.frames, seen, strict=True))
    bounds = torch.stack([of_frame.get(frame, all_frames) for frame in cameras.frames])
    notes = llff.write_poses_bounds(cameras, images, bounds, folder)
    if trainer.scene.kind != "forward-facing":
        notes.append("LLFF's format is meant for forward-facing scenes; programs may treat this scene as one.")
    return notes


def _ply(export: Export) -> list[str]:
    points = export.points(CLOUD_POINTS)
    with replace_file(export.options.output) as temporary:
        write_ply(points, temporary)
    return [f"{len(points.positions):,} points.", *export.extent]


def _splat(export: Export) -> list[str]:
    options = export.options
    wanted = options.points or MOST_GAUSSIANS
    return export_splats(export.run, export.gauge, wanted, options.fit_seconds, options.output, export.progress)


def _mesh(export: Export) -> list[str]:
    trainer, options, gauge = export.run.trainer, export.options, export.gauge
    mesh = make_mesh(
        *(trainer, gauge, options.density, options.resolution, options.hidden, export.progress, options.surroundings)
    )
    up = find_mean_up(gauge.apply_to_poses(trainer.poses().detach().cpu().double()).numpy())
    with replace_file(options.output) as temporary:
        write_mesh(mesh, up, temporary)
    return [f"{len(mesh.vertices):,} vertices, {len(mesh.faces):,} triangles.", *export.extent]


def _report(export: Export) -> list[str]:
    write_report(export.run, export.options.output, export.progress)
    return []


def _video(export: Export) -> list[str]:
    options = export.options
    count = max(round(options.seconds * options.frames_per_second), 1)
    cameras, words = plan_cameras(export.run, options.camera_path, count, options.height)
    write_video(export.run.trainer, cameras, options.frames_per_second, options.output, export.progress)
    return [words]


EXPORTERS: dict[str, Exporter] = {
    "colmap": CamerasFolder(colmap.FILES, _with_points(colmap.write_model), colmap.find_unsupported),
    "nerfstudio": CamerasFolder(
        nerfstudio.FILES, _with_points(nerfstudio.write_transforms), nerfstudio.find_unsupported
    ),
    "llff": CamerasFolder(llff.FILES, _llff, llff.find_unsupported, flat=True, one_size=True),
    "ply": OneFile((".ply",), _ply),
    "splat": OneFile((".ply",), _splat, name_comparison),
    "report": OneFile((".html",), _report),
    "video": OneFile(VIDEO_ENDINGS, _video),
    "mesh": OneFile((".ply", ".obj", ".glb"), _mesh),
}
