"""How kernels are compiled for CUDA, tried, and launched: in the order of torch's work, without a wait."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from ctypes import CDLL
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Any, TypeVar

import numpy as np
import torch
from numba import config, cuda, njit
from numba.cuda.cuda_paths import get_cuda_paths
from torch import Tensor

from engine.fields.kernel_choice import say_kernels_are_absent
from engine.system.kernel_cache import follow_sources


@dataclass(frozen=True)
class LaunchOptions:
    """Threads of a block.

    Attributes:
        ray_threads: of kernels with one thread per ray. A step has some 10,000 rays, 2 to 3 warps for each of 132
            multiprocessors: blocks of one warp spread evenly over them, of four they would leave every third without
            work. A picture, which has more, loses nothing by it: the march takes 79 registers a ray and its backward
            pass 32 (CUDA 13, compute capability 9.0), so that a multiprocessor holds 24 warps and more, as blocks of
            one warp.
        value_threads: of kernels with one thread per value, bin or channel of a sample, and of those in which a block
            goes through a row. They take few registers and are limited by memory; 16 such blocks fill a
            multiprocessor.
    """

    ray_threads: int = 32
    value_threads: int = 128


OPTIONS = LaunchOptions()
Backend = TypeVar("Backend")
WARP = 32
TOOLKIT = Path("/usr/local/cuda")
# What numpy calls otherwise since 2.4 and 2.5. numba-cuda (0.30) asks for the old names while its parts are loaded.
RENAMED = {"in1d": "isin", "trapz": "trapezoid", "row_stack": "vstack"}
# Numba warns of every launch of few blocks, as those for few rays are.
config.CUDA_LOW_OCCUPANCY_WARNINGS = 0  # type: ignore[attr-defined]


@cache
def prepare_compiler() -> None:
    """What has to be done once before a kernel is compiled."""
    find_compiler()
    lent = {old: getattr(np, new) for old, new in RENAMED.items() if old not in vars(np)}
    vars(np).update(lent)
    try:
        import_module("numba.cuda.np.arrayobj")
    except ImportError:  # Numba's own part for CUDA, which has the functions of its CPU
        pass
    finally:
        for old in lent:
            delattr(np, old)


def find_compiler() -> None:
    """Lets Numba find the compiler's library (libnvvm), unless it is told a place by `CUDA_HOME` or `CUDA_PATH`.

    The package numba-cuda finds what pip has installed and not `TOOLKIT`; Numba's own part for CUDA, the other way
    round. Both look for it once.
    """
    if {"CUDA_HOME", "CUDA_PATH"} & os.environ.keys():
        return
    for home in _list_homes():
        library = _find_library(home)
        if library is not None and (home / "nvvm" / "libdevice").is_dir():
            os.environ["CUDA_HOME"] = str(home)
            _name_library(library)
            return


def _list_homes() -> Iterator[Path]:
    """Where a compiler may be: pip's packages, whose versions fit torch, before the toolkit of the computer."""
    found = find_spec("nvidia")
    for folder in (found and found.submodule_search_locations) or ():
        yield from (*sorted(Path(folder).glob("cu[0-9]*"), reverse=True), Path(folder) / "cuda_nvcc")
    yield TOOLKIT
    compiler = which("nvcc")
    if compiler is not None:
        yield Path(compiler).resolve().parents[1]


def _find_library(home: Path) -> Path | None:
    """libnvvm below a folder, in any of the places where it has been."""
    patterns = ("nvvm/lib64/libnvvm.so*", "lib/libnvvm.so*", "nvvm/bin/nvvm*.dll", "nvvm/bin/x64/nvvm*.dll")
    return next((file for pattern in patterns for file in sorted(home.glob(pattern))), None)


def _name_library(library: Path) -> None:
    """Numba's own part for CUDA looks in one folder only, and for names with a version; pip's file has none. The
    package numba-cuda takes a library that is loaded, also where it has read the environment before."""
    if "numba_cuda" in cuda.__file__:
        CDLL(str(library))
        return
    paths = get_cuda_paths()
    paths["nvvm"] = paths["nvvm"]._replace(info=str(library))


def have_kernels(try_them: Callable[[torch.device], None]) -> bool:
    """Whether kernels for CUDA work here; where they do not, a sentence in the log says why, once for each reason.

    Args:
        try_them: does something small with them on a device, and raises where that fails.
    """
    if not torch.cuda.is_available():
        return False
    try:
        prepare_compiler()
        if not cuda.is_available():
            raise OSError("Numba finds no compiler for them: pip install 'l2g-viewer[gpu]', or the CUDA toolkit")
        try_them(torch.device("cuda"))
    except Exception as error:  # whatever Numba, its compiler or the driver raise: there is another way
        words = (str(error).splitlines() or [""])[0]
        say_kernels_are_absent(f"{type(error).__name__}: {words}")
        return False
    return True


def compare_with_plain(compute: Callable[[Backend], Tensor], kernels: Backend, plain: Backend, what: str) -> None:
    """Computes something small with kernels and with plain torch.

    Raises:
        RuntimeError: the results differ.
    """
    one, other = (compute(backend).detach().cpu() for backend in (kernels, plain))
    if not torch.allclose(one, other, rtol=1e-3, atol=1e-4):
        raise RuntimeError(f"{what} gives other values than plain torch")


@njit(inline="always")
def finite_or_zero(value):  # type: ignore[no-untyped-def]
    """For kernels: a gradient, or zero in place of one that is not finite."""
    return value if math.isfinite(value) else np.float32(0.0)


def make_kernel(function: Callable[..., None]) -> Any:
    """A kernel, compiled at its first launch; what was compiled is kept on disk, as that of the CPU's kernels is.

    It is kept until any file of kernels changes: functions of several are compiled into it.
    """
    if config.ENABLE_CUDASIM:  # type: ignore[attr-defined]
        return cuda.jit(function)
    kernel = cuda.jit(cache=True)(function)
    try:
        follow_sources(kernel, Path(__file__).parent, "**/*kernels.py", "**/kernels/*.py")
    except AttributeError:
        return cuda.jit(function)
    return kernel


def launch_per_ray(kernel: Any, rays: int, *arguments: Any) -> None:
    """Runs a kernel with one thread per ray."""
    launch(kernel, (-(-rays // OPTIONS.ray_threads), 1), OPTIONS.ray_threads, *arguments)


def launch_per_value(kernel: Any, rows: int, values: int, *arguments: Any) -> None:
    """Runs a kernel with one thread per value of each row: the row is `blockIdx.x`, which may be large."""
    threads = min(OPTIONS.value_threads, max(-(-values // WARP), 1) * WARP)
    launch(kernel, (rows, -(-values // threads)), threads, *arguments)


def launch_per_row(kernel: Any, rows: int, threads: int, *arguments: Any) -> None:
    """Runs a kernel with a block for each row, `blockIdx.x`, whose threads go through it, so many at most."""
    launch(kernel, (rows, 1), min(OPTIONS.value_threads, max(-(-threads // WARP), 1) * WARP), *arguments)


def launch_in_layers(kernel: Any, values: int, layers: int, *arguments: Any) -> None:
    """Runs a kernel with one thread per value, for one layer after the other: the layer is `blockIdx.y`."""
    launch(kernel, (-(-values // OPTIONS.value_threads), layers), OPTIONS.value_threads, *arguments)


def launch(kernel: Any, grid: tuple[int, int], threads: int, *arguments: Any) -> None:
    """Runs a kernel on torch's current stream of the device of its tensors; the host does not wait.

    A CUDA graph can capture it once the kernel is compiled, which its first launch does: nothing is allocated and no
    other stream is used. Tensors have to be contiguous, and numbers with a fraction `np.float32`.
    """
    if 0 in grid:
        return
    if config.ENABLE_CUDASIM:  # type: ignore[attr-defined]
        kernel[grid, threads](*[one.detach().numpy() if isinstance(one, Tensor) else one for one in arguments])
        return
    prepare_compiler()
    device = next(one.device for one in arguments if isinstance(one, Tensor))
    with cuda.gpus[device.index] if device.index else nullcontext():
        stream = _wrap_stream(torch.cuda.current_stream(device).cuda_stream, device.index)
        kernel[grid, threads, stream](*[_wrap(one) if isinstance(one, Tensor) else one for one in arguments])


def _wrap(tensor: Tensor) -> Any:
    if not tensor.is_contiguous():
        raise ValueError(f"a kernel is given a tensor of shape {tuple(tensor.shape)} with gaps")
    return _wrap_memory(tensor.data_ptr(), tensor.shape, tensor.dtype, tensor.device.index)


class _Memory:
    """Memory of torch's as Numba asks for it."""

    def __init__(self, address: int, shape: torch.Size, kind: str) -> None:
        self.__cuda_array_interface__ = {
            "data": (address, False),
            "shape": tuple(shape),
            "typestr": kind,
            "strides": None,
            "version": 2,
        }


@lru_cache(maxsize=2048)
def _wrap_memory(address: int, shape: torch.Size, dtype: torch.dtype, _: int | None) -> Any:
    """An array of Numba's, which takes as long to make as a launch: most steps use the memory of the one before.

    It holds nothing: where a tensor is gone before its kernel is done, torch gives the memory to later work of the
    same stream only.
    """
    return cuda.as_cuda_array(_Memory(address, shape, torch.empty(0, dtype=dtype).numpy().dtype.str), sync=False)


@lru_cache(maxsize=64)
def _wrap_stream(queue: int, _: int | None) -> Any:
    """A stream of torch's for Numba; the second is its device."""
    return cuda.external_stream(queue) if queue else cuda.default_stream()
