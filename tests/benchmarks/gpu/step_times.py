"""How long a step takes in each stage, and its parts; what makes the host wait for the device within one."""

from __future__ import annotations

import time
import warnings
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch.profiler import ProfilerActivity, profile

from engine.config.settings import Settings
from engine.fields.voxel_grid import reference
from engine.fields.voxel_grid.field import VoxelGrid
from engine.scenes import SceneOptions, load_scene
from engine.scenes.planar import PlanarScene
from engine.scenes.scene import Scene
from engine.system.devices import resolve_device
from engine.system.recorded_work import RecordedWork
from engine.training.planar.trainer import PlanarTrainer
from engine.training.radiance import RadianceTrainer
from tests.benchmarks.gpu.context import Context
from tests.benchmarks.gpu.figures import Figures
from tests.benchmarks.support.command import REPOSITORY


@dataclass(frozen=True)
class Counts:
    """Steps of each stage: before anything is measured, timed, timed part by part, and profiled.

    The timed ones take in one renewal of the proposals' density, which comes every 24 steps.
    """

    warm: int
    timed: int
    parted: int
    profiled: int
    listed: int = 8  # operations of the profile


AnyTrainer = RadianceTrainer | PlanarTrainer
FULL = Counts(warm=6, timed=25, parted=5, profiled=3)
QUICK = Counts(warm=1, timed=2, parted=1, profiled=1)


def measure_all(context: Context) -> None:
    """Steps of every stage of a forward-facing scene and of an object, with their parts; those of `--preset paper`, of
    the other fields, and of patches."""
    figures, rest = context.figures, (context.device, context.figures, context.quick)
    fern, lego = context.scene("llff/fern", "fern"), context.scene("blender/lego", "locomotive")
    figures.attempt("fern", lambda: measure_steps("fern", fern, *rest))
    figures.attempt("lego", lambda: measure_steps("lego", lego, *rest))
    figures.attempt("paper", lambda: measure_paper(fern, *rest))
    figures.attempt("other fields", lambda: measure_fields(fern, *rest))
    figures.attempt("patches", lambda: measure_patches(REPOSITORY / "scenes" / "cat", *rest))


def measure_steps(name: str, folder: Path, device_name: str, figures: Figures, quick: bool) -> None:
    """Notes `<name>: <stage>` for each stage of a scene's schedule, without help: only optimisation steps."""
    device, counts = resolve_device(device_name), QUICK if quick else FULL
    scene = load_scene(folder, SceneOptions(matches=False, downscale=8 if quick else None))
    assert isinstance(scene, Scene)
    trainer = RadianceTrainer(scene, Settings(assist=False), device)
    for index in range(len(trainer.stages)):
        trainer._begin_stage(index)
        trainer._settle_until = 0  # poses move, as in most steps
        figures.note(**{f"{name}: {trainer.stage.name}": measure_stage(trainer, counts)})
    # Once for each scene, and last: what looks into a GPU has been known to fail where graphs are played.
    operations = f"{name}: operations_ms"
    figures.attempt(operations, lambda: figures.note(**{operations: list_operations(trainer, counts)}))


def measure_paper(folder: Path, device_name: str, figures: Figures, quick: bool) -> None:
    """Notes `paper`: steps of `l2g` as published (`--preset paper`)."""
    device, counts = resolve_device(device_name), QUICK if quick else FULL
    scene = load_scene(folder, SceneOptions(matches=False, downscale=8 if quick else None))
    assert isinstance(scene, Scene)
    trainer = RadianceTrainer(scene, Settings(preset="paper"), device)
    if quick:
        trainer._use_stages(tuple(replace(stage, rays=100, samples=8) for stage in trainer.stages))
    found = measure_stage(trainer, counts)
    figures.note(paper=found, paper_iterations_per_second=1e3 / found["step_ms"])


def measure_fields(folder: Path, device_name: str, figures: Figures, quick: bool) -> None:
    """Notes `<field>: <stage>` for the last stage of a scene with the other fields; these steps are only timed."""
    device, counts = resolve_device(device_name), QUICK if quick else FULL
    scene = load_scene(folder, SceneOptions(matches=False, downscale=8 if quick else None))
    assert isinstance(scene, Scene)
    for field in ("mlp", "hash"):
        trainer = RadianceTrainer(scene, Settings(field=field, assist=False), device)
        trainer._begin_stage(len(trainer.stages) - 1)
        trainer._settle_until = 0  # poses move, as in most steps
        figures.note(**{f"{field}: {trainer.stage.name}": compare_recorded(trainer, counts)})


def measure_patches(folder: Path, device_name: str, figures: Figures, quick: bool) -> None:
    """Notes `patches, <field>: <stage>` for the last stage of a planar scene; these steps are only timed."""
    device, counts = resolve_device(device_name), QUICK if quick else FULL
    scene = load_scene(folder, SceneOptions())
    assert isinstance(scene, PlanarScene)
    for field in ("grid", "mlp"):
        trainer = PlanarTrainer(scene, Settings(field=field, assist=False), device)
        trainer._begin_stage(len(trainer.stages) - 1)
        figures.note(**{f"patches, {field}: {trainer.stage.name}": compare_recorded(trainer, counts)})


def compare_recorded(trainer: AnyTrainer, counts: Counts) -> dict[str, Any]:
    """Steps of the stage that has begun, as they come, and one operation at a time; milliseconds per step."""
    taken, launched = time_steps(trainer, counts)
    found: dict[str, Any] = {"step_ms": taken, "until_launched_ms": launched}
    if trainer.device.type == "cuda":
        found |= {"waits": list_waits(trainer), "recorded": trainer._recorded.plays}
        with mock.patch.object(trainer, "_recorded", RecordedWork(None)):
            found["step_ms_not_recorded"], found["until_launched_ms_not_recorded"] = time_steps(trainer, counts)
    return found


def time_steps(trainer: AnyTrainer, counts: Counts) -> tuple[float, float]:
    """Milliseconds of a step, and until it was launched."""
    take(trainer, counts.warm)
    wait(trainer)
    begun = time.perf_counter()
    take(trainer, counts.timed)
    launched = time.perf_counter() - begun
    wait(trainer)
    taken = time.perf_counter() - begun
    return 1e3 * taken / counts.timed, 1e3 * launched / counts.timed


def measure_stage(trainer: RadianceTrainer, counts: Counts) -> dict[str, Any]:
    """The figures of the stage that has begun; times in milliseconds per step."""
    cuda = trainer.device.type == "cuda"
    if cuda:
        torch.cuda.reset_peak_memory_stats(trainer.device)
    taken, launched = time_steps(trainer, counts)
    voxels = trainer.field.state().get("voxels")
    found: dict[str, Any] = {
        "rays": trainer.stage.rays,
        "samples": trainer.stage.samples,
        "voxels": None if voxels is None else voxels[..., 0].numel(),
        "step_ms": taken,
        "until_launched_ms": launched,
    }
    if cuda:
        found["gpu_memory_gb"] = torch.cuda.max_memory_allocated(trainer.device) / 1e9
        found["waits"] = list_waits(trainer)
        found["recorded"] = trainer._recorded.plays
    with mock.patch.object(trainer, "_recorded", RecordedWork(None)):  # from here on one operation at a time
        found["parts_ms"] = time_parts(trainer, counts.parted)
        if not cuda:
            return found
        found["step_ms_not_recorded"], found["until_launched_ms_not_recorded"] = time_steps(trainer, counts)
        found["step_ms_in_plain_torch"] = time_plain(trainer, counts)
    return found


def time_plain(trainer: RadianceTrainer, counts: Counts) -> float | None:
    """Milliseconds of a step without the grid's kernels for CUDA; None where they are not used anyway."""
    if not isinstance(trainer.field, VoxelGrid) or trainer.field._backend is reference:
        return None
    with mock.patch.object(trainer.field, "_backend", reference):
        take(trainer, counts.parted)
        wait(trainer)
        begun = time.perf_counter()
        take(trainer, counts.timed)
        wait(trainer)
        return 1e3 * (time.perf_counter() - begun) / counts.timed


def take(trainer: AnyTrainer, steps: int) -> None:
    """So many optimisation steps."""
    for _ in range(steps):
        trainer._optimise()


def wait(trainer: AnyTrainer) -> None:
    """Until the device has done what it was given."""
    if trainer.device.type == "cuda":
        torch.cuda.synchronize(trainer.device)


def time_parts(trainer: RadianceTrainer, steps: int) -> dict[str, float]:
    """Each part of a step by itself, the device waited for before and after; together they take longer than a step."""
    totals: dict[str, float] = defaultdict(float)

    def timed(owner: Any, name: str, label: str) -> Any:
        usual: Callable[..., Any] = getattr(owner, name)

        def call(*arguments: Any, **named: Any) -> Any:
            wait(trainer)
            begun = time.perf_counter()
            result = usual(*arguments, **named)
            wait(trainer)
            totals[label] += time.perf_counter() - begun
            return result

        return mock.patch.object(owner, name, call)

    with ExitStack() as stack:
        for owner, name, label in (
            (trainer.registration, "rays", "rays"),
            (trainer.field, "render", "render"),
            (torch.Tensor, "backward", "backward"),
            (trainer.field, "step", "step of the field"),
            (trainer._optimiser, "step", "step of the poses"),
        ):
            stack.enter_context(timed(owner, name, label))
        take(trainer, steps)
    return {label: 1e3 * seconds / steps for label, seconds in totals.items()}


def list_operations(trainer: RadianceTrainer, counts: Counts) -> dict[str, float]:
    """Milliseconds of the operations that take most of a step, on the device where there is one."""
    cuda = trainer.device.type == "cuda"
    with profile(activities=[ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]) as profiled:
        take(trainer, counts.profiled)
        wait(trainer)
    key = "self_device_time_total" if cuda else "self_cpu_time_total"
    events = sorted(profiled.key_averages(), key=lambda event: -getattr(event, key))[: counts.listed]
    return {event.key: getattr(event, key) / 1e3 / counts.profiled for event in events}


def list_waits(trainer: AnyTrainer) -> list[str]:
    """What torch says of waits for the device within two steps; there should be none."""
    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            take(trainer, 2)
        finally:
            torch.cuda.set_sync_debug_mode(before)
    return sorted({f"{Path(one.filename).name}:{one.lineno}" for one in caught if "synchroniz" in str(one.message)})
