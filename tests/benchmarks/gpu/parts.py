"""The parts, each in a process of its own: `python -m tests.benchmarks.gpu.parts fern --figures fern.json ...`."""

from __future__ import annotations

import argparse
import faulthandler
import json
import logging
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
import tyro

from engine.cli.arguments import TrainArguments
from engine.cli.train import follow_run, train_scene
from engine.fields.hash import reference as plain_hash
from engine.fields.hash.backends import choose_backend as choose_for_hash
from engine.fields.voxel_grid import reference as plain_grid
from engine.fields.voxel_grid.backends import choose_backend as choose_for_grid
from engine.messages import Snapshot
from engine.run.session import Session
from engine.run.thread import Run
from engine.system.devices import resolve_device
from tests.benchmarks.gpu.figures import Figures
from tests.benchmarks.gpu.gpu_tests import prepare_kernels, run_gpu_tests
from tests.benchmarks.gpu.step_times import measure_fields, measure_paper, measure_steps
from tests.benchmarks.gpu.views import measure_views
from tests.benchmarks.support.command import REPOSITORY
from tests.benchmarks.support.curves import below, nested, time_until

AROUND = 22.0  # seconds of a part that trains for reading the scene, evaluating and writing
NOISE = ("--noise-rotation", "0.07", "--noise-translation", "0.5")
QUICK = ("--max-iterations", "12", "--downscale", "8", "--no-matches")
LOOKED_AT = 1.0  # seconds between two looks at a run, whose figures stay where it is cut off
TRACED = 3.0  # seconds before the end of its time at which a part writes to its log where each of its threads stands
GIGABYTE = 1e9


@dataclass(frozen=True)
class Context:
    """What a part is measured with.

    Attributes:
        figures: what it has found.
        seconds: it may take.
        device: of the runs.
        scenes: folder of the real ones.
        quick: use shipped scenes and few steps.
    """

    figures: Figures
    seconds: float
    device: str
    scenes: Path
    quick: bool

    def scene(self, real: str, shipped: str) -> Path:
        """A real scene where it is, else one that ships; the report says which."""
        folder = self.scenes / real
        chosen = REPOSITORY / "scenes" / shipped if self.quick or not folder.is_dir() else folder
        self.figures.note(**{f"scene {shipped.split('/')[0]}": real if chosen == folder else f"scenes/{shipped}"})
        return chosen


def describe_card(context: Context) -> None:
    """The card, and whether this program can use it; else the part fails, with the sentence that says why."""
    device = resolve_device(context.device)
    context.figures.note(torch=torch.__version__, cuda=torch.version.cuda)
    if device.type != "cuda":
        context.figures.note(name=f"no GPU: {device.type}")
        return
    found = torch.cuda.get_device_properties(device)
    free, total = torch.cuda.mem_get_info(device)
    context.figures.note(
        name=found.name,
        capability=f"{found.major}.{found.minor}",
        multiprocessors=found.multi_processor_count,
        memory_gb=total / GIGABYTE,
        free_gb=free / GIGABYTE,
        bfloat16=torch.cuda.is_bf16_supported(),
    )
    describe_kernels(context, device)
    if shutil.which("nvidia-smi"):
        asked = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        told = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=10)
        context.figures.note(driver=told.stdout.strip())


def describe_kernels(context: Context, device: torch.device) -> None:
    """Whether the fields' kernels for CUDA are used, else why not; how long they took to be compiled and tried."""
    said = Sentences()
    logging.getLogger("engine").addHandler(said)
    backends = {"grid": (choose_for_grid, plain_grid), "hash": (choose_for_hash, plain_hash)}
    for name, (choose, plain) in backends.items():
        begun = time.perf_counter()
        used = choose(device) is not plain
        context.figures.note(**{f"{name}_kernels": "used" if used else " ".join(said.found) or "not used"})
        context.figures.note(**{f"{name}_kernels_seconds": time.perf_counter() - begun})


class Sentences(logging.Handler):
    """Keeps what is said in the log."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(record.getMessage())


def prepare(context: Context) -> None:
    """Compiles what the tests compare the kernels for CUDA with."""
    context.figures.note(prepared=prepare_kernels(context.quick))


def run_tests(context: Context) -> None:
    """All tests that are marked `gpu`; those that failed by name, with the end of what was said of them."""
    code = run_gpu_tests(context.figures, context.quick)
    if code != 0:
        raise SystemExit(code)


class Followed:
    """`follow_run`, with figures of the run on disk while it goes on."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self._rows: list[dict[str, Any]] = []

    def __call__(
        self, run: Run, stopped: Callable[[], bool], seconds: float | None, show: Callable[[Snapshot], object]
    ) -> Session:
        def look(snapshot: Snapshot) -> None:
            self._note(snapshot)
            show(snapshot)

        return follow_run(run, stopped, seconds, look)

    def _note(self, snapshot: Snapshot) -> None:
        if self._rows and snapshot.seconds < self._rows[-1]["seconds"] + LOOKED_AT:
            return
        errors = snapshot.rotation_error_deg
        rotation = None if errors is None else float(np.nanmean(errors))
        row = {"seconds": snapshot.seconds, "iteration": snapshot.iteration, "psnr": snapshot.psnr}
        self._rows.append(row | {"rotation_error_deg": rotation, "doing": snapshot.doing})
        self._figures.note(seen=self._rows)


def train(context: Context, scene: Path, seconds: float, *words: str) -> dict[str, Any]:
    """A run of `l2g-train` in this process, with its evaluation; its `result.json`."""
    planned = min(seconds, max(context.seconds - AROUND, 5.0))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "run"
        line = [str(scene), "--output", str(folder), "--device", context.device, "--evaluate", *words]
        line += ["--max-seconds", f"{planned:.0f}", *(QUICK if context.quick else ())]
        with mock.patch("engine.cli.train.follow_run", Followed(context.figures)):
            code = train_scene(tyro.cli(TrainArguments, args=line, config=(tyro.conf.FlagCreatePairsOff,)))
        result: dict[str, Any] = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    context.figures.note(
        planned_seconds=planned,
        seconds=nested(result, "seconds"),
        iterations=nested(result, "iteration"),
        rotation_deg=nested(result, "pose.rotation_error_deg.mean"),
        translation=nested(result, "pose.translation_error.mean"),
        held_out_psnr=nested(result, "test.psnr"),
        held_out_ssim=nested(result, "test.ssim"),
        history=result["history"],
    )
    if torch.cuda.is_available():
        peaks = torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()
        context.figures.note(gpu_memory_gb=peaks[0] / GIGABYTE, gpu_memory_reserved_gb=peaks[1] / GIGABYTE)
    if code != 0:
        raise SystemExit(code)
    return result


def train_fern(context: Context) -> None:
    """Fern from the identity: seconds to 1° and 0.005, to 0.45° and 0.0020, and its end after 30 s."""
    history = train(context, context.scene("llff/fern", "fern"), 30)["history"]
    coarse = below(rotation_error_deg=1.0, translation_error=0.005)
    fine = below(rotation_error_deg=0.45, translation_error=0.0020)
    context.figures.note(seconds_to_1_deg=time_until(history, coarse), seconds_to_0_45_deg=time_until(history, fine))


def train_lego(context: Context, seconds: float = 60) -> None:
    """Lego at the noise of the paper: seconds to 0.2°, and held-out PSNR at the end."""
    history = train(context, context.scene("blender/lego", "locomotive"), seconds, *NOISE)["history"]
    context.figures.note(seconds_to_0_2_deg=time_until(history, below(rotation_error_deg=0.2)))


def train_longer(context: Context) -> None:
    """Lego once more, for 300 s, or for as long as is left."""
    train_lego(context, 300)


def train_fox(context: Context) -> None:
    """From bare photos of a fox, for 60 s: nothing that stands beside them tells their poses."""
    photos = context.scene("nerfstudio/fox/images", "desk/images")
    with tempfile.TemporaryDirectory() as temporary:
        copies = Path(temporary) / "photos"
        copies.mkdir()
        for photo in sorted(photos.iterdir())[: 8 if context.quick else None]:
            shutil.copy(photo, copies)
        train(context, copies, 60)


def time_steps(context: Context) -> None:
    """Steps of every stage of a forward-facing scene and of an object, with their parts; those of `--preset paper`, of
    the other fields, and of patches."""
    for name, real, shipped in (("fern", "llff/fern", "fern"), ("lego", "blender/lego", "locomotive")):
        measure_steps(name, context.scene(real, shipped), context.device, context.figures, context.quick)
    fern = context.scene("llff/fern", "fern")
    measure_paper(fern, context.device, context.figures, context.quick)
    measure_fields(fern, REPOSITORY / "scenes" / "cat", context.device, context.figures, context.quick)


def draw_views(context: Context) -> None:
    """The novel view of a full-size volume, alone and beside a training; how soon a run shows and answers."""
    measure_views(context.device, context.figures, context.quick)


PARTS: dict[str, Callable[[Context], None]] = {
    "card": describe_card,
    "prepare": prepare,
    "tests": run_tests,
    "steps": time_steps,
    "fern": train_fern,
    "lego": train_lego,
    "views": draw_views,
    "fox": train_fox,
    "longer": train_longer,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures one part."""
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--figures", type=Path, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--device", required=True)
    parser.add_argument("--scenes", type=Path, required=True)
    parser.add_argument("--quick", action="store_true")
    chosen = parser.parse_args(arguments)
    context = Context(Figures(chosen.figures), chosen.seconds, chosen.device, chosen.scenes, chosen.quick)
    faulthandler.dump_traceback_later(max(chosen.seconds - TRACED, 1.0))
    PARTS[chosen.part](context)
    faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    main()
