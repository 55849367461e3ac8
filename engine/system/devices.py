"""The torch device that a run uses, and copies to it for which the host does not wait."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor

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


def upload(tensor: Tensor, device: torch.device) -> Tensor:
    """A CPU tensor on a device, in the order of the work there; the host does not wait for a GPU to come to it.

    An ordinary copy waits for all work under way, also where it is of a few numbers. One from pinned memory does not;
    torch keeps that memory until the copy is done.
    """
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def make_constant(values: float | Sequence[float], like: Tensor) -> Tensor:
    """Numbers as a tensor of the type and on the device of another one, made once: it must not be written."""
    return _make_constant(values if isinstance(values, int | float) else tuple(values), like.dtype, like.device)


@lru_cache(maxsize=1024)
def _make_constant(values: float | tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.tensor(values, dtype=dtype, device=device)
