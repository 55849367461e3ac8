"""Time from after the imports to the first step: `python -m tests.benchmarks.start_time`.

Twice per seed, each time in a fresh process: with an empty cache of compiled kernels, as on the first run after
installation, and with the cache that this run has written.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.support.command import Options, options, report
from tests.benchmarks.support.table import Measure, Target
from tests.benchmarks.support.training import fresh_process

SCENES = {"fern": ("llff/fern", "fern", 0.0, 0.0), "lego": ("blender/lego", "locomotive", 0.07, 0.5)}


def first_step(scene_folder: Path, seed: int, device: str, noise: tuple[float, float]) -> dict[str, float]:
    """Seconds until the scene is read, the trainer made, and one step done; to be called in a fresh process."""
    from engine.config.settings import Settings
    from engine.scenes import SceneOptions, load_scene
    from engine.system.devices import resolve_device
    from engine.system.memory import keep_freed_memory
    from engine.training.radiance import RadianceTrainer

    keep_freed_memory()  # as the commands do
    chosen = resolve_device(device)
    start = time.perf_counter()
    options = SceneOptions(seed=seed, noise_rotation=noise[0], noise_translation=noise[1])
    scene = load_scene(scene_folder, options)
    read = time.perf_counter()
    trainer = RadianceTrainer(scene, Settings(seed=seed), chosen)
    made = time.perf_counter()
    trainer.step()
    trainer.photometric()  # waits for the device
    done = time.perf_counter()
    return {"read": read - start, "made": made - start, "first_step": done - start}


def measure(chosen: Options, name: str, seed: int, cache: Path) -> dict[str, float]:
    """Runs `first_step` in a process of its own, with a given cache of compiled kernels."""
    real, shipped, *noise = SCENES[name]
    scene = chosen.scene(real, shipped).resolve()
    with tempfile.TemporaryDirectory() as temporary:
        output = Path(temporary) / "times.json"
        arguments = ["--worker", str(scene), str(seed), chosen.device, *map(str, noise), str(output)]
        environment = os.environ | {"NUMBA_CACHE_DIR": str(cache)}
        log = output.with_suffix(".log")
        fresh_process("-m", "tests.benchmarks.start_time", *arguments, log=log, environment=environment)
        return json.loads(output.read_text(encoding="utf-8"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures both scenes and reports."""
    chosen = options("From after the imports to the first step.", arguments)
    rows, raw = [], {}
    for name in SCENES:
        cold, warm = [], []
        for seed in chosen.seeds:
            with tempfile.TemporaryDirectory() as cache:
                cold.append(measure(chosen, name, seed, Path(cache)))
                warm.append(measure(chosen, name, seed, Path(cache)))
        raw[name] = {"cold": cold, "warm": warm}
        for key, what in (("read", "until the scene is read"), ("first_step", "start to first step")):
            target = Target("at most", 3.0) if key == "first_step" else None
            rows.append(Measure(f"{name}: {what}", "s", [times[key] for times in warm], target))
        first = [times["first_step"] for times in cold]
        rows.append(Measure(f"{name}: start to first step, kernels not yet compiled", "s", first))
    report("Start to first step, after imports", chosen, rows, raw)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        folder, seed, device, rotation, translation, output = sys.argv[2:]
        times = first_step(Path(folder), int(seed), device, (float(rotation), float(translation)))
        Path(output).write_text(json.dumps(times), encoding="utf-8")
    else:
        main()
