"""What a GPU would do with a run, without one: see `tests.support.pretend_cuda`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any
from unittest import mock

import pytest
import torch

from engine.config.rows import Stage
from engine.config.settings import Settings
from engine.evidence.tracks import Tracks
from engine.fields.hash.field import HashField
from engine.fields.sampled import SAMPLING
from engine.fields.voxel_grid import reference
from engine.fields.voxel_grid.options import FIELD
from engine.geometry import se3
from engine.scenes.scene import Scene, SceneKind
from engine.system.recorded_work import CudaRecorder, RecordedWork, RecordingOptions
from engine.training import cameras as trainer_module
from engine.training.planar.trainer import PlanarTrainer
from engine.training.radiance import RadianceTrainer
from engine.training.radiance_options import RadianceOptions
from engine.training.trainer import Trainer
from tests.support.pretend_cuda import NO_CUDA, MixedDevices, PretendCuda, cuda_devices
from tests.support.runs.short_runs import small_adjustments, stage
from tests.support.scenes.planar_scenes import planar_scene
from tests.support.tape import TapeRecorder
from tests.support.worlds.analytic import WALL, cameras, photographed

COARSE = stage(4, 2, rays=120, samples=6)
FINE = stage(2, 5, rays=120, samples=6, proposals=True, directional=True, settle=1)
SPARSE = replace(FINE, sparse=True)


@cache
def wall(kind: SceneKind = "forward-facing", *, matched: bool = False) -> Scene:
    """Four photos of a wall, 48 by 36 pixels, from poses that differ a little from where a run begins."""
    poses = cameras(4, spread=0.05)
    scene = replace(photographed(poses, ()), kind=kind, near=0.5, box_centre=(0.0, 0.0, WALL), box_half_extent=1.2)
    return replace(scene, tracks=tracks(scene)) if matched else scene


def tracks(scene: Scene) -> Tracks:
    """Matches of points in front of and behind the wall, of which a few leave a picture."""
    assert scene.reference_poses is not None
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(150, 3, generator=generator) * torch.tensor([1.6, 1.2, 1.0]) + torch.tensor([-0.8, -0.6, 2.5])
    camera = se3.transform(scene.reference_poses[:, None], points[None])
    intrinsics = scene.intrinsics
    pixels = camera[..., :2] / camera[..., 2:] * intrinsics.focal[:, None] + intrinsics.centre[:, None]
    inside = ((pixels > 0) & (pixels < torch.tensor([intrinsics.width, intrinsics.height]))).all(-1)
    inside[:, inside.sum(0) < 2] = False
    track, frame = inside.T.nonzero(as_tuple=True)
    number = (inside.any(0).long().cumsum(0) - 1)[track]
    return Tracks(frame, number, pixels[frame, track], torch.full((int(inside.any(0).sum()), 3), torch.nan))


def made(rows: tuple[Stage, ...], scene: Scene, device: str, **settings: object) -> RadianceTrainer:
    options = RadianceOptions(check_period=4, hold=2)
    with mock.patch.object(trainer_module, "stages", return_value=rows):
        return RadianceTrainer(scene, Settings(**settings), device, options)  # type: ignore[arg-type]


def advance(trainer: Trainer, iterations: int) -> None:
    with small_adjustments(40):
        while trainer.iteration < iterations:
            trainer.step()


# ---------------------------------------------------------------------- the instrument itself


def test_mixed_devices_raise_and_what_makes_the_host_wait_is_noted() -> None:
    with PretendCuda() as cuda:
        there = torch.tensor([1.0, 2.0, 3.0], device="cuda")
        with pytest.raises(MixedDevices):
            there + torch.ones(3)
        with pytest.raises(MixedDevices):
            torch.ones(3)[torch.tensor([0], device="cuda")]
        with pytest.raises(MixedDevices):
            torch.rand(3, device="cuda", generator=torch.Generator())
        with pytest.raises(TypeError, match="cuda"):
            there.numpy()
        with cuda.watched() as waits:
            there * 2.0 + torch.ones(())
            torch.rand(3).pin_memory().to("cuda", non_blocking=True)
            there[there > 2] = 0.0
        assert not waits
        with cuda.watched() as waits:
            torch.rand(3).to("cuda")
            there[[0, 1]]
            there[there > 2]
            there.sum().item()
        assert [wait.split(" at ")[0] for wait in waits] == [
            *("aten._to_copy", "aten.index", "aten.index", "aten._local_scalar_dense")
        ]
        assert all("test_cuda.py" in wait for wait in waits)
        assert there.tolist() == [1.0, 2.0, 0.0]


def test_beside_a_real_gpu_a_pretended_one_uses_nothing_of_it() -> None:
    with mock.patch("torch.cuda.is_available", return_value=True), PretendCuda():
        trainer = made((COARSE,), wall(), "cuda", assist=False)
        advance(trainer, 5)
        assert not trainer._recorded.plays
        assert trainer.field._backend is reference  # type: ignore[attr-defined]


# ---------------------------------------------------------------------- steps

CASES = [
    ("forward-facing", "grid", "l2g", FINE),
    ("forward-facing", "grid", "barf", SPARSE),
    ("object", "grid", "l2g", SPARSE),
    ("unbounded", "grid", "reference", FINE),
    ("unbounded", "grid", "barf", SPARSE),
    ("forward-facing", "mlp", "l2g", FINE),
    ("forward-facing", "hash", "barf", FINE),
]


@pytest.mark.parametrize(("kind", "field", "method", "last"), CASES)
def test_the_host_does_not_wait_for_a_gpu_within_a_step(kind: SceneKind, field: str, method: str, last: Stage) -> None:
    with PretendCuda() as cuda:
        trainer = made((COARSE, last), wall(kind), "cuda", field=field, method=method, assist=False)
        advance(trainer, 5)  # the first steps of a stage make what the others use
        with cuda.watched() as waits:
            advance(trainer, 7)
        assert trainer.poses().device.type == "cuda"
    assert waits == []


@pytest.mark.gpu
@NO_CUDA
@pytest.mark.parametrize(("kind", "field", "method", "last"), CASES)
def test_the_host_does_not_wait_for_a_real_gpu(kind: SceneKind, field: str, method: str, last: Stage) -> None:
    trainer = made((COARSE, last), wall(kind), "cuda", field=field, method=method, assist=False)
    advance(trainer, 5)
    torch.cuda.set_sync_debug_mode("error")
    try:
        advance(trainer, 7)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert bool(trainer.poses().isfinite().all())


@pytest.mark.parametrize("auto", [False, True])
def test_a_lambda_that_is_moved_or_chosen_costs_no_wait(auto: bool) -> None:
    """Where it is chosen, errors are read once in many steps."""
    with PretendCuda() as cuda:
        trainer = made((COARSE, LATE), wall(), "cuda", assist=False)
        trainer.choose_lambda(True) if auto else trainer.set_lambda(1.0)
        advance(trainer, 4)
        with cuda.watched() as waits:
            advance(trainer, 6)
        assert bool((trainer.registration.bends.nodes != 0).any())  # type: ignore[attr-defined]
    assert waits == []


PATCHES = [
    ("barf", "paper", "rigid", "grid"),
    ("l2g", "default", "rigid", "mlp"),
    ("barf", "default", "homography", "grid"),
]


@pytest.mark.parametrize(("method", "preset", "warp", "field"), PATCHES)
def test_the_host_does_not_wait_for_a_gpu_within_a_step_of_patches(
    method: Any, preset: Any, warp: Any, field: str
) -> None:
    with PretendCuda() as cuda:
        settings = Settings(preset=preset, method=method, field=field, assist=False)
        trainer = PlanarTrainer(planar_scene(warp, crop=24), settings, "cuda")
        if method == "l2g":
            trainer.set_lambda(1.0)
        advance(trainer, 2)
        with cuda.watched() as waits:
            advance(trainer, 4)
    assert waits == []


def test_matches_cost_no_wait_either() -> None:
    with PretendCuda() as cuda:
        scene = replace(wall(matched=True), poses_known=True)
        trainer = made((replace(COARSE, iterations=20),), scene, "cuda", optimise_exposure=True)
        advance(trainer, 6)
        with cuda.watched() as waits:
            advance(trainer, 7)
            trainer.options = replace(trainer.options, match_steps=1, check_period=1000)
            advance(trainer, 8)
    assert trainer._match_loss is not None
    assert waits == []


# ---------------------------------------------------------------------- recorded steps

LATE = replace(FINE, pose_rate=(1e-4, 1e-5), settle=0)  # poses have found their way: a warp has a motion of its own
OPENING = replace(FINE, bands=(1.0, 6.0))  # bands open on the way
RECORDED = [
    ("forward-facing", "grid", "l2g", FINE, {}),
    ("forward-facing", "grid", "l2g", LATE, {"matches": False}),
    ("object", "grid", "barf", SPARSE, {"optimise_exposure": True, "optimise_focal": True}),
    ("forward-facing", "mlp", "l2g", COARSE, {"preset": "paper"}),
    ("forward-facing", "mlp", "l2g", OPENING, {}),
    ("object", "mlp", "barf", OPENING, {}),
    ("forward-facing", "hash", "l2g", OPENING, {}),
]


RecordedCase = tuple[SceneKind, str, str, Stage, dict[str, object]]


def end_run(case: RecordedCase, records: Callable[[], RecordedWork]) -> RadianceTrainer:
    """A run across a stage that begins, poses that begin to move, matches, a λ that is moved, and a coarse density
    that is computed anew."""
    kind, field, method, last, settings = case
    rows = (replace(COARSE, iterations=3), replace(last, iterations=30))
    scene = replace(wall(kind, matched=True), poses_known=True)
    trainer = made(rows, scene, "cuda", field=field, method=method, assist=False, **settings)
    if isinstance(trainer.field, HashField):
        trainer.field.options = replace(trainer.field.options, renew_every=2, proposal_side=8)
    trainer._recorded, trainer._follow._fits, trainer._follow._follows = (records() for _ in range(3))
    with (
        mock.patch("engine.fields.voxel_grid.field.OPTIONS", replace(FIELD, proposal_period=2)),
        mock.patch("engine.fields.sampled.SAMPLING", replace(SAMPLING, renew_every=2, proposal_side=8)),
    ):
        advance(trainer, 7)
        trainer.set_lambda(1.0)
        advance(trainer, 12)
    return trainer


@pytest.mark.parametrize("case", RECORDED)
def test_recorded_steps_end_as_steps_that_are_launched_one_operation_at_a_time(case: RecordedCase) -> None:
    recorder = TapeRecorder()
    with PretendCuda():
        played = end_run(case, lambda: RecordedWork(recorder, RecordingOptions(warm=1)))
        launched = end_run(case, lambda: RecordedWork(None))
        one, other = (trainer.state()[0] for trainer in (played, launched))
        assert all(bool((one[name].cpu() == value.cpu()).all()) for name, value in other.items())
    assert 2 <= recorder.recorded <= 5
    assert played._follow._follows.plays or case[3] is not LATE
    assert recorder.warmed < 12  # the other steps were played


@pytest.mark.gpu
@NO_CUDA
@pytest.mark.parametrize("case", RECORDED)
def test_a_real_gpu_plays_its_steps(case: RecordedCase) -> None:
    """Sums of a GPU come in any order: steps differ in their last digits."""
    device = torch.device("cuda")
    played = end_run(case, lambda: RecordedWork(CudaRecorder(device), RecordingOptions(warm=1)))
    launched = end_run(case, lambda: RecordedWork(None))
    assert played._recorded.plays
    assert played._follow._follows.plays or case[3] is not LATE
    torch.testing.assert_close(played.poses(), launched.poses(), atol=2e-3, rtol=0.0)
    torch.testing.assert_close(played.frame_psnr(), launched.frame_psnr(), atol=0.5, rtol=0.0)


# ---------------------------------------------------------------------- whole runs


@pytest.mark.parametrize("device", cuda_devices())
def test_steps_on_a_gpu_are_those_on_the_cpu(device: Any) -> None:
    """Two implementations: Adam makes a step of its own length out of the sign of a gradient that is nearly zero, so
    that single voxels differ soon."""

    def ended(device: str) -> RadianceTrainer:
        trainer = made((COARSE, FINE), wall(), device, assist=False)
        advance(trainer, 4)
        return trainer

    with device():
        there = ended("cuda")
        poses, voxels = there.poses().cpu(), there.field.grid.voxels.cpu()  # type: ignore[attr-defined]
    here = ended("cpu")
    torch.testing.assert_close(poses, here.poses(), atol=5e-4, rtol=0.0)
    assert (voxels - here.field.grid.voxels).abs().mean() < 2e-5  # type: ignore[attr-defined]


def test_steps_of_a_network_that_are_played_are_those_on_the_cpu() -> None:
    """The first ones; in single precision, in which the products of both come out alike but for their order."""
    rows = (replace(COARSE, iterations=4), replace(OPENING, iterations=30))

    def ended(device: str, records: RecordedWork) -> RadianceTrainer:
        with mock.patch("engine.fields.mlp.quick.multiplies_bfloat16", return_value=False):
            trainer = made(rows, wall(), device, field="mlp", assist=False)
        trainer._recorded = records
        advance(trainer, 9)
        return trainer

    with PretendCuda():
        there = ended("cuda", RecordedWork(TapeRecorder(), RecordingOptions(warm=1)))
        assert there._recorded.plays
        state = {name: value.cpu() for name, value in there.state()[0].items()}
    for name, value in ended("cpu", RecordedWork(None)).state()[0].items():
        torch.testing.assert_close(
            state[name], value, rtol=1e-3, atol=1e-4, msg=lambda told, name=name: f"{name}: {told}"
        )


def test_steps_of_hashed_tables_that_are_played_are_those_on_the_cpu() -> None:
    """The same; levels open on the way."""
    rows = (replace(COARSE, iterations=4), replace(OPENING, iterations=30))

    def ended(device: str, records: RecordedWork) -> RadianceTrainer:
        with mock.patch("engine.fields.hash.field.multiplies_bfloat16", return_value=False):
            trainer = made(rows, wall(), device, field="hash", method="barf", assist=False)
        trainer._recorded = records
        advance(trainer, 9)
        return trainer

    def read(trainer: RadianceTrainer) -> list[torch.Tensor]:
        field = trainer.field
        assert isinstance(field, HashField)
        return [trainer.poses(), trainer.frame_psnr(), field.tables.values, torch.tensor(field.open)]

    with PretendCuda():
        there = ended("cuda", RecordedWork(TapeRecorder(), RecordingOptions(warm=1)))
        assert there._recorded.plays
        found = [value.cpu() for value in read(there)]
    here = read(ended("cpu", RecordedWork(None)))
    torch.testing.assert_close(found[0], here[0], atol=1e-5, rtol=0.0)
    torch.testing.assert_close(found[1:], here[1:], atol=1e-5, rtol=1e-4)
    assert (here[0] - made(rows, wall(), "cpu", field="hash").poses()).abs().max() > 1e-3
    assert here[3] > 1


@pytest.mark.slow
def test_a_whole_run_on_a_gpu() -> None:
    """A start from matches, an adjustment, a lens that is refined, a sparse lattice, and a frame that is knocked off
    and found: nothing mixes devices, and nothing is asked of a GPU that only a CPU can do."""
    with PretendCuda():
        trainer = made((COARSE, replace(SPARSE, bundle=(2,))), wall(matched=True), "cuda", refine_intrinsics=True)
        advance(trainer, 5)
        trainer.perturb(1, torch.tensor([0.02, 0.0, 0.01, 0.0, 0.03, 0.0]))
        advance(trainer, 7)
        assert bool(trainer.poses().isfinite().all())
        trainer.exclude(2, True)
        advance(trainer, 8)
        assert trainer.verdict().frames
    kinds = [event.kind for event in trainer.events]
    assert {"tracks", "bundle", "stage", "perturb-pose", "exclude-frame"} <= set(kinds)
    assert trainer.skipped_steps == 0
