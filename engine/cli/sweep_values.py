"""The values of a run of a sweep as the command line of `l2g-train`."""

from __future__ import annotations

import math
from dataclasses import fields
from pathlib import Path
from typing import Any

from engine.cli.arguments import TrainArguments
from engine.lab.sweep.definition import Values

KEEP_CHECKPOINT = "keep_checkpoint"
"""Among the values of a run, beside the arguments of `l2g-train`: whether its folder gets a checkpoint."""


def train_arguments(values: Values, folder: Path) -> TrainArguments:
    """The command line of `l2g-train` that the values stand for; a run that the folder holds is replaced."""
    known = {field.name for field in fields(TrainArguments)}
    chosen: dict[str, Any] = {name: value for name, value in values.items() if name in known}
    chosen["scene"] = Path(values["scene"])
    return TrainArguments(**chosen, output=folder, overwrite=True, checkpoint_every=math.inf)
