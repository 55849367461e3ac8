"""Planar alignment: how often, how soon and how well the patches of one image find each other.

    python -m tests.benchmarks.planar --seeds 20 --methods l2g barf naive --assist on off

Takes the images of the 2D experiments of BARF and L2G-NeRF, `planar/cat.jpg` and `planar/girl.jpg`, from
`../shared/scenes` or `$L2G_SCENES`. Errors are means over the patches but the first, which is fixed. Seconds are those
of a run's own steps; what is measured between them does not count. On a machine that does other work beside,
processor seconds, divided by the number of threads, are the better measure: both are shown.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

import engine  # noqa: F401  (first: it tells torch's threads how to wait)
from engine.config.methods import METHODS
from engine.config.settings import Settings
from engine.evidence.verdict import VerdictState
from engine.fields import FIELDS
from engine.messages import FrameStatus
from engine.results.planar import image_psnr, patch_psnr
from engine.scenes import PlanarScene, SceneOptions, load_scene
from engine.system.memory import keep_freed_memory
from engine.training.planar.snapshot import planar_snapshot
from engine.training.planar.trainer import PlanarTrainer
from tests.benchmarks.support.command import REPOSITORY

REGISTERED = 1.0  # px, mean corner error of the patches
VERDICTS = "verdict registered of successes; not of others"
CASES = {
    "cat, homography": ("cat.jpg", SceneOptions(warp="homography", crop=180)),
    "girl, rigid": ("girl.jpg", SceneOptions(warp="rigid", crop=260)),
}


@dataclass(frozen=True)
class Outcome:
    """One run; seconds, on the clock and of the processor, until its mean error was below `REGISTERED`, and in all."""

    case: str
    method: str
    assist: bool
    seed: int
    corner_error_px: float
    largest_px: float
    registered_at: float | None
    registered_cpu: float | None
    seconds: float
    cpu: float
    patch_psnr: float
    image_psnr: float | None
    joined: int
    patches: int
    verdict: VerdictState

    @property
    def succeeded(self) -> bool:
        return self.corner_error_px <= REGISTERED


def run(case: str, scene: PlanarScene, settings: Settings, every: int = 5) -> Outcome:
    """Trains to the end of the schedule, looking at the error every few steps."""
    clock, cpu, registered = 0.0, 0.0, None
    trainer = None
    while trainer is None or not trainer.finished:
        begun, begun_cpu = time.perf_counter(), time.process_time()
        if trainer is None:
            trainer = PlanarTrainer(scene, settings)
        else:
            for _ in range(every):
                if not trainer.finished:
                    trainer.step()
        clock += time.perf_counter() - begun
        cpu += time.process_time() - begun_cpu
        error = planar_snapshot(trainer.scene, trainer.transforms()).corner_error_px[1:]
        if registered is None and error.mean() <= REGISTERED:
            registered = (clock, cpu)
    return Outcome(
        case=case,
        method=settings.method,
        assist=bool(settings.assist),
        seed=settings.seed,
        corner_error_px=float(error.mean()),
        largest_px=float(error.max()),
        registered_at=registered and registered[0],
        registered_cpu=registered and registered[1],
        seconds=clock,
        cpu=cpu,
        patch_psnr=patch_psnr(trainer),
        image_psnr=image_psnr(trainer),
        joined=trainer.frame_status().count(FrameStatus.REGISTERED),
        patches=len(scene.patches),
        verdict=trainer.verdict().state,
    )


def table(outcomes: list[Outcome], threads: int) -> Table:
    """A row per image, method and assistance: of the runs that succeed, but for their number."""
    result = Table(title=f"Planar alignment, {threads} threads")
    quality = ("corner error, px", "worst", f"to {REGISTERED:g} px, s", "all, s", "PSNR, dB", "image, dB", VERDICTS)
    words = ("", "method", "assist")
    for heading in (*words, "success", *quality):
        result.add_column(heading, justify="left" if heading in words else "right")
    for group in dict.fromkeys((outcome.case, outcome.method, outcome.assist) for outcome in outcomes):
        runs = [outcome for outcome in outcomes if (outcome.case, outcome.method, outcome.assist) == group]
        case, method, assist = group
        good = [outcome for outcome in runs if outcome.succeeded]
        cells = [case, method, "on" if assist else "off", f"{len(good)}/{len(runs)}"]
        if good:
            at, cpu = ([getattr(o, name) for o in good] for name in ("registered_at", "registered_cpu"))
            cells += [
                f"{np.mean([o.corner_error_px for o in good]):.3f}",
                f"{max(o.largest_px for o in good):.2f}",
                f"{np.median(at):.1f} (max {max(at):.1f}; cpu/{threads} {np.median(cpu) / threads:.1f})",
                f"{np.median([o.seconds for o in good]):.1f} "
                f"(cpu/{threads} {np.median([o.cpu for o in good]) / threads:.1f})",
                f"{np.mean([o.patch_psnr for o in good]):.1f} (min {min(o.patch_psnr for o in good):.1f})",
                f"{np.mean([o.image_psnr for o in good if o.image_psnr is not None]):.1f}",
            ]
        else:
            cells += [f"({np.median([o.corner_error_px for o in runs]):.0f})", *[""] * (len(quality) - 2)]
        wrong = [outcome for outcome in runs if not outcome.succeeded]
        known = sum(outcome.verdict == "registered" for outcome in good)
        cells += [f"{known}/{len(good)}; {sum(outcome.verdict != 'registered' for outcome in wrong)}/{len(wrong)}"]
        result.add_row(*cells)
    return result


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20, help="how many")
    parser.add_argument("--first-seed", type=int, default=0, help="where the seeds begin")
    parser.add_argument("--methods", nargs="+", default=["l2g", "barf", "naive"], choices=list(METHODS))
    parser.add_argument("--assist", nargs="+", default=["on"], choices=("on", "off"))
    parser.add_argument("--field", default="grid", choices=list(FIELDS))
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--iterations", type=int, default=None, help="at most, to try it out")
    parser.add_argument("--output", type=Path, default=None, help="a JSON file for all outcomes")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    console = Console(highlight=False)
    outcomes: list[Outcome] = []
    for case in arguments.cases:
        file, options = CASES[case]
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
            scene = load_scene(planar_image(file), SceneOptions(**{**asdict(options), "seed": seed}))
            assert isinstance(scene, PlanarScene)
            for method, assist in itertools.product(arguments.methods, arguments.assist):
                settings = Settings(
                    method=method,
                    field=arguments.field,
                    seed=seed,
                    max_iterations=arguments.iterations,
                    assist=assist == "on",
                )
                outcome = run(case, scene, settings)
                outcomes.append(outcome)
                at = "-" if outcome.registered_at is None else f"{outcome.registered_at:.1f}"
                console.print(
                    f"{case}  {method:>5}  assist {assist:>3}  seed {seed}: {outcome.corner_error_px:.3f} px, "
                    f"largest {outcome.largest_px:.2f}, registered at {at} of {outcome.seconds:.1f} s, "
                    f"{outcome.patch_psnr:.1f} dB, joined {outcome.joined} of {outcome.patches}, "
                    f"verdict {outcome.verdict}",
                    soft_wrap=True,
                )
                if arguments.output:
                    arguments.output.write_text(json.dumps([asdict(o) for o in outcomes], indent=1), encoding="utf-8")
    console.print(table(outcomes, arguments.threads))


def planar_image(file: str) -> Path:
    """An image of the 2D experiments."""
    return Path(os.environ.get("L2G_SCENES", REPOSITORY.parent / "shared" / "scenes")) / "planar" / file


if __name__ == "__main__":
    main()
