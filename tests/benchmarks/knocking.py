"""What the benchmarks of knocked cameras share: a run is knocked and watched, each in a fresh process."""

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
from tests.benchmarks.command import Options
from tests.benchmarks.training import fresh_process

Curve = list[tuple[float, Float[np.ndarray, "2 ..."]]]  # seconds after the knock; see `errors_of`
Worker = Callable[[Path, int, str, bool], dict[str, Any]]  # of a scene's folder, a seed, a device, whether to be quick


def small_or_whole(folder: Path, seed: int, quick: bool) -> Scene:
    """The scene, small where the benchmark is only tried."""
    keep_freed_memory()  # as the commands do
    return load_scene(folder, SceneOptions(seed=seed, downscale=8 if quick else None))


def knocked(
    scene: Scene,
    settings: Settings,
    device: str,
    ready: Callable[[Snapshot], bool],
    knock: Callable[[Snapshot], Command],
    watched: float,
    keep_going: bool = False,
) -> tuple[Snapshot, Curve]:
    """Trains until a snapshot is ready, sends its knock, watches for so many seconds; that snapshot and the errors."""
    run = Run(scene, settings, resolve_device(device), keep_going=keep_going)
    run.start()
    try:
        before = seen(run, ready)
        command = knock(before)
        begun = time.perf_counter()
        run.send(command)
        last, curve = before, Curve()
        while not curve or curve[-1][0] < watched:
            last = seen(run, lambda snapshot, last=last: snapshot is not last)  # type: ignore[misc]
            if any(event.kind.startswith("perturb") for event in last.events):
                curve.append((time.perf_counter() - begun, errors_of(last)))
    finally:
        run.stop()
        run.join(60)
    return before, curve


def seen(run: Run, wanted: Callable[[Snapshot], bool], patience: float = 7200.0) -> Snapshot:
    """The first snapshot that is wanted.

    Raises:
        RuntimeError: the run failed, or had no such snapshot within the patience (seconds).
    """
    until = time.perf_counter() + patience
    while time.perf_counter() < until:
        snapshot = run.latest()
        if snapshot is not None and snapshot.status == "failed":
            raise RuntimeError(f"The run failed: {snapshot.message}")
        if snapshot is not None and wanted(snapshot):
            return snapshot
        time.sleep(0.05)
    raise RuntimeError("The run did not get there in time.")


def errors_of(snapshot: Snapshot) -> Float[np.ndarray, "2 frames"]:
    """Rotation (degrees) and translation errors."""
    assert snapshot.rotation_error_deg is not None
    assert snapshot.translation_error is not None
    return np.stack([snapshot.rotation_error_deg, snapshot.translation_error]).astype(float)


def spread_of(snapshot: Snapshot) -> float:
    """Root mean square distance of the camera centres from their mean."""
    return float(spread(camera_centre(torch.from_numpy(snapshot.poses.copy()))))


def seconds_until_back(curve: Curve, old: Float[np.ndarray, "2 ..."]) -> float | None:
    """When errors were within twice the old ones, of rotation and of translation, for good; None if they were not."""
    back = None
    for seconds, errors in reversed(curve):
        if (errors > 2 * old).any():
            break
        back = seconds
    return back


def each_seed(module: str, chosen: Options, scene: Path) -> list[dict[str, Any]]:
    """What the module's worker finds with each seed, in a process of its own."""
    results = []
    for seed in chosen.seeds:
        with tempfile.TemporaryDirectory() as temporary:
            output = Path(temporary) / "kick.json"
            quick = "quick" if chosen.quick else "full"
            arguments = ["--worker", str(scene.resolve()), str(seed), chosen.device, quick, str(output)]
            fresh_process("-m", module, *arguments, log=output.with_suffix(".log"))
            results.append(json.loads(output.read_text(encoding="utf-8")))
    return results


def begin(main: Callable[[], None], worker: Worker, arguments: Sequence[str]) -> None:
    """The benchmark itself, or the worker of one seed that `each_seed` began."""
    if arguments[:1] == ["--worker"]:
        folder, seed, device, quick, output = arguments[1:]
        found = worker(Path(folder), int(seed), device, quick == "quick")
        Path(output).write_text(json.dumps(found), encoding="utf-8")
    else:
        main()
