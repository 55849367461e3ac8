"""Memory of the process: how much it took, and how not to give it back to the system only to ask for it again."""

from __future__ import annotations

import ctypes
import sys

# Parameters of glibc's mallopt(3).
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_LARGEST_INT = 2**31 - 1


def keep_freed_memory() -> bool:
    """Tells glibc's allocator to keep what is freed; call it before the first large tensor is made.

    glibc maps every large block on its own and unmaps it when it is freed. A training step makes and frees the same
    tensors again and again, and each time the kernel zeroes their pages anew: a third of the CPU time of a run. The
    price is a process that stays as large as it once was.

    Returns:
        whether it was done: False on systems without glibc, where allocators differ and nothing is changed.
    """
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "gnu_get_libc_version"):  # musl has a mallopt that does nothing
        return False
    wanted = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, _LARGEST_INT), (_M_TOP_PAD, 2**28))
    done = [libc.mallopt(parameter, value) == 1 for parameter, value in wanted]
    return all(done)


def peak_memory_bytes() -> int | None:
    """The most memory this process held at a time, plus the most that CUDA held; None where nobody counts."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage counts bytes on macOS, KiB on Linux
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    torch = sys.modules.get("torch")  # not imported here: where torch was never used there is nothing to count
    if torch is not None and torch.cuda.is_available():
        peak += torch.cuda.max_memory_allocated()
    return peak
