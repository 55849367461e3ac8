"""Poses that are known to begin with: a training polishes them, and at no time makes them worse than they were."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.config.rows import Stage
from engine.config.settings import Settings
from engine.fields.stages import stages
from engine.geometry import se3
from engine.scenes import SceneOptions, load_scene
from engine.scenes.scene import Scene
from tests.support.runs.short_runs import errors, fern, run, trainer

pytestmark = pytest.mark.slow  # several short trainings

LOCOMOTIVE = Path(__file__).parents[3] / "scenes" / "locomotive"
SHARE = 8  # of each stage's iterations one in so many


def hurried(scene: Scene) -> tuple[Stage, ...]:
    """The scene's own schedule, much shortened."""
    return tuple(
        replace(
            row,
            iterations=max(row.iterations // SHARE, 20),
            settle=max(row.iterations // SHARE, 20) if row.settle == row.iterations else row.settle // SHARE,
            rays=row.rays // 6,
            voxels=row.voxels if scene.kind == "forward-facing" else row.voxels // 4,  # of a cube
        )
        for row in stages(scene, Settings())
    )


def known(name: str) -> Scene:
    """A small scene that starts at its exact poses."""
    if name == "fern":
        return fern(init="reference")
    scene = load_scene(LOCOMOTIVE, SceneOptions(downscale=5, init="reference"))
    assert isinstance(scene, Scene)
    return replace(scene, training_frames=scene.training_frames[::5])


@pytest.mark.parametrize("name", ["fern", "locomotive"])
def test_exact_poses_are_never_far_from_where_they_were(name: str) -> None:
    scene = known(name)
    assert scene.poses_known
    table = hurried(scene)
    made = trainer(table, scene)
    start, most = made.poses().clone(), sum(row.iterations for row in table[:-1]) + 40
    worst = 0.0
    while made.iteration < most:
        run(made, made.iteration + 10)
        worst = max(worst, float(errors(made).relative_rotation_deg.max()))
        if table[made.stage_index].settle == table[made.stage_index].iterations:
            torch.testing.assert_close(made.poses(), start, atol=1e-6, rtol=0)
    assert worst < 0.5  # degrees; a pixel is 0.8
    assert float(errors(made).translation.mean()) < 0.02


def test_nearly_right_poses_get_no_worse() -> None:
    scene = known("fern")
    frames = len(scene.names)
    twist = torch.randn(frames, 6, generator=torch.Generator().manual_seed(1)) * torch.tensor(
        [0.004] * 3 + [0.006] * 3
    )
    made = trainer(
        hurried(scene), replace(scene, initial_poses=se3.compose(se3.exponential(twist), scene.initial_poses))
    )
    before = errors(made)
    run(made, sum(row.iterations for row in made.stages[:-1]) + 40)
    after = errors(made)
    assert after.relative_rotation_deg.mean() < before.relative_rotation_deg.mean()
    assert after.relative_rotation_deg.max() < before.relative_rotation_deg.max() + 0.1


def test_whoever_is_knocked_off_while_poses_stand_still_is_looked_for() -> None:
    made = trainer(hurried(known("fern")), known("fern"))
    run(made, 5)
    made.perturb(3, torch.tensor([0.12, 0.0, 0.05, 0.0, 0.1, 0.0]))
    assert float(errors(made).relative_rotation_deg.max()) > 5
    run(made, made.stages[0].iterations + 30)
    assert "found" in [event.kind for event in made.events]
    assert float(errors(made).relative_rotation_deg.max()) < 2.5
