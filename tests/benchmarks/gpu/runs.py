"""The parts that train as a user would: fern, lego, and bare photos of a fox."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
import tyro

from engine.cli.arguments import TrainArguments
from engine.cli.train import follow_run, train_scene
from engine.errors import UserError
from engine.messages import Snapshot
from engine.results.result import write_results
from engine.run.session import Session
from engine.run.thread import Run
from tests.benchmarks.gpu.context import GIGABYTE, Context
from tests.benchmarks.gpu.figures import Figures
from tests.benchmarks.support.curves import below, nested, time_until

AROUND = 22.0  # seconds of a part that trains for reading the scene, evaluating and writing
NOISE = ("--noise-rotation", "0.07", "--noise-translation", "0.5")
QUICK = ("--max-iterations", "12", "--downscale", "8", "--no-matches")
LOOKED_AT = 1.0  # seconds between two looks at a run, whose figures stay where it is cut off


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
    """A run of `l2g-train` in this process, with its evaluation; its `result.json`. What is known before that
    is noted before."""
    planned = min(seconds, max(context.seconds - AROUND, 5.0))

    def write(session: Session, folder: Path) -> list[UserError]:
        failures = write_results(session, folder, videos=False)  # a film takes seconds
        note_result(context.figures, folder)
        return failures

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "run"
        line = [str(scene), "--output", str(folder), "--device", context.device, "--evaluate", *words]
        line += ["--max-seconds", f"{planned:.0f}", *(QUICK if context.quick else ())]
        context.figures.note(planned_seconds=planned)
        with (
            mock.patch("engine.cli.train.follow_run", Followed(context.figures)),
            mock.patch("engine.cli.train.write_results", write),
        ):
            code = train_scene(tyro.cli(TrainArguments, args=line, config=(tyro.conf.FlagCreatePairsOff,)))
        result = note_result(context.figures, folder)
    if torch.cuda.is_available():
        peaks = torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()
        context.figures.note(gpu_memory_gb=peaks[0] / GIGABYTE, gpu_memory_reserved_gb=peaks[1] / GIGABYTE)
    if code != 0:
        raise SystemExit(code)
    return result


def note_result(figures: Figures, folder: Path) -> dict[str, Any]:
    """Notes what a run folder's `result.json` says so far, and returns it."""
    result: dict[str, Any] = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    figures.note(
        seconds=nested(result, "seconds"),
        iterations=nested(result, "iterations"),
        rotation_deg=nested(result, "pose.rotation_error_deg.mean"),
        translation=nested(result, "pose.translation_error.mean"),
        held_out_psnr=nested(result, "test.psnr"),
        held_out_ssim=nested(result, "test.ssim"),
        history=result["history"],
    )
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
