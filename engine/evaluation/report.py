"""The scores of the held-out frames: in `test.json`, in the entry `test` of `result.json`, and as a printed table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from engine.errors import UserError
from engine.evaluation.held_out import HeldOutFrame, Scores, summarise
from engine.system.files import write_json

RESULT_NAME = "result.json"
TEST_NAME = "test.json"


def make_test_entry(frames: Mapping[str, Scores]) -> dict[str, Any]:
    """`psnr` (dB), `ssim`, `lpips`, `frames` and `per_frame`, by the frames' names; means of nothing are None."""
    per_frame = [{"name": name} | asdict(scores) for name, scores in frames.items()]
    return asdict(summarise(list(frames.values()))) | {"per_frame": per_frame}


def update_result(run_folder: Path, test: Mapping[str, Any], verdict: Mapping[str, Any]) -> bool:
    """Sets the entries `test` and `verdict` of a run's `result.json`; returns whether the file exists.

    Raises:
        UserError: the file is not JSON, or cannot be read or written.
    """
    path = run_folder / RESULT_NAME
    if not path.is_file():
        return False
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(result, dict):
            raise ValueError("not an object")
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is damaged ({error}); the evaluation is in {TEST_NAME} beside it.") from error
    write_json(path, result | {"test": dict(test), "verdict": dict(verdict)})
    return True


def make_table(test: Mapping[str, Any], title: str) -> Table:
    """A table to print: a row per frame and one with the means."""
    found = Table(title=title)
    found.add_column("frame")
    for name in ("PSNR [dB]", "SSIM", "LPIPS"):
        found.add_column(name, justify="right")
    for row in test["per_frame"]:
        found.add_row(str(row["name"]), *_format_scores(row))
    found.add_section()
    found.add_row(f"mean of {test['frames']}", *_format_scores(test))
    return found


def make_pose_entries(frames: Sequence[HeldOutFrame]) -> list[dict[str, Any]]:
    """The refined poses, world-to-camera in the world of the fitted ones, as `poses` of `test.json`."""
    return [{"name": frame.name, "world_to_camera": frame.pose.tolist()} for frame in frames]


def _format_scores(row: Mapping[str, Any]) -> list[str]:
    formats = {"psnr": ".2f", "ssim": ".4f", "lpips": ".4f"}
    return ["–" if row[key] is None else format(row[key], style) for key, style in formats.items()]
