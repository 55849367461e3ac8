"""Steps of patches that a GPU would play, without one: see `tests.support.pretend_cuda` and `tests.support.tape`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any
from unittest import mock

import pytest
import torch

from engine.config.settings import Settings
from engine.fields.stages import stages
from engine.geometry.warp_names import PlanarWarp
from engine.messages import FrameStatus
from engine.scenes.planar import PlanarScene
from engine.system.recorded_work import CudaRecorder, RecordedWork, RecordingOptions
from engine.training.planar.trainer import PlanarOptions, PlanarTrainer
from tests.support.pretend_cuda import NO_CUDA, PretendCuda
from tests.support.scenes.planar_scenes import planar_scene
from tests.support.tape import TapeRecorder

PlanarCase = tuple[str, PlanarWarp, str]
CASES: list[PlanarCase] = [
    ("grid", "translation", "barf"),
    ("mlp", "translation", "l2g"),
    ("grid", "rotation", "barf"),
    ("mlp", "rotation", "barf"),
    ("grid", "rigid", "l2g"),
    ("mlp", "rigid", "barf"),
    ("grid", "homography", "l2g"),
    ("mlp", "homography", "barf"),
]


@cache
def scene(warp: PlanarWarp) -> PlanarScene:
    return planar_scene(warp, crop=48)


def end_run(device: str, case: PlanarCase, records: Callable[[], RecordedWork]) -> Any:
    """Across a stage that begins, a λ that is moved, a patch that trains no more, and one that is put elsewhere.

    Returns the trainer, and the errors of the patches after each step.
    """
    field, warp, method = case
    settings = Settings(field=field, method=method)
    first, *_, last = stages(scene(warp), settings)
    rows = tuple(replace(row, iterations=5, batch=120, adjust=0, polish=0) for row in (first, last))
    with mock.patch("engine.training.planar.trainer.stages", return_value=rows):
        trainer = PlanarTrainer(scene(warp), settings, device, PlanarOptions(search_from=8, check_period=100))
    trainer._recorded, trainer._follow._fits, trainer._follow._follows = (records() for _ in range(3))
    errors = []
    for iteration in range(10):
        if iteration == 2:
            trainer.set_lambda(1.0)
        if iteration == 8:  # without a search, which would wait
            trainer._statuses[1:] = [FrameStatus.REJECTED, FrameStatus.REGISTERED]
            trainer._place(2, trainer.registration.transforms()[1])
        trainer._optimise() if iteration != 5 else trainer._begin_stage(1)
        errors.append(trainer.errors.total.clone())
    return trainer, torch.stack(errors).cpu()


@pytest.mark.parametrize("case", CASES)
def test_recorded_steps_of_patches_end_as_those_that_are_not(case: PlanarCase) -> None:
    recorder = TapeRecorder()
    with PretendCuda(), mock.patch("engine.registration.planar.local_to_global._FOLLOW_ROUNDS", 1):
        played, errors = end_run("cuda", case, lambda: RecordedWork(recorder, RecordingOptions(warm=1)))
        launched, expected = end_run("cuda", case, lambda: RecordedWork(None))
        one, other = (trainer.state()[0] for trainer in (played, launched))
        assert one.keys() == other.keys()
        assert all(bool((one[name].cpu() == value.cpu()).all()) for name, value in other.items())
        there = played.transforms().cpu()
    assert played._recorded.plays
    assert played._follow._follows.plays or case[2] == "barf"
    assert (errors == expected).all()
    here, by_cpu = end_run("cpu", case, lambda: RecordedWork(None))
    torch.testing.assert_close(errors, by_cpu, rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(there, here.transforms(), rtol=0, atol=0.02)  # pixels of the image


@pytest.mark.gpu
@NO_CUDA
@pytest.mark.parametrize("case", CASES)
def test_a_real_gpu_plays_steps_of_patches(case: PlanarCase) -> None:
    """Sums of a GPU come in any order: steps differ in their last digits."""
    device = torch.device("cuda")
    played, errors = end_run("cuda", case, lambda: RecordedWork(CudaRecorder(device), RecordingOptions(warm=1)))
    _, expected = end_run("cuda", case, lambda: RecordedWork(None))
    assert played._recorded.plays
    torch.testing.assert_close(errors, expected, rtol=1e-2, atol=1e-5)
