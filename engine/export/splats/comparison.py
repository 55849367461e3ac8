"""How well Gaussians show the photos, beside the field they were made of."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from engine.evaluation.held_out import evaluate_held_out, spread_evenly
from engine.evaluation.metrics import psnr
from engine.evaluation.views import render_view
from engine.export.cameras import read_refined_poses
from engine.export.progress import Progress
from engine.export.splats.gaussians import Gaussians
from engine.export.splats.rasteriser import draw
from engine.export.splats.views import SplatView, make_view
from engine.geometry.similarity import Similarity
from engine.run.saved_run import SavedRun

MOST_VIEWS = 8  # compared, evenly spread: rendering them from the field takes about as long as sampling it


class ComparedView(NamedTuple):
    """PSNR of one photo, dB."""

    name: str
    splats: float
    field: float


@dataclass(frozen=True)
class Comparison:
    """Attributes:
    held_out: whether the photos were kept from training; False where the run has no such photos.
    views: in the order of the frames.
    """

    held_out: bool
    views: tuple[ComparedView, ...]

    @property
    def splats(self) -> float:
        """Mean PSNR of the Gaussians, dB."""
        return statistics.fmean(view.splats for view in self.views)

    @property
    def field(self) -> float:
        """Mean PSNR of the field, dB."""
        return statistics.fmean(view.field for view in self.views)

    @property
    def sentence(self) -> str:
        """For the user."""
        photos = f"{len(self.views)} {'held-out' if self.held_out else 'training'} photo{'s'[: len(self.views) != 1]}"
        return f"PSNR of {photos}: {self.splats:.2f} dB as Gaussians, {self.field:.2f} dB as the field."


def list_compared_views(
    run: SavedRun, gauge: Similarity, training: list[SplatView], progress: Progress
) -> tuple[list[SplatView], list[str], bool]:
    """The photos to compare with, their names, and whether they are held out.

    Held-out frames have the poses that the run's last evaluation refined, else they are refined now.
    """
    trainer = run.trainer
    scene = trainer.scene
    poses: dict[int, Float[Tensor, "3 4"]] = {}
    refined = read_refined_poses(run.folder, trainer.iteration)
    known = [frame for frame in scene.held_out_frames if scene.names[frame] in refined]
    if known:
        chosen = [known[position] for position in spread_evenly(len(known), MOST_VIEWS)]
        poses = {frame: refined[scene.names[frame]] for frame in chosen}
    else:
        count = min(len(scene.held_out_frames), MOST_VIEWS)
        lenses = trainer.calibration.intrinsics(scene.intrinsics)
        refine = trainer.settings.registers
        for found in evaluate_held_out(
            trainer.field, scene, trainer.poses().detach(), refine=refine, intrinsics=lenses, limit=MOST_VIEWS
        ):
            poses[found.frame] = found.pose
            progress(len(poses) / count, "held-out photos")
    if poses:
        views = [make_view(trainer, gauge, frame, pose.float()) for frame, pose in poses.items()]
        return views, [scene.names[frame] for frame in poses], True
    positions = spread_evenly(len(training), MOST_VIEWS)
    return [training[position] for position in positions], [training[position].name for position in positions], False


def compare(
    run: SavedRun,
    gaussians: Gaussians,
    background: Float32[np.ndarray, " 3"],
    compared: tuple[list[SplatView], list[str], bool],
    progress: Progress,
) -> Comparison:
    """PSNR of Gaussians and field on the same photos, over the pixels that count.

    Args:
        run: of the field.
        gaussians: in the exported world.
        background: RGB in [0, 1].
        compared: as of `list_compared_views`.
        progress: called before every view.
    """
    views, names, held_out = compared
    trainer, rows = run.trainer, []
    for number, (view, name) in enumerate(zip(views, names, strict=True)):
        progress(number / len(views), "comparing with the field")
        photo = torch.from_numpy(view.photo).float() / 255
        mask = None if view.mask is None else torch.from_numpy(view.mask)
        image = torch.from_numpy(draw(gaussians, view.camera, background).image).clamp(0, 1)
        field = render_view(trainer.field, view.pose.to(trainer.device), view.points.to(trainer.device))
        rows.append(ComparedView(name, psnr(image, photo, mask), psnr(field.colour.cpu(), photo, mask)))
    return Comparison(held_out, tuple(rows))
