"""Trainings of a few seconds on the fern that ships, by a table of their own: nothing here follows the schedule."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cache
from pathlib import Path
from unittest import mock

import torch

from engine.config.rows import Stage
from engine.config.settings import Settings
from engine.evidence.tracks import Tracks
from engine.geometry import se3
from engine.geometry.pose_errors import PoseErrors, pose_errors
from engine.registration.bundle import sequence
from engine.registration.bundle.options import SequenceOptions
from engine.scenes import SceneOptions, load_scene
from engine.scenes.options import InitialPoses
from engine.scenes.scene import Scene
from engine.training import cameras as trainer_module
from engine.training.radiance import RadianceTrainer

FERN = Path(__file__).parents[3] / "scenes" / "fern"


def stage(downsample: int, iterations: int, **changes: object) -> Stage:
    """A row for small images: made to be quick, not to be good."""
    row: dict[str, object] = {
        "name": f"1/{downsample}",
        "downsample": downsample,
        "planes": {8: 10, 4: 12, 2: 16, 1: 24}[downsample],
        "voxels": {8: 20, 4: 40, 2: 79, 1: 158}[downsample],
        "iterations": iterations,
        "rays": 2500,
        "samples": 18 if downsample >= 4 else 12,
        "proposals": downsample < 4,
        "field_rate": (5e-2, 1e-2),
        "pose_rate": {8: (1e-2, 1e-2), 4: (1e-2, 5e-3), 2: (5e-3, 3e-3), 1: (5e-4, 2e-4)}[downsample],
        "smoothness": {8: 3e-8, 4: 3.5e-8, 2: 6e-9, 1: 1e-9}[downsample],
        "block": 1,
    }
    return Stage(**(row | changes))  # type: ignore[arg-type]


REGISTERS = (stage(4, 160), stage(2, 110), stage(1, 30, settle=20, bundle=(2, 1), rays=1500))
"""From the identity to registered poses, with an adjustment before the last stage."""

TINY = (stage(8, 8, rays=400), stage(4, 8, rays=400, bundle=(4,)), stage(2, 12, rays=400, directional=True))
"""Everything that a schedule may have, in a second."""


@cache
def fern(downscale: int = 4, init: InitialPoses = "auto") -> Scene:
    """The fern that ships, its longer side 126 pixels (at downscale 4)."""
    return load_scene(FERN, SceneOptions(downscale=downscale, init=init))


def trainer(rows: Sequence[Stage] = TINY, scene: Scene | None = None, **settings: object) -> RadianceTrainer:
    """A trainer of the fern with these rows."""
    with mock.patch.object(trainer_module, "stages", return_value=tuple(rows)):
        return RadianceTrainer(scene or fern(), Settings(**settings))  # type: ignore[arg-type]


def errors(made: RadianceTrainer) -> PoseErrors:
    """Of the poses as they stand."""
    assert made.scene.reference_poses is not None
    return pose_errors(made.poses(), made.scene.reference_poses[made.frames])


def small_adjustments(points: int) -> AbstractContextManager[object]:
    """Within it, bundle adjustments that begin have at most so many points."""
    return mock.patch.object(sequence, "DEFAULT", SequenceOptions(points=points))


def run(made: RadianceTrainer, iterations: int | None = None, points: int = 300) -> None:
    """Steps to an iteration, or to the end; adjustments with fewer points than usual."""
    with small_adjustments(points):
        while not made.finished if iterations is None else made.iteration < iterations:
            made.step()


def advance(made: RadianceTrainer, steps: int, points: int = 300) -> None:
    """So many steps, of whatever kind."""
    with small_adjustments(points):
        for _ in range(steps):
            made.step()


def event_kinds(made: RadianceTrainer) -> list[str]:
    """In order."""
    return [event.kind for event in made.events]


def alike(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> list[str]:
    """Names of tensors that differ in any bit, or that only one has."""
    names = one.keys() | other.keys()
    return sorted(
        name for name in names if name not in one or name not in other or not torch.equal(one[name], other[name])
    )


@cache
def matched_fern() -> Scene:
    """The fern with matches of points that nobody photographed: where its cameras would see them."""
    scene = fern()
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(300, 3, generator=generator) * torch.tensor([2.4, 1.6, 2.0]) + torch.tensor([-1.2, -0.8, 2.5])
    poses, intrinsics = scene.reference_poses, scene.intrinsics
    camera = se3.transform(poses[:, None], points[None])
    pixels = camera[..., :2] / camera[..., 2:] * intrinsics.focal[:, None] + intrinsics.centre[:, None]
    size = torch.tensor([intrinsics.width, intrinsics.height])
    inside = (camera[..., 2] > 0.1) & (pixels > 0).all(-1) & (pixels < size).all(-1)
    inside[:, inside.sum(0) < 2] = False
    track, frame = inside.T.nonzero(as_tuple=True)
    number = (inside.any(0).long().cumsum(0) - 1)[track]
    observed = pixels[frame, track] + 0.1 * torch.randn(len(frame), 2, generator=generator)
    return replace(scene, tracks=Tracks(frame, number, observed, torch.full((int(inside.any(0).sum()), 3), torch.nan)))
