"""How the kernels are compiled.

Of the functions that kernels call, LLVM inlines those that `njit` compiles. `inline="always"` has Numba copy their
code into the kernel before it looks at types, which takes twice as long to compile. It is for those that kernels for
CUDA call too, in which nothing is to be called, and for those of loops along memory (`optimiser`), which LLVM turns
into vector instructions only so: the step takes two thirds of the time.
"""

from __future__ import annotations

from pathlib import Path

from numba import njit

from engine.system.kernel_cache import follow_sources

# All of LLVM's fast-math except "no NaNs" and "no infinities": a NaN must reach the loss, where it is detected.
FAST = {"reassoc", "contract", "arcp", "afn", "nsz"}


def compile_kernel(function):
    """A kernel whose `prange` runs on all threads, compiled at its first call with each kind of arguments.

    What was compiled is kept on disk until a file of this folder changes: functions of them are compiled into it.
    """
    kernel = njit(parallel=True, fastmath=FAST, cache=True)(function)
    try:
        follow_sources(kernel, Path(__file__).parent, "*.py")
    except AttributeError:
        return njit(parallel=True, fastmath=FAST)(function)
    return kernel
