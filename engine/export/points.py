"""A coloured point cloud of the surfaces that the training cameras see, in the exported world."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, UInt8

from engine.errors import UserError
from engine.export.progress import Progress
from engine.export.visible_surfaces import find_near_box, render_visible_surfaces, surface_points
from engine.geometry.similarity import Similarity
from engine.training.radiance import RadianceTrainer

_PIXELS_PER_POINT = 1.5  # rendered; pixels at edges and in the background give no point


@dataclass(frozen=True)
class PointCloud:
    """Positions in the exported world, and RGB colours."""

    positions: Float32[np.ndarray, "points 3"]
    colours: UInt8[np.ndarray, "points 3"]


def collect_points(
    trainer: RadianceTrainer, gauge: Similarity, wanted: int, progress: Progress, surroundings: bool = False
) -> PointCloud:
    """At most `wanted` points, equally many pixels of every training camera.

    Args:
        trainer: not changed; no training may go on meanwhile.
        gauge: from the world of the run to the exported one.
        wanted: most points.
        progress: called while the work goes on.
        surroundings: of an unbounded scene, take in what lies outside the near box, too.
    """
    box = None if surroundings else find_near_box(trainer.scene)
    positions, colours = [], []
    for seen in render_visible_surfaces(trainer, round(_PIXELS_PER_POINT * wanted / len(trainer.frames)), progress):
        points, shown = surface_points(seen), (seen.view.colour[seen.usable] * 255).round().byte().cpu()
        if box is not None:
            kept = box.holds(points)
            points, shown = points[kept], shown[kept]
        positions.append(gauge.apply(points))
        colours.append(shown)
    all_positions, all_colours = torch.cat(positions), torch.cat(colours)
    if len(all_positions) > wanted:
        chosen = torch.randperm(len(all_positions), generator=torch.Generator().manual_seed(0))[:wanted].sort().values
        all_positions, all_colours = all_positions[chosen], all_colours[chosen]
    return PointCloud(all_positions.float().numpy(), all_colours.numpy())


def write_ply(points: PointCloud, path: Path) -> None:
    """Writes a binary PLY file.

    Raises:
        UserError: there are no points.
        OSError: the file cannot be written.
    """
    import trimesh

    if not len(points.positions):
        raise UserError("The cameras see no surface yet: there are no points to export; train on, then export again.")
    content = trimesh.PointCloud(points.positions, points.colours).export(file_type="ply")
    path.write_bytes(content)
