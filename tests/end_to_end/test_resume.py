"""A run that was interrupted ends, bit for bit, as one that was not: with the real trainer, on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor

import engine.training.cameras
from engine.config.rows import Stage
from engine.config.settings import Settings
from engine.messages import PerturbPose, SetLambda, UndoPerturbation
from engine.run.checkpoint import load_checkpoint
from engine.run.checkpoint_writer import CheckpointWriter
from engine.run.session import Session
from engine.scenes import SceneOptions, load_scene
from engine.scenes.scene import Scene
from tests.support.runs.short_runs import small_adjustments
from tests.support.scenes.scenes_on_disk import REPOSITORY

PER_STAGE = 3
RUNS = [
    Settings(),
    Settings(method="barf"),
    Settings(method="reference"),
    Settings(optimise_focal=True, optimise_exposure=True, max_iterations=PER_STAGE),
    Settings(field="mlp", max_iterations=PER_STAGE),  # what lies between stages is the same for all fields
]


@pytest.fixture(scope="module")
def scene() -> Scene:
    """The shipped fern at 63 x 47 pixels, six frames of it."""
    whole = load_scene(REPOSITORY / "scenes" / "fern", SceneOptions(downscale=8))
    return replace(whole, training_frames=whole.training_frames[:6])


@pytest.fixture(autouse=True)
def short_stages(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All stages, with what happens between them, but few steps and rays in each."""
    real: Callable[[Scene, Settings], tuple[Stage, ...]] = engine.training.cameras.stages

    def short(scene: Scene, settings: Settings) -> tuple[Stage, ...]:
        return tuple(replace(stage, iterations=PER_STAGE, rays=300, settle=2) for stage in real(scene, settings))

    monkeypatch.setattr(engine.training.cameras, "stages", short)
    with small_adjustments(600):
        yield


def states(session: Session) -> dict[str, Tensor]:
    assert session.trainer is not None
    return session.trainer.state()[0]


def act(session: Session, until: int | None = None) -> None:
    """Trains; after one step lambda is changed and a camera knocked, too early for a search, which starts anew."""
    while session.busy and session.trainer is not None and session.trainer.iteration != until:
        session.advance()
        if session.trainer.iteration == 1:
            session.apply(SetLambda(1.0))
            session.apply(PerturbPose(1, (0.02, 0.0, 0.01), (0.0, 0.01, 0.0)))


def differing(one: dict[str, Tensor], other: dict[str, Tensor]) -> list[str]:
    assert one.keys() == other.keys()

    def same(a: Tensor, b: Tensor) -> bool:
        a, b = (x.detach().contiguous().reshape(-1).view(torch.uint8) for x in (a, b))
        return torch.equal(a, b)

    return [name for name in one if not same(one[name], other[name])]


@pytest.mark.parametrize("settings", RUNS, ids=lambda settings: f"{settings.method}-{settings.field}")
def test_an_interrupted_run_ends_as_one_that_was_not(scene: Scene, settings: Settings, tmp_path: Path) -> None:
    whole = Session(scene, settings)
    whole.begin()
    act(whole)
    assert whole.trainer is not None
    total = whole.trainer.iteration
    assert total == settings.max_iterations or total == PER_STAGE * len(whole.trainer.stages)
    for interruption in sorted({2, min(PER_STAGE + 1, total)}):
        first = Session(scene, settings, writer=CheckpointWriter(tmp_path, None, None))
        first.begin()
        act(first, interruption)
        first.writer.write(first.state)
        again = Session(scene, settings)
        again.begin(load_checkpoint(tmp_path / "checkpoint.safetensors"))
        assert again.trainer is not None
        assert again.trainer.iteration == interruption
        assert not differing(states(first), states(again))
        act(again)
        assert again.trainer.iteration == total
        assert not differing(states(whole), states(again)), f"interrupted after {interruption}"
        told = [event for event in again.history.events if event.kind != "continue"]
        assert [(e.iteration, e.kind, e.detail) for e in told] == [
            (e.iteration, e.kind, e.detail) for e in whole.history.events
        ]


def test_a_perturbation_can_be_taken_back_after_an_interruption(scene: Scene, tmp_path: Path) -> None:
    session = Session(scene, Settings(), writer=CheckpointWriter(tmp_path, None, None))
    session.begin()
    session.advance()
    before = session.snapshot().poses
    session.apply(PerturbPose(2, (0.2, 0.0, 0.0)))
    session.writer.write(session.state)
    again = Session(scene, Settings())
    again.begin(load_checkpoint(tmp_path / "checkpoint.safetensors"))
    again.apply(UndoPerturbation())
    assert abs(again.snapshot().poses - before).max() < 1e-4
    assert again.history.events[-1].kind == "undo-perturbation"


def test_the_clock_and_the_history_go_on(scene: Scene, tmp_path: Path) -> None:
    session = Session(scene, Settings(), writer=CheckpointWriter(tmp_path, None, None))
    session.begin()
    act(session, 1)
    session.stop()
    again = Session(scene, Settings())
    again.begin(load_checkpoint(tmp_path / "checkpoint.safetensors"))
    act(again, 2)
    again.stop()
    rows = again.history.rows
    assert rows[-1].seconds > session.history.rows[-1].seconds
    assert (rows[0].iteration, rows[-1].iteration) == (0, 2)
    assert all(one.seconds < other.seconds for one, other in pairwise(rows))


def test_a_loss_that_turns_nan_is_left_out_and_reported(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(scene, Settings())
    session.begin()
    session.advance()
    assert session.trainer is not None
    render = session.trainer.field.render

    def broken(*arguments: object, **options: object) -> object:
        rendering = render(*arguments, **options)  # type: ignore[arg-type]
        return rendering._replace(colour=rendering.colour * float("nan"))

    monkeypatch.setattr(session.trainer.field, "render", broken)
    session.advance()
    monkeypatch.undo()
    session.advance()
    snapshot = session.snapshot()
    assert snapshot.skipped_steps == 1
    assert "nan" in [event.kind for event in snapshot.events]
    assert torch.tensor(snapshot.poses).isfinite().all()
    assert snapshot.psnr == snapshot.psnr
