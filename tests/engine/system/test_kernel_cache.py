"""Compiled kernels that are kept on disk follow all their sources."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from engine.fields.voxel_grid.kernels import forward, optimiser

KERNEL = """
from pathlib import Path
from numba import njit
from engine.system.kernel_cache import follow_sources
from part import add

@njit(cache=True)
def compute(x):
    return add(x)

follow_sources(compute, Path(__file__).parent, "*.py")
print(compute(1), sum(compute.stats.cache_hits.values()))
"""
PART = "from numba import njit\n\n@njit(inline='always')\ndef add(x):\n    return x + {}\n"


def compute(folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, folder / "kernel.py"],
        env={"PYTHONPATH": str(Path(__file__).parents[3]), "NUMBA_CACHE_DIR": str(folder / "cache")},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_a_kernel_is_loaded_from_disk_until_a_file_beside_it_changes(tmp_path: Path) -> None:
    (tmp_path / "kernel.py").write_text(KERNEL)
    (tmp_path / "part.py").write_text(PART.format(1))
    assert [compute(tmp_path), compute(tmp_path)] == ["2 0", "2 1"]  # result, and times it was loaded
    (tmp_path / "part.py").write_text(PART.format(2))
    assert compute(tmp_path) == "3 0"


def test_kernels_of_the_voxel_grid_follow_the_files_that_they_are_made_of() -> None:
    for kernel in (forward.march_forward, optimiser.adam):
        followed = {name for name, _ in kernel._cache._cache_file._source_stamp}
        assert {"activations.py", "layout.py", "limits.py", "lines.py", "prefetch.py"} <= followed
