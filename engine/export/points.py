"""A coloured point cloud: the surfaces that the training cameras see, in the exported world."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, UInt8

from engine.errors import UserError
from engine.export.images import Progress
from engine.export.seen import points_of, seen_by_cameras
from engine.geometry.similarity import Similarity
from engine.training.radiance import Trainer

SPARE = 1.5  # pixels rendered per point wanted: edges and background are left out


@dataclass(frozen=True)
class PointCloud:
    """Points of the exported world, and their colours."""

    positions: Float32[np.ndarray, "points 3"]
    colours: UInt8[np.ndarray, "points 3"]


def seen_points(trainer: Trainer, gauge: Similarity, wanted: int, progress: Progress) -> PointCloud:
    """At most so many points, from all training cameras alike.

    Args:
        trainer: at rest; it is not changed.
        gauge: from the run's world to the exported one.
        wanted: points.
        progress: told as it goes on.
    """
    positions, colours = [], []
    for seen in seen_by_cameras(trainer, round(SPARE * wanted / len(trainer.frames)), progress):
        positions.append(gauge.apply(points_of(seen)))
        colours.append((seen.view.colour[seen.usable] * 255).round().byte().cpu())
    all_positions, all_colours = torch.cat(positions), torch.cat(colours)
    if len(all_positions) > wanted:
        chosen = torch.randperm(len(all_positions), generator=torch.Generator().manual_seed(0))[:wanted].sort().values
        all_positions, all_colours = all_positions[chosen], all_colours[chosen]
    return PointCloud(all_positions.float().numpy(), all_colours.numpy())


def write_ply(points: PointCloud, path: Path) -> None:
    """Writes a binary PLY file; raises `OSError` where the system refuses."""
    import trimesh

    if not len(points.positions):
        raise UserError("The cameras see no surface yet: there are no points to export; train on, then export again.")
    content = trimesh.PointCloud(points.positions, points.colours).export(file_type="ply")
    path.write_bytes(content)
