"""A description of the machine that a measurement is made on."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

import torch


def machine_line() -> str:
    """Processor, cores that this process may use, GPU, system, Python and torch, and the load of the machine."""
    parts = [f"{cores()} cores of {processor()}"]
    if torch.cuda.is_available():
        parts.append(torch.cuda.get_device_name())
    parts += [f"{platform.system()} {platform.machine()}", f"Python {platform.python_version()}"]
    parts.append(f"torch {torch.__version__} ({torch.get_num_threads()} threads)")
    if hasattr(os, "getloadavg"):
        parts.append(f"load {os.getloadavg()[0]:.1f} before")
    return ", ".join(parts)


def cores() -> int:
    """Cores that this process may run on."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """The name of the processor, if the system has one."""
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
