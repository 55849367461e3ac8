"""The part that names the card, before it asks for any package that may be missing."""

from __future__ import annotations

import importlib
import logging
import platform
import shutil
import subprocess
import time

import torch

from engine.system.devices import resolve_device
from tests.benchmarks.gpu.context import GIGABYTE, Context

PACKAGES = (  # all parts need the first; trainings pycolmap too, views moderngl and pyrr
    *("numpy", "numba", "numba.cuda", "roma", "jaxtyping", "platformdirs", "psutil", "safetensors", "skimage"),
    *("tyro", "pycolmap", "hypothesis", "scipy", "moderngl", "pyrr", "cuda.bindings.runtime"),
)


def describe_card(context: Context) -> None:
    """The card, and whether this program can use it; else the part fails, with the sentence that says why."""
    context.figures.note(torch=torch.__version__, cuda=torch.version.cuda, python=platform.python_version())
    packages = list_packages()
    missing = [f"{name} ({told})" for name, told in packages.items() if "Error: " in told]
    context.figures.note(packages=packages, missing="; ".join(missing) or "nothing")
    device = resolve_device(context.device)
    if device.type != "cuda":
        context.figures.note(name=f"no GPU: {device.type}")
        return
    found = torch.cuda.get_device_properties(device)
    free, total = torch.cuda.mem_get_info(device)
    context.figures.note(
        name=found.name,
        capability=f"{found.major}.{found.minor}",
        multiprocessors=found.multi_processor_count,
        memory_gb=total / GIGABYTE,
        free_gb=free / GIGABYTE,
        bfloat16=torch.cuda.is_bf16_supported(),
    )
    if shutil.which("nvidia-smi"):
        asked = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        told = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=10)
        context.figures.note(driver=told.stdout.strip())
    describe_kernels(context, device)


def list_packages() -> dict[str, str]:
    """Versions of the packages that parts need besides torch; of one that is missing or cannot be imported, why."""
    found = {}
    for name in PACKAGES:
        try:
            module = importlib.import_module(name)
            found[name] = str(getattr(module, "__version__", "there"))
        except Exception as error:  # whatever a package raises that does not fit the others
            found[name] = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
    return found


def describe_kernels(context: Context, device: torch.device) -> None:
    """Whether the fields' kernels for CUDA are used, else why not; how long they took to be compiled and tried."""
    from engine.fields.hash import reference as plain_hash
    from engine.fields.hash.backends import choose_backend as choose_for_hash
    from engine.fields.voxel_grid import reference as plain_grid
    from engine.fields.voxel_grid.backends import choose_backend as choose_for_grid

    said = Sentences()
    logging.getLogger("engine").addHandler(said)
    backends = {"grid": (choose_for_grid, plain_grid), "hash": (choose_for_hash, plain_hash)}
    for name, (choose, plain) in backends.items():
        begun = time.perf_counter()
        used = choose(device) is not plain
        context.figures.note(**{f"{name}_kernels": "used" if used else " ".join(said.found) or "not used"})
        context.figures.note(**{f"{name}_kernels_seconds": time.perf_counter() - begun})


class Sentences(logging.Handler):
    """Keeps what is said in the log."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(record.getMessage())
