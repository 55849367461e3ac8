"""Shared by the benchmarks of perturbed cameras: a run is perturbed and observed, each in a process of its own."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from engine.config.settings import Settings
from engine.geometry.se3 import camera_centre
from engine.geometry.similarity import spread
from engine.messages import Command, Snapshot
from engine.run.thread import Run
from engine.scenes import SceneOptions, load_scene
from engine.scenes.scene import Scene
from engine.system.devices import resolve_device
from engine.system.memory import keep_freed_memory
from tests.benchmarks.support.command import Options
from tests.benchmarks.support.training import fresh_process

Curve = list[tuple[float, Float[np.ndarray, "2 ..."]]]
"""Seconds after the perturbation, and the errors then (see `errors_of`)."""

Worker = Callable[[Path, int, str, bool], dict[str, Any]]
"""Measures one seed: folder of the scene, seed, device, whether this is a quick check."""


def load_benchmark_scene(folder: Path, seed: int, quick: bool) -> Scene:
    """The scene, at a low resolution for a quick check."""
    keep_freed_memory()  # as the commands do
    return load_scene(folder, SceneOptions(seed=seed, downscale=8 if quick else None))


def perturb_and_observe(
    scene: Scene,
    settings: Settings,
    device: str,
    ready: Callable[[Snapshot], bool],
    perturbation: Callable[[Snapshot], Command],
    seconds: float,
    keep_going: bool = False,
) -> tuple[Snapshot, Curve]:
    """Trains until a snapshot is `ready`, sends the perturbation, and observes the run for so many seconds.

    Returns:
        the snapshot before the perturbation, and the errors after it.
    """
    run = Run(scene, settings, resolve_device(device), keep_going=keep_going)
    run.start()
    try:
        before = wait_for_snapshot(run, ready)
        command = perturbation(before)
        begun = time.perf_counter()
        run.send(command)
        last, curve = before, Curve()
        while not curve or curve[-1][0] < seconds:
            last = wait_for_snapshot(run, lambda snapshot, last=last: snapshot is not last)  # type: ignore[misc]
            if any(event.kind.startswith("perturb") for event in last.events):
                curve.append((time.perf_counter() - begun, errors_of(last)))
    finally:
        run.stop()
        run.join(60)
    return before, curve


def wait_for_snapshot(run: Run, wanted: Callable[[Snapshot], bool], longest: float = 7200.0) -> Snapshot:
    """The first snapshot that fulfils a condition.

    Raises:
        RuntimeError: the run failed, or had no such snapshot within `longest` seconds.
    """
    until = time.perf_counter() + longest
    while time.perf_counter() < until:
        snapshot = run.latest()
        if snapshot is not None and snapshot.status == "failed":
            raise RuntimeError(f"The run failed: {snapshot.message}")
        if snapshot is not None and wanted(snapshot):
            return snapshot
        time.sleep(0.05)
    raise RuntimeError("The run had no such snapshot in time.")


def errors_of(snapshot: Snapshot) -> Float[np.ndarray, "2 frames"]:
    """Rotation (degrees) and translation errors."""
    assert snapshot.rotation_error_deg is not None
    assert snapshot.translation_error is not None
    return np.stack([snapshot.rotation_error_deg, snapshot.translation_error]).astype(float)


def spread_of(snapshot: Snapshot) -> float:
    """Root mean square distance of the camera centres from their mean."""
    return float(spread(camera_centre(torch.from_numpy(snapshot.poses.copy()))))


def time_to_recover(curve: Curve, old: Float[np.ndarray, "2 ..."]) -> float | None:
    """Seconds from which rotation and translation errors stay within twice the old ones; None if they do not."""
    recovered = None
    for seconds, errors in reversed(curve):
        if (errors > 2 * old).any():
            break
        recovered = seconds
    return recovered


def measure_seeds(module: str, chosen: Options, scene: Path) -> list[dict[str, Any]]:
    """The results of the worker of a module for each seed, each in a process of its own."""
    results = []
    for seed in chosen.seeds:
        with tempfile.TemporaryDirectory() as temporary:
            output = Path(temporary) / "result.json"
            quick = "quick" if chosen.quick else "full"
            arguments = ["--worker", str(scene.resolve()), str(seed), chosen.device, quick, str(output)]
            fresh_process("-m", module, *arguments, log=output.with_suffix(".log"))
            results.append(json.loads(output.read_text(encoding="utf-8")))
    return results


def run_main_or_worker(main: Callable[[], None], worker: Worker, arguments: Sequence[str]) -> None:
    """Runs the benchmark, or the worker for one seed in a process that `measure_seeds` has started."""
    if arguments[:1] == ["--worker"]:
        folder, seed, device, quick, output = arguments[1:]
        found = worker(Path(folder), int(seed), device, quick == "quick")
        Path(output).write_text(json.dumps(found), encoding="utf-8")
    else:
        main()
