"""The kernels for CUDA compute what the CPU's do: in Numba's simulator, and on a GPU where there is one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine.fields import cuda_launch
from engine.fields.kernel_choice import say_kernels_are_absent
from engine.fields.spaces import Lines
from engine.fields.voxel_grid import backends, compiled, cuda_compiled, cuda_kernels, reference
from engine.fields.voxel_grid import cuda_optimiser_kernels as optimiser
from engine.fields.voxel_grid.backends import choose_backend
from engine.fields.voxel_grid.options import DEFAULT
from engine.fields.voxel_grid.state import make_block_state, make_state
from tests.support import simulated_march
from tests.support.compiled_launches import NO_COMPILER, compile_launches, find_slow
from tests.support.pretend_cuda import NO_CUDA


def test_in_the_simulator_they_render_and_differentiate_as_those_of_the_cpu() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.simulated_march"],
        cwd=Path(__file__).parents[4],
        env=os.environ | {"NUMBA_ENABLE_CUDASIM": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    differences = json.loads(done.stdout)
    assert set(differences) == {
        *("dense, open", "dense, closed, directional", "dense, bent, directional", "blocks"),
        *("Adam, dense, directional", "Adam, blocks", "edges", "averages"),
    }
    assert max(differences.values()) < 2e-5, differences


def test_without_a_gpu_plain_torch_is_used(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    assert choose_backend(torch.device("cpu")) is compiled
    assert choose_backend(torch.device("mps")) is reference
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert choose_backend(torch.device("cuda")) is reference
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    say_kernels_are_absent.cache_clear()
    monkeypatch.setattr(backends, "cuda_compiled", None)  # as where Numba has no part for CUDA
    monkeypatch.setattr(backends, "ABSENCE", "No module named 'numba.cuda'")
    assert choose_backend(torch.device("cuda")) is reference
    assert "plain torch is (No module named 'numba.cuda'; pip install 'l2g-viewer[gpu]')" in caplog.text


@pytest.fixture
def chosen_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if there were a GPU on which no choice was made yet."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    cuda_compiled.choose_backend.cache_clear()
    say_kernels_are_absent.cache_clear()
    yield
    cuda_compiled.choose_backend.cache_clear()


@pytest.mark.usefixtures("chosen_anew")
def test_kernels_that_do_not_compile_leave_plain_torch_and_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(device: torch.device) -> None:
        raise OSError("libnvvm.so was not found\nand more lines")

    monkeypatch.setattr(cuda_launch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(cuda_compiled, "_try_kernels", fail)
    assert cuda_compiled.choose_backend() is reference
    assert "plain torch is (OSError: libnvvm.so was not found)" in caplog.text


def test_what_is_kept_of_compiled_kernels_is_given_up_when_any_file_of_kernels_changes() -> None:
    for kernel in (cuda_kernels.march_forward, optimiser.adam):
        followed = {name for name, _ in kernel._cache._cache_file._source_stamp}
        assert {
            f"voxel_grid/{name}.py" for name in ("cuda_kernels", "kernels/layout", "kernels/optimiser")
        } <= followed


@pytest.mark.usefixtures("chosen_anew")
def test_where_numba_finds_no_compiler_a_warning_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cuda_launch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(cuda_launch, "find_compiler", lambda: None)
    assert cuda_compiled.choose_backend() is reference
    assert "pip install 'l2g-viewer[gpu]'" in caplog.text


@pytest.mark.parametrize(
    ("home", "library"),
    [
        ("nvidia/cuda_nvcc", "nvvm/lib64/libnvvm.so"),  # of CUDA 12, by pip
        ("nvidia/cu13", "lib/libnvvm.so.4"),  # of CUDA 13, by pip
        ("toolkit", "nvvm/lib64/libnvvm.so.4.0.0"),
    ],
)
def test_the_compiler_is_found_where_pip_or_the_toolkit_puts_it(
    home: str, library: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    paths = {"nvvm": namedtuple("Found", "by info")("?", None)}
    other = tmp_path / "nvidia" / "cu14" / "nvvm" / "libdevice"  # libraries of torch's own, without the compiler's
    place = SimpleNamespace(submodule_search_locations=[str(tmp_path / "nvidia")])
    for folder in (other, tmp_path / home / "nvvm" / "libdevice", (tmp_path / home / library).parent):
        folder.mkdir(parents=True, exist_ok=True)
    (tmp_path / home / library).touch()
    monkeypatch.setattr(cuda_launch, "TOOLKIT", tmp_path / "toolkit")
    monkeypatch.setattr(cuda_launch, "which", lambda _: None)
    monkeypatch.setattr(cuda_launch, "find_spec", {"nvidia": place}.get)
    monkeypatch.setattr(cuda_launch, "get_cuda_paths", lambda: paths)
    monkeypatch.setattr(cuda_launch, "cuda", SimpleNamespace(__file__="numba/cuda/__init__.py"))
    monkeypatch.setattr(cuda_launch, "os", SimpleNamespace(environ=(told := {})))
    cuda_launch.find_compiler()
    assert told == {"CUDA_HOME": str(tmp_path / home)}
    assert paths["nvvm"].info == str(tmp_path / home / library)
    told["CUDA_HOME"] = "elsewhere"
    cuda_launch.find_compiler()
    assert told == {"CUDA_HOME": "elsewhere"}
    told.clear()
    loaded: list[str] = []  # the package numba-cuda takes a library that is loaded
    monkeypatch.setattr(cuda_launch, "CDLL", loaded.append)
    monkeypatch.setattr(cuda_launch, "cuda", SimpleNamespace(__file__="numba_cuda/numba/cuda/__init__.py"))
    cuda_launch.find_compiler()
    assert loaded == [str(tmp_path / home / library)]


def test_names_that_numpy_has_dropped_are_there_only_while_numba_cuda_is_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(np, "row_stack", raising=False)  # as numpy 2.5 has
    seen: list[tuple[str, bool]] = []

    def load(name: str) -> None:
        seen.append((name, vars(np)["row_stack"] is np.vstack))
        raise ImportError("Numba's own part for CUDA")

    monkeypatch.setattr(cuda_launch, "find_compiler", lambda: None)
    monkeypatch.setattr(cuda_launch, "import_module", load)
    cuda_launch.prepare_compiler.__wrapped__()
    assert seen == [("numba.cuda.np.arrayobj", True)]
    assert "row_stack" not in vars(np)


@NO_COMPILER
def test_all_that_is_launched_compiles_for_a_gpu_without_double_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    launched = compile_launches(monkeypatch)
    state = make_block_state(torch.zeros(2, 8, 8, 8, 4), torch.ones(1, 1, 1).int(), (8, 8, 8))
    for made in (state, make_state(torch.zeros(2, 2, 2, 4))):
        start = torch.zeros(3, 3, requires_grad=True)
        lines = Lines(start, torch.ones(3, 3), torch.ones(3))
        edges = cuda_compiled.edges(torch.ones(2, 2, 2), lines, True, 4, 0.1, torch.zeros(3))
        colour, _, _ = cuda_compiled.march(made, lines, torch.ones(3, 3), edges, True, torch.ones(3), True)
        colour.sum().backward()
        made.steps = DEFAULT.smoothness_period - 1
        cuda_compiled.optimise(made, 0.1, 0.1, 1.0)
    cuda_compiled.average(state, 2)
    assert set(launched) == {
        *("look_up", "march_forward", "march_backward", "scatter_samples", "sum_positions"),
        *("mark_occupied", "measure_bins", "draw_edges", "average_blocks"),
        *("adam", "add_smoothness", "add_smoothness_in_blocks"),
    }
    assert find_slow(launched) == []


@pytest.mark.gpu
@NO_CUDA
def test_on_a_gpu_they_compute_what_those_of_the_cpu_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums run in any order there; with more rays than in the simulator many of them meet in a voxel."""
    monkeypatch.setattr(simulated_march.passes, "RAYS", 1000)
    differences = simulated_march.find_differences(torch.device("cuda"))
    assert max(differences.values()) < 2e-4, differences


@pytest.mark.gpu
@NO_CUDA
def test_on_a_gpu_they_are_tried_and_used_where_they_compile() -> None:
    cuda_compiled._try_kernels(torch.device("cuda"))
    assert cuda_compiled.choose_backend() is cuda_compiled
