"""The adjustments of a stage: one after the other, a step at a time, repeatable."""

from functools import partial

import pytest
import torch

from engine.registration.bundle.options import SequenceOptions
from engine.registration.bundle.sequence import AdjustmentSequence
from tests.support.runs.short_runs import errors, run, stage, trainer

ROWS = (stage(8, 120, rays=1500, samples=16), stage(4, 40, rays=1500))


def trained(**settings):
    """A trainer whose field shows the scene."""
    made = trainer(ROWS, method="barf", **settings)
    run(made)
    return made


def run_to_the_end(made, factors, options, seed=0):
    adjusting = AdjustmentSequence(options)
    adjusting.due = list(factors)
    poses, ends, pieces = made.registration.poses(), [], 0
    while adjusting.pending:
        ended = adjusting.advance(made.field, made.photos, made.calibration, partial(torch.clone, poses), seed)
        pieces += 1
        if ended:
            poses = adjusting.close(made.calibration)
            ends.append(ended)
    steps = sum(int(end.split()[2]) for end in ends)
    assert pieces > steps
    return poses, ends, steps


@pytest.mark.slow
def test_adjustments_follow_each_other_and_end():
    options = SequenceOptions(points=500)
    made = trained()
    before = made.registration.poses()
    field = {name: value.clone() for name, value in made.field.state().items()}
    poses, ends, steps = run_to_the_end(made, (4, 2), options)
    assert [end.split()[0] for end in ends] == ["1/4", "1/2"]
    assert steps <= 2 * options.steps
    assert torch.isfinite(poses).all()
    assert torch.equal(made.registration.poses(), before)  # the caller moves them
    assert all(torch.equal(value, field[name]) for name, value in made.field.state().items())
    old = errors(made)
    made.registration.rebase(torch.arange(len(made.frames)), poses)
    assert errors(made).relative_rotation_deg.mean() < old.relative_rotation_deg.mean()


@pytest.mark.slow
def test_the_same_seed_ends_the_same():
    options = SequenceOptions(points=200, steps=4)
    made = trained()
    one, same, other = (run_to_the_end(made, (4,), options, seed)[0] for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_nothing_due_is_nothing_pending():
    adjusting = AdjustmentSequence()
    assert not adjusting.pending
    assert adjusting.under_way is None


def test_an_empty_field_changes_no_pose():
    made = trainer(ROWS, method="barf")
    made.field.grid.voxels[..., 0] = -30.0
    poses, ends, steps = run_to_the_end(made, (4,), SequenceOptions(points=200))
    assert steps == 1
    assert len(ends) == 1
    torch.testing.assert_close(poses, made.registration.poses())
