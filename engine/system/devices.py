"""The torch device that a run uses."""

from __future__ import annotations

from typing import Literal

import torch

from engine.errors import UserError

DeviceName = Literal["auto", "cpu", "cuda", "mps"]


def resolve_device(name: DeviceName | str) -> torch.device:
    """The device of that name; `auto` is a CUDA GPU if there is one, else the CPU.

    `auto` never chooses Apple's GPU, because the voxel grid's compiled CPU kernels are faster.

    Raises:
        UserError: the name is unknown, or torch cannot use that device on this computer.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UserError(f"Unknown device {name!r}; choose auto, cpu, cuda or mps.") from error
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not available.get(device.type, False) or (
        device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count()
    ):
        raise UserError(f"There is no device {name!r} that torch can use here; choose auto or cpu.")
    return device
