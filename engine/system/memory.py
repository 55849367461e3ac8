"""Memory of the process: its peak, and keeping freed memory instead of returning it to the system."""

from __future__ import annotations

import ctypes
import sys

# Parameters of glibc's mallopt(3).
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_LARGEST_INT = 2**31 - 1


def keep_freed_memory() -> bool:
    """Makes glibc's allocator keep freed memory for later use; call it before the first large tensor is made.

    By default glibc maps every large block separately and unmaps it when it is freed. A training step allocates and
    frees the same tensors every time, and the kernel has to clear their pages each time: a third of the CPU time of a
    run. The price: the process never becomes smaller than its peak.

    Returns:
        whether all three settings were accepted; False on systems without glibc, where nothing is changed.
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
    """Peak memory of this process plus peak memory of torch on CUDA, bytes; None on Windows, which does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage counts bytes on macOS, KiB on Linux
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    torch = sys.modules.get("torch")  # not imported here: a process that never imported torch used no CUDA memory
    if torch is not None and torch.cuda.is_available():
        peak += torch.cuda.max_memory_allocated()
    return peak
