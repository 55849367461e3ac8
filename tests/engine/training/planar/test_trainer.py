"""Real planar trainings, small and short."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.config.settings import Settings
from engine.errors import UserError
from engine.fields.stages import stages
from engine.messages import (
    FrameStatus,
    PerturbAll,
    PerturbPatch,
    PerturbPose,
    PlanarSnapshot,
    RedoPerturbation,
    SelectFrame,
    SetLambda,
    UndoPerturbation,
)
from engine.registration.planar.relocalisation import PatchSearchOptions
from engine.results.planar import patch_psnr
from engine.run.checkpoint import load_checkpoint
from engine.run.checkpoint_writer import CheckpointWriter
from engine.run.session import Session
from engine.scenes.planar import PlanarScene
from engine.training.planar.learned_image import learned_image
from engine.training.planar.snapshot import patch_warp_snapshot, planar_snapshot
from engine.training.planar.trainer import PlanarOptions, PlanarTrainer
from tests.support.scenes.planar_scenes import planar_scene

SEARCH_FROM = PlanarOptions().search_from


def trained(scene: PlanarScene, steps: int, options: PlanarOptions | None = None, **settings) -> PlanarTrainer:
    trainer = PlanarTrainer(scene, Settings(**settings), options=options)
    while trainer.iteration < steps:
        trainer.step()
    return trainer


def errors(trainer: PlanarTrainer) -> np.ndarray:
    return planar_snapshot(trainer.scene, trainer.transforms()).corner_error_px


def statuses(session: Session) -> tuple[FrameStatus, ...]:
    return session.snapshot().frame_status


def planar(session: Session) -> PlanarSnapshot:
    found = session.snapshot().planar
    assert found is not None
    return found


@pytest.fixture(scope="module")
def finished() -> Session:
    """A run that has come to its end."""
    session = Session(planar_scene("homography", seed=1), Settings(max_iterations=270), keep_going=True)
    session.begin()
    while session.trainer.iteration < 270:
        session.advance()
    return session


def test_patches_register(finished):
    trainer = finished.trainer
    before = planar(finished)
    assert before.corner_error_px.max() < 0.3
    assert set(statuses(finished)) == {FrameStatus.REGISTERED}
    assert finished.snapshot().verdict.state == "registered"
    assert patch_psnr(trainer) > 30
    assert (learned_image(trainer).shape, len(finished.history.rows) > 1) == ((120, 160, 3), True)


def test_a_knocked_patch_returns_and_can_be_taken_back(finished):
    before = planar(finished)
    finished.apply(SelectFrame(2))
    corners = before.corners[2] + np.array([[25, -10], [10, 20], [-15, 5], [5, 15]])
    finished.apply(PerturbPatch(2, tuple(map(tuple, corners.tolist()))))
    knocked = planar(finished)
    assert knocked.corner_error_px[2] > 8
    assert statuses(finished)[2] is FrameStatus.SEARCHING
    assert (knocked.corner_error_px[:2] < 0.5).all()
    assert knocked.warp is not None
    assert (knocked.warp.frame, knocked.warp.shape, knocked.warp.points.max()) == (2, (17, 17), 64)
    finished.apply(UndoPerturbation())
    assert planar(finished).corner_error_px[2] < 0.5
    assert statuses(finished)[2] is FrameStatus.REGISTERED
    finished.apply(RedoPerturbation())
    assert planar(finished).corner_error_px[2] > 8
    for _ in range(45):
        finished.advance()
    returned = planar(finished)
    assert returned.corner_error_px[2] < 1.5
    assert statuses(finished)[2] is FrameStatus.REGISTERED
    finished.apply(UndoPerturbation())


def test_kicks_that_make_no_sense(finished):
    inside_out = ((60.0, 10.0), (10.0, 10.0), (10.0, 60.0), (60.0, 60.0))
    for command, words in (
        (PerturbPatch(0, inside_out), "first patch is fixed"),
        (PerturbPatch(1, inside_out), "inside out"),
        (PerturbPatch(1, ((0.0, 0.0),) * 4), "inside out"),
        (PerturbPatch(1, ((float("nan"), 0.0), *inside_out[1:])), "so far out"),
        (PerturbPatch(9, inside_out), "no training frame 9"),
        (PerturbPose(1, (0.1, 0.0, 0.0)), "no cameras"),
    ):
        before = planar(finished).corners
        finished.apply(command)
        assert finished.history.events[-1].kind == "refused"
        assert words in finished.history.events[-1].detail
        assert (planar(finished).corners == before).all()


def test_all_are_knocked_but_the_first(finished):
    before = planar(finished)
    finished.apply(PerturbAll(0.3, 0.1, seed=1))
    knocked = planar(finished)
    assert knocked.corner_error_px[0] < 1e-3
    assert (knocked.corner_error_px[1:] > 3).all()
    finished.apply(UndoPerturbation())
    np.testing.assert_allclose(planar(finished).corners, before.corners, atol=0.05)


@pytest.mark.parametrize("kind", ["homography", "rigid"])
def test_a_small_lambda_lets_the_warp_bend(kind):
    residuals = []
    for exponent in (2.0, -2.0):
        trainer = trained(planar_scene(kind, seed=1), SEARCH_FROM - 2, lambda_exponent=exponent)
        warp = patch_warp_snapshot(trainer.registration.patch_warp(1), trainer.scene, 1, 17)
        residuals.append(warp.residual_px.mean())
    stiff, bent = residuals
    assert stiff < 0.1
    assert bent > 5 * stiff


def test_lambda_is_set_and_noted(finished):
    finished.apply(SetLambda(3.0))
    assert finished.snapshot().lambda_exponent == 3
    assert finished.history.events[-1].kind == "set-lambda"


def test_a_patch_of_something_else_is_reported():
    scene = planar_scene("rigid", patches=3)
    noise = torch.Generator().manual_seed(0)
    scene.patches[2] = torch.randint(0, 256, scene.patches[2].shape, dtype=torch.uint8, generator=noise)
    options = PlanarOptions(search=PatchSearchOptions(attempts=2))
    trainer = trained(scene, SEARCH_FROM + 60, options=options)
    registered = [status is FrameStatus.REGISTERED for status in trainer.frame_status()]
    assert registered == [True, True, False]
    assert ("rejected", "patch 2") in [(event.kind, event.detail) for event in trainer.events]
    assert errors(trainer)[1] < 2
    assert [frame.state for frame in trainer.verdict().frames] == ["registered", "registered", "failed"]


def test_patches_that_do_not_register_are_said_to_have_failed():
    trainer = trained(planar_scene("homography", seed=1), SEARCH_FROM, assist=False)
    assert errors(trainer)[1:].min() > 2
    assert trainer.verdict().state == "failed"


@pytest.mark.parametrize("method", ["l2g", "barf", "naive"])
def test_without_assistance_nothing_is_looked_for(method):
    trainer = trained(planar_scene("rigid"), SEARCH_FROM + 30, method=method, assist=False)
    assert {event.kind for event in trainer.events} == {"stage"}
    assert all(stage.adjust == stage.polish == 0 for stage in trainer.stages)
    assert (trainer.alignment() > 0) == (method == "l2g")


@pytest.mark.parametrize("method", ["barf", "naive"])
def test_every_method_gets_the_same_help(method):
    trainer = trained(planar_scene("rigid"), SEARCH_FROM + 30, method=method)
    assert "found" in {event.kind for event in trainer.events}
    assert trainer.frame_status().count(FrameStatus.REGISTERED) > 1
    helped = [(stage.adjust, stage.polish) for stage in trainer.stages]
    assert helped == [(stage.adjust, stage.polish) for stage in stages(trainer.scene, Settings())]


@pytest.mark.parametrize("method", ["barf", "l2g"])
def test_a_small_shift_is_undone_without_help(method):
    scene = planar_scene("translation", noise=(0, 0.0, 0), patches=2)
    trainer = PlanarTrainer(scene, Settings(method=method), options=PlanarOptions(search_from=10_000))
    trainer.perturb(1, torch.tensor([[1, 0, 52.0], [0, 1, 24.0], [0, 0, 1]]))
    trainer._relocaliser.searches.clear()
    assert errors(trainer)[1] > 4
    for _ in range(120):
        trainer.step()
    assert errors(trainer)[1] < 1.5


def test_a_run_goes_on_where_only_the_fixed_patch_is_registered():
    """The other one waits until it is looked for; adjustments are due before."""
    assert (
        trained(planar_scene("homography", patches=2, crop=16), steps=SEARCH_FROM // 2).iteration == SEARCH_FROM // 2
    )


def test_reference_stays_where_the_patches_were_cut():
    trainer = trained(planar_scene("homography"), 30, method="reference")
    assert errors(trainer).max() < 1e-2


@pytest.mark.parametrize("field", ["grid", "mlp"])
def test_an_interrupted_run_goes_on_as_if_it_had_not_been(field, tmp_path: Path):
    scene, settings = planar_scene("rigid", seed=4), Settings(field=field, max_iterations=20, lambda_exponent=1.0)
    whole = Session(scene, settings)
    whole.begin()
    first = Session(scene, settings, writer=CheckpointWriter(tmp_path, None, None))
    first.begin()
    for session, steps in ((whole, 20), (first, 9)):
        while session.trainer.iteration < steps:
            session.advance()
            if session.trainer.iteration == 5:
                session.trainer._place(1, torch.eye(3))
    first.writer.write(first.state)
    again = Session(scene, settings)
    again.begin(load_checkpoint(tmp_path / "checkpoint.safetensors"))
    while again.trainer.iteration < 20:
        again.advance()
    one, other = whole.trainer.state()[0], again.trainer.state()[0]
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


def test_fields_and_methods_that_do_not_go_together():
    with pytest.raises(UserError, match="--field mlp"):
        PlanarTrainer(planar_scene(), Settings(method="no-encoding"))
    trainer = trained(planar_scene(), 3, method="no-encoding", field="mlp")
    assert np.isfinite(trainer.photometric())


def test_the_papers_settings():
    trainer = trained(planar_scene(crop=16), 2, preset="paper", field="mlp")
    assert trainer.iterations == 5000
    assert [tuple(layer.weight.shape) for layer in trainer.field._layers] == [(256, 34), *[(256, 256)] * 3, (3, 256)]
    assert not trainer._helps
