"""The commands that begin with l2g, but for the window's. What takes long to import is imported once it is needed."""

from __future__ import annotations

from engine.cli.arguments import (
    DownloadArguments,
    EvaluateArguments,
    ExportArguments,
    SfmArguments,
    TrainArguments,
)
from engine.cli.program import leave, parsed
from engine.system.memory import keep_freed_memory


def train() -> None:
    """`l2g-train`."""
    arguments = parsed(TrainArguments)

    def act() -> int:
        keep_freed_memory()
        from engine.cli.train import train_scene

        return train_scene(arguments)

    leave(act, "l2g-train")


def sfm() -> None:
    """`l2g-sfm`."""
    arguments = parsed(SfmArguments)

    def act() -> int:
        from engine.cli.sfm import register_photos

        return register_photos(arguments)

    leave(act, "l2g-sfm")


def evaluate() -> None:
    """`l2g-eval`."""
    arguments = parsed(EvaluateArguments)

    def act() -> int:
        keep_freed_memory()
        from engine.cli.evaluate import evaluate_folder

        return evaluate_folder(arguments)

    leave(act, "l2g-eval")


def export() -> None:
    """`l2g-export`."""
    arguments = parsed(ExportArguments)

    def act() -> int:
        keep_freed_memory()
        from engine.cli.export import export_folder

        return export_folder(arguments)

    leave(act, "l2g-export")


def download() -> None:
    """`l2g-download`."""
    arguments = parsed(DownloadArguments)

    def act() -> int:
        from engine.cli.download import download

        return download(arguments)

    leave(act, "l2g-download")
