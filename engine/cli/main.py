"""The entry points of all commands but the window's. Slow imports are inside them, so that --help answers at once."""

from __future__ import annotations

import sys

from engine.cli.arguments import (
    DownloadArguments,
    EvaluateArguments,
    ExportArguments,
    SfmArguments,
    TrainArguments,
)
from engine.cli.program import exit_with, parse_arguments
from engine.system.memory import keep_freed_memory


def train() -> None:
    """`l2g-train`."""
    arguments = parse_arguments(TrainArguments)

    def act() -> int:
        keep_freed_memory()
        if arguments.race is not None:
            from engine.cli.race.command import race_scene

            return race_scene(arguments)
        from engine.cli.train import train_scene

        return train_scene(arguments)

    exit_with(act, "l2g-train")


def sweep() -> None:
    """`l2g-sweep`."""

    def act() -> int:
        from engine.cli.sweep_arguments import parse_sweep

        arguments = parse_sweep(sys.argv[1:])
        from engine.cli.sweep import sweep_scenes

        return sweep_scenes(arguments)

    exit_with(act, "l2g-sweep")


def sfm() -> None:
    """`l2g-sfm`."""
    arguments = parse_arguments(SfmArguments)

    def act() -> int:
        from engine.cli.sfm import register_photos

        return register_photos(arguments)

    exit_with(act, "l2g-sfm")


def evaluate() -> None:
    """`l2g-eval`."""
    arguments = parse_arguments(EvaluateArguments)

    def act() -> int:
        keep_freed_memory()
        from engine.cli.evaluate import evaluate_folder

        return evaluate_folder(arguments)

    exit_with(act, "l2g-eval")


def export() -> None:
    """`l2g-export`."""
    arguments = parse_arguments(ExportArguments)

    def act() -> int:
        keep_freed_memory()
        from engine.cli.export import export_folder

        return export_folder(arguments)

    exit_with(act, "l2g-export")


def download() -> None:
    """`l2g-download`."""
    arguments = parse_arguments(DownloadArguments)

    def act() -> int:
        from engine.cli.download import download

        return download(arguments)

    exit_with(act, "l2g-download")
