"""The torch device that a run uses, and copies to it for which the host does not wait."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from engine.errors import UserError

DeviceName = Literal["auto", "cpu", "cuda", "mps"]


@dataclass(frozen=True)
class DeviceOptions:
    """What a GPU must have.

    Attributes:
        least_memory: free bytes. The lattice of a full-size run, its optimiser and the temporary copies of a step take
            about 2 GB; with less, a run would end in its last stages.
    """

    least_memory: int = 2 * 2**30


OPTIONS = DeviceOptions()
# Held where a GPU as a whole is worked with: no thread may wait for all of it while steps of another run are recorded.
WHOLE_DEVICE = threading.RLock()


class DeviceMemoryError(UserError):
    """The memory of the device is too small for what was asked."""


def resolve_device(name: DeviceName | str) -> torch.device:
    """The device of that name; `auto` is a CUDA GPU if there is one that can be used, else the CPU.

    `auto` never chooses Apple's GPU, because the voxel grid's compiled CPU kernels are faster.

    Raises:
        UserError: the name is unknown, or torch cannot use that device on this computer; the sentence says why.
    """
    if name == "auto":
        gpu = torch.device("cuda")
        return gpu if torch.cuda.is_available() and _find_fault(gpu) is None else torch.device("cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UserError(f"Unknown device {name!r}; choose auto, cpu, cuda or mps.") from error
    if device.type == "cuda":
        fault = _find_fault(device)
        if fault is not None:
            raise UserError(f"--device {name} cannot be used: {fault}, or choose --device cpu.")
    elif device.type != "cpu" and not (device.type == "mps" and torch.backends.mps.is_available()):
        raise UserError(f"There is no device {name!r} that torch can use here; choose auto or cpu.")
    return device


def _find_fault(device: torch.device) -> str | None:
    """What is wrong with a CUDA device and what to do, as a part of a sentence; None where it can be used."""
    if not torch.backends.cuda.is_built():
        return f"this torch ({torch.__version__}) was built without CUDA. Install one with it (pytorch.org)"
    if not torch.cuda.is_available():
        return _explain_absence()
    count = torch.cuda.device_count()
    if (device.index or 0) >= count:
        there = "there is only cuda:0" if count == 1 else f"there are only cuda:0 to cuda:{count - 1}"
        return f"{there}. Choose one of these"
    name = torch.cuda.get_device_name(device)
    try:
        torch.zeros(8, device=device).add_(1).sum().item()
        free, _ = torch.cuda.mem_get_info(device)
    except RuntimeError as error:
        if is_out_of_memory(error):
            return f"the memory of {name} is full. Close other programs that use it"
        if "no kernel image" in str(error):
            major, minor = torch.cuda.get_device_capability(device)
            return (
                f"this torch ({torch.__version__}) has no code for {name} (compute capability {major}.{minor}). "
                "Install one that has (pytorch.org)"
            )
        return f"{name} fails ({str(error).splitlines()[0]}). Look at the output of nvidia-smi"
    if free < OPTIONS.least_memory:
        return (
            f"{name} has {free / 2**30:.1f} GB of free memory, and a run takes about "
            f"{OPTIONS.least_memory / 2**30:.0f}. Close other programs that use it"
        )
    return None


def _explain_absence() -> str:
    """Why torch, which could use CUDA, finds no device."""
    try:
        torch.cuda.init()
    except (RuntimeError, AssertionError) as error:
        words = str(error)
        if "too old" in words:
            return (
                f"the NVIDIA driver is too old for this torch ({torch.__version__}). Update the driver, or install a "
                "torch for an older CUDA (pytorch.org)"
            )
        if "no NVIDIA driver" in words:
            return "there is no NVIDIA driver on this computer. Install one if it has such a GPU"
        return f"CUDA does not start ({words.splitlines()[0]}). Look at the output of nvidia-smi"
    return "there is no CUDA GPU that this process may use. Look at CUDA_VISIBLE_DEVICES"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch says that a device's memory is full."""
    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError)
        and any(words in str(error) for words in ("CUDA out of memory", "CUDA error: out of memory", "ALLOC_FAILED"))
    )


def describe_device(device: torch.device) -> str:
    """The name of a GPU, or in words what else it is."""
    if device.type == "cuda" and torch.cuda.is_available():
        return torch.cuda.get_device_name(device)
    return "the GPU" if device.type in ("cuda", "mps") else "this computer"


def free_cached_memory(device: torch.device) -> None:
    """Gives memory back that torch keeps for later, where it is of a GPU."""
    if device.type == "cuda":
        with WHOLE_DEVICE:
            torch.cuda.empty_cache()


def upload(tensor: Tensor, device: torch.device) -> Tensor:
    """A CPU tensor on a device, in the order of the work there; the host does not wait for a GPU to come to it.

    An ordinary copy waits for all work under way, also where it is of a few numbers. One from pinned memory does not;
    torch keeps that memory until the copy is done.
    """
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def overwrite(place: Tensor, value: Tensor) -> None:
    """Copies a CPU tensor into memory of a device as `upload` does; the host does not wait for a GPU."""
    on_gpu = place.device.type == "cuda"
    place.copy_(value.pin_memory() if on_gpu else value, non_blocking=on_gpu)


def finish_work(device: torch.device) -> None:
    """Waits until a GPU has done what was launched; other devices have."""
    if device.type == "cuda":
        torch.cuda.current_stream(device).synchronize()
