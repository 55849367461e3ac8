"""Short real trainings: what a user would notice if it were not so."""

import json
import math
from dataclasses import replace

import pytest
import torch

from engine.config.settings import Settings
from engine.errors import UserError
from engine.training.radiance import RadianceTrainer
from tests.support.runs.short_runs import (
    REGISTERS,
    TINY,
    advance,
    alike,
    errors,
    event_kinds,
    fern,
    run,
    stage,
    trainer,
)

NEURAL = (stage(8, 4, rays=90, samples=6), stage(4, 4, rays=90, samples=6))


def saved(made: RadianceTrainer) -> tuple[dict[str, torch.Tensor], dict]:
    """What a checkpoint on disk would hold."""
    tensors, metadata = made.state()
    return {name: tensor.clone() for name, tensor in tensors.items()}, json.loads(json.dumps(metadata))


def interrupted(made: RadianceTrainer, rows=TINY, **settings) -> RadianceTrainer:
    """Another trainer that takes up where this one stands."""
    other = trainer(rows, **settings)
    other.load_state(*saved(made))
    return other


@pytest.mark.slow
@pytest.mark.parametrize("method", ["l2g", "barf"])
def test_a_fern_is_registered_from_the_identity(method):
    made = trainer(REGISTERS, method=method)
    start = errors(made)
    run(made, REGISTERS[0].iterations + REGISTERS[1].iterations)
    coarse = errors(made)
    assert coarse.relative_rotation_deg.mean() < 0.5 * start.relative_rotation_deg.mean()
    assert made.frame_psnr().min() > 20
    run(made, points=1500)
    fine = errors(made)
    assert fine.relative_rotation_deg.mean() < 0.5
    assert fine.rotation_deg.mean() < 1.0
    assert fine.translation.mean() < 0.4 * coarse.translation.mean()
    kinds = event_kinds(made)
    assert kinds.count("scale") <= 1  # whether the world must grow depends on the scale it chose
    assert [kind for kind in kinds if kind != "scale"] == ["stage", "stage", "bundle", "bundle", "stage"]
    assert made.skipped_steps == 0


@pytest.mark.slow
@pytest.mark.parametrize("init", ["auto", "noise"])  # wherever others would start
def test_reference_poses_stay_and_the_field_learns(init):
    made = trainer(REGISTERS[:2], fern(init=init), method="reference")
    run(made)
    assert torch.equal(made.poses(), made.scene.reference_poses[made.frames])
    assert made.frame_psnr().mean() > 27
    assert made.alignment() == 0
    assert event_kinds(made) == ["stage", "stage"]


def test_a_frame_without_a_reference_does_not_train_on_references():
    scene = fern()
    known = scene.reference_poses.clone()
    known[scene.training_frames[2]] = torch.nan
    made = trainer(REGISTERS[:1], replace(scene, reference_poses=known), method="reference")
    for _ in range(30):
        made.step()
    assert made.statuses.never_registered == {2}
    assert made.skipped_steps == 0
    assert torch.equal(made.frame_psnr().isnan(), torch.arange(len(made.frames)) == 2)


def test_without_references_there_is_nothing_to_train_on():
    with pytest.raises(UserError, match=r"fern has none: choose another method, or let COLMAP"):
        trainer(scene=replace(fern(), reference_poses=None), method="reference")


def test_naive_starts_at_the_finest_band():
    made = RadianceTrainer(fern(8), Settings(method="naive", assist=False))
    assert len(made.stages) == 1
    assert made.stage.downsample == 1
    before = made.poses()
    for _ in range(2):
        made.step()
    assert made.iteration == 2
    assert not torch.equal(made.poses(), before)


def test_a_grid_has_no_encoding_to_leave_out():
    with pytest.raises(UserError, match=r"no-encoding needs --field mlp"):
        trainer(method="no-encoding")


@pytest.mark.parametrize("method", ["l2g", "barf", "no-encoding", "naive", "reference"])
def test_the_neural_field_takes_every_method(method):
    made = trainer(NEURAL, method=method, field="mlp")
    before, seen = made.poses(), []
    for _ in range(5):
        made.step()
        seen.append(made.photometric())
    assert made.skipped_steps == 0
    assert all(math.isfinite(value) for value in seen)
    assert torch.equal(made.poses(), before) == (method == "reference")


def test_only_the_local_warp_has_an_alignment_term():
    values = {}
    for method in ("l2g", "barf"):
        made = trainer(method=method)
        run(made, 5)
        values[method] = made.alignment()
    assert values["l2g"] > 0
    assert values["barf"] == 0


@pytest.mark.slow
def test_a_run_is_repeatable_and_seeds_differ():
    one, same, other = trainer(), trainer(), trainer(seed=1)
    for made in (one, same, other):
        run(made, 10)
    assert torch.equal(one.poses(), same.poses())
    assert alike(one.state()[0], same.state()[0]) == []
    assert not torch.equal(one.poses(), other.poses())


# ---------------------------------------------------------------------- lambda


def test_lambda_changed_between_two_steps_is_honoured():
    made = trainer((stage(8, 60, rays=600),), lambda_exponent=0.0)
    run(made, 10)
    terms = {}
    for exponent in (-2.0, 3.0):
        other = interrupted(made, made.stages)
        other.set_lambda(exponent)
        run(other, 40)
        terms[exponent] = other.alignment()
    assert terms[3.0] < 0.3 * terms[-2.0]
    assert other.events[-1].kind == "set-lambda"
    assert other.events[-1].detail == "3"
    assert saved(other)[1]["lambda_exponent"] == 3.0


# ---------------------------------------------------------------------- learning rates


@pytest.mark.parametrize("settings", [{}, {"field": "mlp"}])
def test_rates_are_multiplied_from_the_next_step_on(settings):
    made = trainer(NEURAL if settings else TINY, method="barf", **settings)
    run(made, 3)
    learned = "module.trunk.0.weight" if settings else "voxels"
    poses, values = made.poses(), made.field.state()[learned].clone()
    moved = {}
    for factors in ((1.0, 1.0), (3.0, 1.0), (1.0, 0.5)):
        other = interrupted(made, made.stages, method="barf", **settings)
        other.set_rates(*factors)
        advance(other, 1)
        moved[factors] = (other.field.state()[learned] - values).norm(), (other.poses() - poses).norm()
    field, pose = moved[1.0, 1.0]
    assert moved[3.0, 1.0][0] > 2 * field
    assert moved[3.0, 1.0][1] == pose
    assert moved[1.0, 0.5][0] == field
    torch.testing.assert_close(moved[1.0, 0.5][1], pose / 2, rtol=0.05, atol=0)
    assert other.events[-1].kind == "set-rates"
    assert interrupted(other, made.stages, method="barf", **settings).rate_factors == (1.0, 0.5)


# ---------------------------------------------------------------------- continuing


CALIBRATED = {"optimise_focal": True, "optimise_exposure": True}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("at", "settings"),
    [
        pytest.param(5, {}, id="before a stage"),
        pytest.param(8, {}, id="at a stage's end"),
        pytest.param(16, {}, id="at another's end"),
        pytest.param(20, {}, id="with proposals and tint"),
        pytest.param(5, {"method": "barf"}, id="barf"),
        pytest.param(8, CALIBRATED, id="focal length and exposures"),
        pytest.param(16, {"method": "reference"}, id="reference"),
    ],
)
def test_continuing_gives_what_an_uninterrupted_run_gives(at, settings):
    made = trainer(**settings)
    run(made, at)
    other = interrupted(made, **settings)
    for one in (made, other):
        run(one)
    assert made.iteration == other.iteration == 28
    assert torch.equal(made.poses(), other.poses())
    assert alike(made.state()[0], other.state()[0]) == []
    assert made.state()[1] == other.state()[1]


@pytest.mark.parametrize("method", ["l2g", "barf"])
def test_continuing_the_neural_field(method):
    made = trainer(NEURAL, method=method, field="mlp")
    run(made, 3)
    other = interrupted(made, NEURAL, method=method, field="mlp")
    for one in (made, other):
        run(one, 6)
    assert alike(made.state()[0], other.state()[0]) == []


@pytest.mark.slow
@pytest.mark.parametrize("steps", [1, 10, 30])  # found to be due, looking for points, moving
def test_interrupted_in_the_middle_of_an_adjustment(steps):
    made = trainer()
    run(made, 8)
    advance(made, steps)
    assert made._adjustment.pending
    assert made._adjustment.under_way == (steps == 30)
    assert made.iteration == 8
    other = interrupted(made)
    for one in (made, other):
        run(one, 14)
    assert made.events == other.events
    assert alike(made.state()[0], other.state()[0]) == []


# ---------------------------------------------------------------------- what is not finite


def test_a_pixel_that_is_no_number_harms_nothing():
    made = trainer()
    run(made, 4)
    images = made.photos.level(8).images
    kept = images.clone()
    images[3] = math.nan
    before, _ = saved(made)
    made.step()
    after = made.state()[0]
    changed = set(alike(before, after))
    assert changed <= {"generator", "error", "error_weight", "alignment", "field.visible"}
    assert made.skipped_steps == 1
    assert made.events[-1].kind == "nan"
    assert made.iteration == 5
    assert math.isfinite(made.photometric())
    images.copy_(kept)
    run(made)
    assert made.skipped_steps == 1
    assert torch.isfinite(made.poses()).all()
    assert torch.isfinite(made.field.grid.voxels).all()


def test_a_gradient_that_is_no_number_is_left_out():
    made = trainer()
    run(made, 4)
    parameter = next(iter(made.registration.module().parameters()))
    hook = parameter.register_hook(lambda gradient: gradient * math.nan)
    before, _ = saved(made)
    made.step()
    assert set(alike(before, made.state()[0])) <= {"generator"}
    assert made.skipped_steps == 1
    hook.remove()
    made.step()
    assert made.skipped_steps == 1
    assert set(alike(before, made.state()[0])) > {"generator"}


def test_a_voxel_that_is_no_number_heals_and_does_not_spread():
    made = trainer()
    run(made, 4)
    voxels = made.field.grid.voxels
    half = voxels.shape[2] // 2
    untouched = voxels[:, :, half:].clone()
    voxels[:, :, :half] = math.nan
    poses = made.poses()
    made.step()
    assert made.skipped_steps == 1
    assert torch.equal(made.poses(), poses)
    assert torch.isfinite(made.field.grid.voxels).all()
    assert torch.equal(made.field.grid.voxels[:, :, half:], untouched)
    for _ in range(3):
        made.step()
    assert made.skipped_steps == 1
    assert [event.kind for event in made.events].count("nan") == 1


# ---------------------------------------------------------------------- where a run stands


def test_the_run_ends_where_it_was_told_to():
    assert trainer().iterations == 28
    made = trainer(max_iterations=6)
    run(made)
    assert made.iteration == made.iterations == 6
    made.step()  # somebody goes on all the same
    assert made.iteration == 7


def test_training_goes_on_in_the_last_stage():
    made = trainer(TINY[:1])
    run(made, 12)
    assert made.finished
    assert made.stage_index == 0
    assert made.skipped_steps == 0
