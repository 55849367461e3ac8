"""λ: how soon the warp answers to it in every stage, and how well a run does that chooses it.

    python -m tests.benchmarks.stiffness scenes/fern scenes/cat --lambda auto 1 2 3 4 --downscale 4
    python -m tests.benchmarks.stiffness scenes/cat --moves 0.1 0.5 0.9

Runs of equal seeds and iterations; pose errors are means over the frames (planar scenes: corner errors of the patches
but the first). `--moves` drags λ in a copy of the run, at shares of its schedule: to 10^-2, to 10^4 and back to 10^2.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import engine  # noqa: F401  (first: it tells torch's threads how to wait)
from engine.config.settings import Settings
from engine.geometry.pose_errors import pose_errors
from engine.scenes import AnyScene, PlanarScene, SceneOptions, load_scene
from engine.training.camera_snapshot import warp_snapshot
from engine.training.kinds import make_trainer
from engine.training.planar.snapshot import patch_warp_snapshot, planar_snapshot
from engine.training.planar.trainer import LATTICE
from tests.benchmarks.support.machine import machine_line

MOVES = ((-2.0, 60), (4.0, 20), (2.0, 80))  # exponents, and steps after each


@dataclass(frozen=True)
class Moved:
    """What the residual (pixels, mean over frames) did where λ was dragged, and what became of the poses.

    Attributes:
        at, stage: iteration, name of the stage.
        before, soft, stiff: residual before, the largest at 10^-2, and at 10^4.
        apart: between the orientations of cameras after λ is back and those of an untouched run, after the best mean
            rotation, degrees; planar: pixels of corners.
        seconds: of the processor, at 10^-2.
    """

    at: int
    stage: str
    before: float
    soft: float
    stiff: float
    apart: float
    seconds: float


def main(words: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", type=Path, nargs="+")
    parser.add_argument("--lambda", dest="exponents", nargs="+", default=["2"], help="exponents, or auto")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--iterations", type=int, default=None, help="at most")
    parser.add_argument("--downscale", type=int, default=None)
    parser.add_argument("--assist", default="on", choices=("on", "off"))
    parser.add_argument("--noise-rotation", type=float, default=0.0)
    parser.add_argument("--noise-translation", type=float, default=0.0)
    parser.add_argument("--moves", type=float, nargs="*", default=[], help="shares of the schedule")
    given = parser.parse_args(words)
    print(machine_line())
    print("| scene | λ = 10^x | seed | error | residual, px | last x | processor seconds |")
    print("|---|---|---|---|---|---|---|")
    for path in given.scenes:
        for seed in given.seeds:
            noise = (given.noise_rotation, given.noise_translation)
            options = SceneOptions(
                downscale=given.downscale,
                seed=seed,
                matches=True,
                noise_rotation=noise[0],
                noise_translation=noise[1],
            )
            scene = load_scene(path, options)
            for exponent in given.exponents:
                auto = exponent == "auto"
                settings = Settings(
                    seed=seed,
                    max_iterations=given.iterations,
                    assist=given.assist == "on",
                    auto_lambda=auto,
                    lambda_exponent=Settings.lambda_exponent if auto else float(exponent),
                )
                _run(path, scene, settings, exponent, list(given.moves))


def _run(path: Path, scene: AnyScene, settings: Settings, exponent: str, moves: list[float]) -> None:
    begun = time.process_time()
    trainer: Any = make_trainer(scene, settings)
    aside, lines = 0.0, []
    while not trainer.finished:
        trainer.step()
        if moves and trainer.iteration >= moves[0] * trainer.iterations and not trainer.doing:
            moves.pop(0)
            copied = time.process_time()
            lines.append(move_lambda(trainer))
            aside += time.process_time() - copied
    seconds = time.process_time() - begun - aside
    print(
        f"| {path} | {exponent} | {settings.seed} | {describe_error(trainer)} | {measure_residual(trainer):.4f} | "
        f"{trainer.lambda_exponent:.2f} | {seconds:.0f} |",
        flush=True,
    )
    for line in lines:
        print(f"    {line}", flush=True)


def move_lambda(trainer: Any) -> Moved:
    """Drags λ in a copy of a run, and lets another copy go on untouched."""
    moved, untouched = _copy(trainer), _copy(trainer)
    at, before = moved.iteration, measure_residual(moved)
    found: dict[float, list[float]] = {}
    begun, seconds = time.process_time(), 0.0
    for exponent, steps in MOVES:
        moved.set_lambda(exponent)
        found[exponent] = []
        for _ in range(4):
            _advance(moved, steps // 4)
            found[exponent].append(measure_residual(moved))
        seconds = seconds or time.process_time() - begun
    _advance(untouched, moved.iteration - untouched.iteration)
    return Moved(
        at, trainer.stage.name, before, max(found[-2.0]), found[4.0][-1], _measure_apart(moved, untouched), seconds
    )


def measure_residual(trainer: Any) -> float:
    """Mean residual of all frames, pixels of the scene's images."""
    if isinstance(trainer.scene, PlanarScene):
        warps = [
            patch_warp_snapshot(trainer.registration.patch_warp(patch), trainer.scene, patch, LATTICE)
            for patch in range(1, len(trainer.scene.patches))
        ]
        return sum(float(warp.residual_px.mean()) for warp in warps) / len(warps)
    frames = range(len(trainer.frames))
    fields = [warp_snapshot(trainer.registration.warp(frame), trainer.scene, frame) for frame in frames]
    return sum(float(field.residual_px.mean()) for field in fields) / len(fields)


def describe_error(trainer: Any) -> str:
    """Mean errors, of cameras after the usual alignment."""
    if isinstance(trainer.scene, PlanarScene):
        corners = planar_snapshot(trainer.scene, trainer.transforms()).corner_error_px[1:]
        return f"{corners.mean():.4f} px"
    errors = pose_errors(trainer.poses(), trainer.scene.reference_poses[trainer.frames])
    return f"{errors.rotation_deg.mean():.4f}°, {errors.translation.mean():.5f}"


def _measure_apart(one: Any, other: Any) -> float:
    if isinstance(one.scene, PlanarScene):
        corners = [planar_snapshot(each.scene, each.transforms()).corners for each in (one, other)]
        return float(torch.from_numpy(corners[0] - corners[1]).norm(dim=-1).mean())
    return float(pose_errors(one.poses(), other.poses()).relative_rotation_deg.mean())


def _copy(trainer: Any) -> Any:
    other = make_trainer(trainer.scene, trainer.settings)
    tensors, metadata = trainer.state()
    other.load_state({name: tensor.clone() for name, tensor in tensors.items()}, metadata)
    return other


def _advance(trainer: Any, steps: int) -> None:
    until = trainer.iteration + steps
    while trainer.iteration < until:
        trainer.step()


if __name__ == "__main__":
    main()
