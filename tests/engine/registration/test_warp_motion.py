"""The warp that moves beside the poses, and λ that the run chooses: short runs with fixed seeds and counted steps."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from unittest import mock

import pytest
import torch

from engine.config.settings import Settings
from engine.fields.stages import stages
from engine.registration.warp_motion import DEFAULT, LAMBDA_CHOICE, LambdaChoice, choose_lambda, find_motion
from engine.training.planar import trainer as planar_module
from engine.training.planar.snapshot import patch_warp_snapshot, planar_snapshot
from engine.training.planar.trainer import LATTICE, PlanarTrainer
from engine.training.radiance import RadianceTrainer
from tests.support.runs.short_runs import run, stage, trainer
from tests.support.scenes.planar_scenes import planar_scene

STILL = (stage(8, 200, rays=900, settle=200, pose_rate=(1e-4, 1e-4)),)  # poses stand still in all of it


def residual(made: PlanarTrainer) -> float:
    """The mean of the patches that are fitted, pixels of the image."""
    found = [
        patch_warp_snapshot(made.registration.patch_warp(patch), made.scene, patch, LATTICE).residual_px.mean()
        for patch in range(1, len(made.scene.patches))
    ]
    return float(sum(found)) / len(found)


def trainer_of_patches(**settings: object) -> PlanarTrainer:
    """Of patches that begin near their places, with a table that is made to be quick."""
    scene = planar_scene("rigid", seed=1, noise=(0.0, 0.02, 0.05))
    chosen = Settings(assist=False, **settings)  # type: ignore[arg-type]
    rows = [replace(row, iterations=60, batch=1500) for row in stages(scene, chosen)]
    with mock.patch.object(planar_module, "stages", return_value=tuple(rows)):
        return PlanarTrainer(scene, chosen)


def advanced(made: PlanarTrainer, steps: int) -> PlanarTrainer:
    until = made.iteration + steps
    while made.iteration < until:
        made.step()
    return made


@pytest.fixture(scope="module")
def late() -> PlanarTrainer:
    """Patches that have been registered, in the last stage, where their rate has fallen to next to nothing."""
    made = trainer_of_patches()
    assert advanced(made, 90).stage_index == len(made.stages) - 1
    return made


def test_lambda_is_alive_in_the_last_stage(late):
    made, untouched = trainer_of_patches(), trainer_of_patches()
    for one in (made, untouched):
        tensors, metadata = late.state()
        one.load_state({name: value.clone() for name, value in tensors.items()}, json.loads(json.dumps(metadata)))
    before = residual(made)
    made.set_lambda(-2.0)
    soft = max(residual(advanced(made, 10)) for _ in range(4))
    assert soft > 10 * before
    made.set_lambda(4.0)
    assert residual(advanced(made, 40)) < before
    made.set_lambda(2.0)
    advanced(made, 40)
    advanced(untouched, 120)
    corners = [planar_snapshot(one.scene, one.transforms()).corner_error_px.max() for one in (made, untouched)]
    assert corners[0] < corners[1] + 0.1, "what was reached is kept"


def test_a_run_whose_lambda_nobody_moves_is_as_published(late):
    made, plain = trainer_of_patches(), trainer_of_patches()
    for one in (made, plain):
        tensors, metadata = late.state()
        one.load_state({name: value.clone() for name, value in tensors.items()}, json.loads(json.dumps(metadata)))
    plain._motion = None
    assert torch.equal(advanced(made, 5).transforms(), advanced(plain, 5).transforms())
    made.set_lambda(made.lambda_exponent)
    assert not torch.equal(advanced(made, 5).transforms(), advanced(plain, 5).transforms())
    again = trainer_of_patches()
    tensors, metadata = made.state()
    again.load_state(tensors, json.loads(json.dumps(metadata)))
    assert torch.equal(advanced(again, 5).transforms(), advanced(made, 5).transforms()), "a resumed run knows it"


@pytest.mark.parametrize("exponent", [-2.0, 4.0])
def test_poses_that_stand_still_do_so_while_the_warp_lives(exponent):
    made = trainer(STILL)
    assert isinstance(made, RadianceTrainer)
    made.set_lambda(exponent)
    before = made.poses()
    run(made, 20)
    torch.testing.assert_close(made.poses(), before, atol=2e-5, rtol=0)
    assert (made.alignment() > 1e-9) == (exponent < 0)


def test_warps_bend_also_while_poses_that_will_move_stand_still():
    made = trainer((stage(8, 200, rays=900, settle=200, pose_rate=(1e-2, 1e-2)),))
    made.set_lambda(-2.0)
    before = made.poses()
    run(made, 20)
    torch.testing.assert_close(made.poses(), before, atol=2e-5, rtol=0)
    assert made.alignment() > 1e-9


def test_published_rates_and_methods_without_a_warp_have_no_motion_of_their_own():
    assert find_motion(Settings()) is DEFAULT
    assert find_motion(Settings(preset="paper")) is None
    assert find_motion(Settings(method="barf")) is None


def test_a_softer_warp_moves_faster_within_limits():
    rates = [DEFAULT.warp_rate(exponent) for exponent in (-30.0, -2.0, 0.0, 2.0, 4.0, 30.0)]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == pytest.approx(DEFAULT.softest * DEFAULT.rate)
    assert rates[3] == rates[-1] == DEFAULT.rate
    assert DEFAULT.warp_rate(0.0) == pytest.approx(10 * DEFAULT.rate)


def test_a_step_ends_more_stiffly_the_larger_lambda_is():
    steps = [DEFAULT.end_step(exponent, 1.0, 0.01, early=False) for exponent in (-2.0, 2.0, 4.0, 30.0)]
    assert [step.stiffness for step in steps] == sorted(step.stiffness for step in steps)
    assert steps[0].stiffness < 0.01
    assert math.isfinite(steps[-1].stiffness)
    assert steps[0].bend == pytest.approx(100 * steps[1].bend)
    assert steps[1].bend == steps[-1].bend
    bent = torch.tensor(4 * steps[1].limit ** 2)
    assert float(steps[1].strength(bent)) == pytest.approx(steps[1].stiffness + 3)


def test_lambda_is_the_ratio_of_the_variances():
    pixel = LambdaChoice(tolerance_px=1.0)
    assert choose_lambda(1e-2, 1e-2, 6, pixel) == pytest.approx(math.log10(200))
    assert choose_lambda(1e-2, 1e-3, 6, pixel) == pytest.approx(math.log10(20000))
    assert choose_lambda(1e-3, 1e-2, 6, pixel) == pytest.approx(math.log10(20))
    assert choose_lambda(1e-3, 4e-2, 6) == choose_lambda(1e-3, 1e-2, 6, pixel)
    assert choose_lambda(0.0, 1e-2, 6) is None
    assert choose_lambda(1e-2, 1e-9, 6) == LAMBDA_CHOICE.highest
    assert choose_lambda(1e-9, 1.0, 2) == LAMBDA_CHOICE.lowest


def test_a_run_chooses_lambda_until_the_user_does():
    made = trainer_of_patches(auto_lambda=True)
    chosen = [advanced(made, 20).lambda_exponent for _ in range(3)]
    assert len(set(chosen)) == 3
    tensors, metadata = made.state()
    other = trainer_of_patches(auto_lambda=True)
    other.load_state({name: value.clone() for name, value in tensors.items()}, json.loads(json.dumps(metadata)))
    assert (other.auto_lambda, other.lambda_exponent) == (True, made.lambda_exponent)
    assert advanced(other, 5).lambda_exponent == advanced(made, 5).lambda_exponent
    made.set_lambda(1.0)
    assert (advanced(made, 5).lambda_exponent, made.auto_lambda) == (1.0, False)
    made.choose_lambda(True)
    assert advanced(made, 5).lambda_exponent != 1.0
    assert [event.kind for event in made.events if event.kind.endswith("lambda")] == ["set-lambda", "auto-lambda"]
