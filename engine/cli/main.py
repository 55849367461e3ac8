"""The entry points of all commands but the window's. Imports are inside them: --help and Ctrl-C act at once."""

from __future__ import annotations

import sys
from collections.abc import Callable

from engine.cli.program import parse_arguments, run_command
from engine.system.memory import keep_freed_memory


def train() -> None:
    """`l2g-train`."""

    def prepare() -> Callable[[], int]:
        from engine.cli.arguments import TrainArguments

        arguments = parse_arguments(TrainArguments)
        keep_freed_memory()
        if arguments.race is not None:
            from engine.cli.race.command import race_scene

            return lambda: race_scene(arguments)
        from engine.cli.train import train_scene

        return lambda: train_scene(arguments)

    run_command(prepare, "l2g-train")


def sweep() -> None:
    """`l2g-sweep`."""

    def prepare() -> Callable[[], int]:
        from engine.cli.sweep_arguments import parse_sweep

        arguments = parse_sweep(sys.argv[1:])
        from engine.cli.sweep import sweep_scenes

        return lambda: sweep_scenes(arguments)

    run_command(prepare, "l2g-sweep")


def sfm() -> None:
    """`l2g-sfm`."""

    def prepare() -> Callable[[], int]:
        from engine.cli.arguments import SfmArguments

        arguments = parse_arguments(SfmArguments)
        from engine.cli.sfm import register_photos

        return lambda: register_photos(arguments)

    run_command(prepare, "l2g-sfm")


def evaluate() -> None:
    """`l2g-eval`."""

    def prepare() -> Callable[[], int]:
        from engine.cli.arguments import EvaluateArguments

        arguments = parse_arguments(EvaluateArguments)
        keep_freed_memory()
        from engine.cli.evaluate import evaluate_folder

        return lambda: evaluate_folder(arguments)

    run_command(prepare, "l2g-eval")


def export() -> None:
    """`l2g-export`."""

    def prepare() -> Callable[[], int]:
        from engine.cli.arguments import ExportArguments

        arguments = parse_arguments(ExportArguments)
        keep_freed_memory()
        from engine.cli.export import export_folder

        return lambda: export_folder(arguments)

    run_command(prepare, "l2g-export")


def download() -> None:
    """`l2g-download`."""

    def prepare() -> Callable[[], int]:
        from engine.cli.arguments import DownloadArguments

        arguments = parse_arguments(DownloadArguments)
        from engine.cli.download import download as fetch

        return lambda: fetch(arguments)

    run_command(prepare, "l2g-download")
