"""Copies of a run's field under the band limits of its stages; the run itself stays as it is, bit for bit."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from engine.config.settings import Settings
from engine.errors import UserError
from engine.lab.basin.map import measure_basin
from engine.lab.basin.options import BasinOptions, BasinRequest
from engine.lab.frozen import freeze
from engine.lab.frozen.camera import FrozenCamera
from engine.lab.frozen.patch import FrozenPatch
from engine.lab.landscape.curves import draw_curves, measure_curves
from engine.lab.landscape.options import LandscapeOptions, Window
from engine.run.session import Session
from engine.training.planar.trainer import PlanarTrainer
from engine.training.radiance import RadianceTrainer
from tests.support.runs import short_runs
from tests.support.scenes.planar_scenes import planar_scene

QUICK = LandscapeOptions(steps=3, first_pixels=50, curve_pixels=100)
WINDOW = Window((2.0, 2.0, 2.0, 0.1, 0.1, 0.1))


@pytest.fixture(scope="module")
def session() -> Session:
    """In the last of three stages."""
    made = short_runs.trainer()
    short_runs.run(made, iterations=20)
    found = Session(made.scene, Settings(), make_trainer=lambda *_: made)
    found.begin()
    return found


def trainer_of(session: Session) -> RadianceTrainer:
    assert isinstance(session.trainer, RadianceTrainer)
    return session.trainer


def test_measuring_leaves_the_run_as_it_is(session: Session) -> None:
    made = trainer_of(session)
    tensors, metadata = made.state()
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    for stage in (None, 0, 1):
        for _ in measure_curves(1, stage, WINDOW, QUICK)(session):
            pass
    request = BasinRequest(None, None, 5.0, 0.1, 0.5)
    for _ in measure_basin(request, BasinOptions(side=2, directions=1, steps=3, pixels=20))(session):
        pass
    after, words = made.state()
    assert short_runs.alike(before, after) == []
    assert words == metadata


def test_photo_and_field_have_the_band_limit_of_a_stage(session: Session) -> None:
    made = trainer_of(session)
    run = freeze(session)
    coarse, now = run.look(2, 0, 10_000), run.look(2, None, 10_000)
    assert isinstance(coarse, FrozenCamera)
    assert isinstance(now, FrozenCamera)
    photo = made.photos.level(8)
    assert (coarse.stage, coarse.of) == ("1/8", photo.pixels)
    assert now.stage == made.stage.name
    assert max(coarse.field.grid.shape) == made.stages[0].voxels < max(now.field.grid.shape)
    assert torch.equal(now.field.grid.voxels, made.field.grid.voxels)
    flat = photo.images[2].flatten(1).T
    torch.testing.assert_close(coarse.colours.sort(dim=0).values, flat.sort(dim=0).values)


def test_a_copy_stays_as_it_was_while_the_run_goes_on(session: Session) -> None:
    found = freeze(session).look(0, None, 200)
    before = found.losses(torch.zeros(1, 6))
    short_runs.advance(trainer_of(session), 2)
    assert torch.equal(found.losses(torch.zeros(1, 6)), before)


def test_what_does_not_exist_is_refused(session: Session) -> None:
    with pytest.raises(UserError, match="no training frame 99"):
        freeze(session).look(99, None, 10)
    with pytest.raises(UserError, match="no stage 8"):
        freeze(session).look(0, 7, 10)


def test_a_patch_is_seen_best_where_it_was_cut() -> None:
    scene = planar_scene("rigid")
    made = PlanarTrainer(scene, Settings(method="reference"))
    while made.iteration < 80:
        made.step()
    found = Session(scene, Settings(method="reference"), make_trainer=lambda *_: made)
    found.begin()
    run = freeze(found)
    patch = run.look(1, None, 4000)
    assert isinstance(patch, FrozenPatch)
    assert patch.reference == pytest.approx((0.0, 0.0, 0.0, 0.0), abs=1e-2)
    window = Window((12.0, 12.0, 10.0, 15.0))
    done = list(draw_curves(patch, window, replace(QUICK, steps=13, curve_pixels=4000)))[-1]
    assert done is not None
    assert [axis.unit for axis in done.axes] == ["px", "px", "°", "%"]
    assert done.losses.argmin(axis=1).tolist() == [6, 6, 6, 6]
    coarse = run.look(1, 0, 4000)
    assert coarse.of <= patch.of
