"""The adjustments between stages: one after the other, a step at a time, repeatable."""

from functools import partial

import torch

from engine.registration.bundle import sequence as bundling
from engine.registration.bundle.sequence import Bundling
from tests.support.runs.short_runs import errors, run, stage, trainer

ROWS = (stage(8, 120, rays=1500, samples=16), stage(4, 40, rays=1500))


def ready(**settings):
    """A trainer with a field to look at."""
    made = trainer(ROWS, method="barf", **settings)
    run(made)
    return made


def to_the_end(made, factors, seed=0):
    adjusting = Bundling()
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


def test_adjustments_follow_each_other_and_end(monkeypatch):
    monkeypatch.setattr(bundling, "MOST_POINTS", 500)
    made = ready()
    before = made.registration.poses()
    field = {name: value.clone() for name, value in made.field.state().items()}
    poses, ends, steps = to_the_end(made, (4, 2))
    assert [end.split()[0] for end in ends] == ["1/4", "1/2"]
    assert steps <= 2 * bundling.MOST_STEPS
    assert torch.isfinite(poses).all()
    assert torch.equal(made.registration.poses(), before)  # nobody moved them yet
    assert all(torch.equal(value, field[name]) for name, value in made.field.state().items())
    old = errors(made)
    made.registration.rebase(torch.arange(len(made.frames)), poses)
    assert errors(made).relative_rotation_deg.mean() < old.relative_rotation_deg.mean()


def test_the_same_seed_ends_the_same(monkeypatch):
    monkeypatch.setattr(bundling, "MOST_POINTS", 200)
    monkeypatch.setattr(bundling, "MOST_STEPS", 4)
    made = ready()
    one, same, other = (to_the_end(made, (4,), seed)[0] for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_nothing_due_is_nothing_pending():
    adjusting = Bundling()
    assert not adjusting.pending
    assert adjusting.under_way is None


def test_a_field_in_which_nothing_is_solid_moves_nobody(monkeypatch):
    monkeypatch.setattr(bundling, "MOST_POINTS", 200)
    made = trainer(ROWS, method="barf")
    made.field.grid.voxels[..., 0] = -30.0
    poses, ends, steps = to_the_end(made, (4,))
    assert steps == 1
    assert len(ends) == 1
    torch.testing.assert_close(poses, made.registration.poses())
