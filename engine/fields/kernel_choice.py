"""Which kernels a device gets; where a GPU gets none, the log says why."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

import torch

log = logging.getLogger(__name__)
Module = TypeVar("Module")


@lru_cache(maxsize=16)
def say_kernels_are_absent(reason: str) -> None:
    """Once for each reason, and not for each part of a field."""
    log.warning("CUDA kernels are not used, plain torch is (%s)", reason)


def choose_kernels(
    device: torch.device, compiled: Module, on_cuda: Callable[[], Module] | None, plain: Module, absence: str
) -> Module:
    """The fastest of the modules that work on a device.

    Args:
        device: where it is computed.
        compiled: for the CPU.
        on_cuda: chooses for a GPU; None where what it needs cannot be imported.
        plain: torch, which works everywhere.
        absence: why `on_cuda` is None.
    """
    if device.type == "cpu":
        return compiled
    if device.type == "cuda" and torch.cuda.is_available():
        if on_cuda is not None:
            return on_cuda()
        say_kernels_are_absent(f"{absence}; pip install 'l2g-viewer[gpu]'")
    return plain
