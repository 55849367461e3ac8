"""The parts, each in a process of its own: `python -m tests.benchmarks.gpu.parts fern --figures fern.json ...`.

A part imports what it needs itself: where a package is missing, the others are measured all the same.
"""

from __future__ import annotations

import argparse
import faulthandler
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.gpu.context import Context
from tests.benchmarks.gpu.figures import Figures

TRACED = 3.0  # seconds before the end of its time at which a part writes to its log where each of its threads stands
PARTS = {  # module and function of each
    "card": "card.describe_card",
    "prepare": "gpu_tests.prepare",
    "tests": "gpu_tests.run_tests",
    "steps": "step_times.measure_all",
    "fern": "runs.train_fern",
    "lego": "runs.train_lego",
    "views": "views.draw_views",
    "fox": "runs.train_fox",
    "longer": "runs.train_longer",
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
    module, function = PARTS[chosen.part].split(".")
    faulthandler.dump_traceback_later(max(chosen.seconds - TRACED, 1.0), file=sys.__stderr__)
    try:
        getattr(importlib.import_module(f"tests.benchmarks.gpu.{module}"), function)(context)
    finally:
        faulthandler.cancel_dump_traceback_later()
    if context.figures.failed:
        raise SystemExit(f"failed: {', '.join(context.figures.failed)}")


if __name__ == "__main__":
    main()
