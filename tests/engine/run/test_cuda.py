"""Runs on a GPU that is not there: checkpoints that change the device, what windows and exports ask, full memory."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch

from engine.config.settings import Settings
from engine.errors import UserError
from engine.evaluation.held_out import evaluate_held_out
from engine.export.cameras import find_gauge
from engine.export.mesh import make_mesh
from engine.fields.baking import Baking
from engine.messages import SelectFrame
from engine.run.checkpoint import load_checkpoint
from engine.run.checkpoint_writer import CHECKPOINT_FILE, CheckpointWriter
from engine.run.session import Session
from engine.scenes.scene import Scene
from engine.system.devices import DeviceMemoryError
from engine.training import cameras as trainer_module
from engine.training import radiance
from tests.support.pretend_cuda import PretendCuda, cuda_devices
from tests.support.pretend_streams import PretendStreams
from tests.support.runs.short_runs import stage
from tests.support.worlds.analytic import cameras, photographed

ROWS = (
    stage(4, 3, rays=120, samples=6),
    stage(2, 4, rays=1200, samples=6, proposals=True, directional=True, sparse=True, settle=1),
)
FULL = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


@pytest.fixture(autouse=True)
def rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer_module, "stages", lambda *_: ROWS)


def wall() -> Scene:
    return photographed(cameras(4, spread=0.05), held_out=(3,))


def session(folder: Path, device: str, resumed: bool = False, **settings: Any) -> Session:
    made = Session(wall(), Settings(assist=False, **settings), device, CheckpointWriter(folder, None, None))
    made.begin(load_checkpoint(folder / CHECKPOINT_FILE) if resumed else None)
    return made


def advance(made: Session, iterations: int) -> None:
    while made.trainer.iteration < iterations:  # type: ignore[union-attr]
        made.advance()
    assert made.error is None


@pytest.mark.parametrize("device", cuda_devices())
@pytest.mark.parametrize(("first", "then", "field"), [("cuda", "cpu", "grid"), ("cpu", "cuda", "mlp")])
def test_a_run_goes_on_on_another_device(tmp_path: Path, first: str, then: str, field: str, device: Any) -> None:
    with device():
        one = session(tmp_path, first, field=field)
        advance(one, 5)
        one.save_own()
        other = session(tmp_path, then, resumed=True, field=field)
        assert other.trainer is not None
        assert one.trainer is not None
        assert other.trainer.poses().device.type == then
        torch.testing.assert_close(other.trainer.poses().cpu(), one.trainer.poses().cpu(), atol=1e-6, rtol=0.0)
        advance(other, 6)
        advance(one, 6)
        torch.testing.assert_close(other.trainer.poses().cpu(), one.trainer.poses().cpu(), atol=1e-2, rtol=0.0)
        # Bit for bit what was saved, but for what steps have changed since: the lattice's table of blocks.
        if field == "grid":
            tables = [made.trainer.state()[0]["field.table"].cpu() for made in (one, other)]  # type: ignore[union-attr]
            assert torch.equal(*tables)


@pytest.mark.parametrize("on_device", [False, True])
def test_a_volume_of_a_gpu_s_field_is_made_while_the_run_goes_on(tmp_path: Path, on_device: bool) -> None:
    with PretendCuda(PretendStreams(delay=1)) as cuda:
        made = session(tmp_path, "cuda")
        advance(made, 5)
        assert made.trainer is not None
        field = made.trainer.field
        with cuda.watched() as waits:
            baking = Baking(field, 64, on_device=on_device)  # type: ignore[arg-type]
            calls = 1
            while not baking.work(60.0):
                calls += 1
        assert not waits
        assert calls == 2  # all was made in the first, and had arrived at the second
        volume = baking.volume(made.scene, 1)  # type: ignore[arg-type]
        usual = Baking(field, 64)  # type: ignore[arg-type]
        while not usual.work(60.0):
            pass
        expected = usual.volume(made.scene, 1)  # type: ignore[arg-type]
        assert volume.device == "cuda:0"
        compared = [(volume.voxels, expected.voxels), (volume.tint, expected.tint)]
        compared += [(volume.proposal_density, expected.proposal_density)]
        assert volume.detail is not None
        assert expected.detail is not None
        compared += [(volume.detail.blocks, expected.detail.blocks)]
        assert (volume.detail.table == expected.detail.table).all()
        for found, wanted in compared:
            assert isinstance(found, torch.Tensor) == on_device
            assert np.array_equal(found.cpu().numpy() if isinstance(found, torch.Tensor) else found, wanted)


@pytest.mark.parametrize("field", ["mlp", "hash"])
def test_a_network_is_baked_without_a_wait_either(tmp_path: Path, field: str) -> None:
    with PretendCuda(PretendStreams(seconds=0.02)) as cuda:
        made = session(tmp_path, "cuda", field=field)
        made.advance()
        assert made.trainer is not None
        with cuda.watched() as waits:
            baking = Baking(made.trainer.field, 16)  # type: ignore[arg-type]
            while not baking.work(60.0):
                pass
            assert baking.volume(made.scene, 1).voxels.shape[0] == 16  # type: ignore[arg-type]
        assert not waits
        assert len(cuda.streams.waited) >= 16 - 2  # planes that take so long are not launched far ahead


def test_commands_of_a_run_on_a_gpu_do_not_wait_for_many_steps(tmp_path: Path) -> None:
    with PretendCuda(PretendStreams(seconds=0.02)) as cuda:
        made = session(tmp_path, "cuda")
        advance(made, 1)
        begun = cuda.streams.recorded, len(cuda.streams.waited)
        advance(made, 6)
        recorded, waited = cuda.streams.recorded - begun[0], len(cuda.streams.waited) - begun[1]
        assert recorded >= 5
        assert waited >= recorded - 1  # with so slow steps, one is under way beside the one that is launched


@pytest.mark.parametrize("device", cuda_devices())
def test_what_the_window_and_exports_ask_of_a_run_on_a_gpu(tmp_path: Path, device: Any) -> None:
    with device():
        made = session(tmp_path, "cuda")
        advance(made, 5)
        made.apply(SelectFrame(1))
        snapshot = made.snapshot()
        assert snapshot.warp is not None
        assert snapshot.poses.shape == (3, 3, 4)
        trainer = made.trainer
        assert trainer is not None
        for detailed in (True, False):
            baking = Baking(trainer.field, 64, detailed)  # type: ignore[arg-type]
            while not baking.work(1.0):
                pass
            volume = baking.volume(made.scene, 1)  # type: ignore[arg-type]
            assert volume.voxels.dtype == "float16"
            assert (volume.detail is not None) == detailed
        trainer.field.grid.voxels[..., :4, 0] = 3.0  # type: ignore[attr-defined]  # half of each block is opaque
        mesh = make_mesh(trainer, find_gauge(made.scene, trainer.poses()), 1.0, 24, True, lambda *_: None)  # type: ignore[arg-type]
        assert mesh.vertices.shape[1] == 3
        with mock.patch("engine.evaluation.held_out.refine_pose", side_effect=lambda levels, photo, starts: starts[0]):
            [frame] = list(evaluate_held_out(trainer.field, made.scene, trainer.poses()))  # type: ignore[arg-type]
        assert frame.scores.psnr is not None


# ---------------------------------------------------------------------- full memory


def fail_while(rays: int) -> Any:
    """Has a step with more rays than these find the memory full."""
    usual = radiance.render_step

    def render(registration: Any, field: Any, calibration: Any, data: Any, of: Any, *others: Any) -> Any:
        if of.rays > rays:
            raise FULL
        return usual(registration, field, calibration, data, of, *others)

    return mock.patch.object(radiance, "render_step", side_effect=render)


def test_a_run_whose_memory_is_full_goes_on_with_smaller_steps_and_says_so(tmp_path: Path) -> None:
    made = session(tmp_path, "cpu")
    advance(made, 3)
    with fail_while(600):
        advance(made, 7)
    [said] = [event for event in made.history.events if event.kind == "memory"]
    assert "600 rays per step from now on" in said.detail
    assert made.trainer is not None
    assert made.trainer.stage.rays == 600  # type: ignore[union-attr]
    assert made.status == "finished"
    assert made.trainer.skipped_steps == 0


def test_a_run_with_no_memory_for_the_smallest_steps_saves_what_was_reached_and_says_why(tmp_path: Path) -> None:
    made = session(tmp_path, "cpu")
    advance(made, 3)
    with fail_while(0):
        while made.error is None:
            try:
                made.advance()
            except DeviceMemoryError as error:  # as the run's thread does
                made.fail(error)
    assert "--resume --device cpu" in str(made.error)
    assert made.status == "failed"
    assert isinstance(made.error, UserError)
    saved = load_checkpoint(tmp_path / CHECKPOINT_FILE)
    assert saved.trainer[1]["iteration"] == 3
    other = session(tmp_path, "cpu", resumed=True)
    advance(other, 7)
    assert other.status == "finished"


def test_full_memory_elsewhere_is_a_sentence_too(tmp_path: Path) -> None:
    made = session(tmp_path, "cpu")
    advance(made, 2)
    made.fail(FULL)
    assert isinstance(made.error, DeviceMemoryError)
    assert "--downscale" in str(made.error)
    assert load_checkpoint(tmp_path / CHECKPOINT_FILE).trainer[1]["iteration"] == 2
    assert dataclasses.asdict(made.snapshot().events[-1])["kind"] == "failed"
