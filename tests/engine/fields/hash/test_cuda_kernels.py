"""The kernels for CUDA compute what the CPU's do: in Numba's simulator, and on a GPU where there is one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from engine.fields import cuda_launch
from engine.fields.hash import backends, compiled, cuda_compiled, reference
from engine.fields.hash.backends import choose_backend
from engine.fields.hash.options import DEFAULT
from engine.fields.kernel_choice import say_kernels_are_absent
from tests.support import simulated_encoding
from tests.support.compiled_launches import NO_COMPILER, compile_launches, find_slow
from tests.support.pretend_cuda import NO_CUDA


def test_in_the_simulator_they_compute_what_those_of_the_cpu_do() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.simulated_encoding"],
        cwd=Path(__file__).parents[4],
        env=os.environ | {"NUMBA_ENABLE_CUDASIM": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    differences = json.loads(done.stdout)
    assert set(differences) == set(simulated_encoding.PASSES)
    assert max(differences.values()) < 1e-5, differences


@pytest.fixture
def chosen_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if there were a GPU on which no choice was made yet."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    caches = cuda_compiled.choose_backend, say_kernels_are_absent
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


@pytest.mark.usefixtures("chosen_anew")
def test_each_device_has_its_backend(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    gpu = torch.device("cuda")
    assert choose_backend(torch.device("cpu")) is compiled
    assert choose_backend(torch.device("mps")) is reference
    monkeypatch.setattr(cuda_launch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(cuda_compiled, "_try_kernels", lambda device: None)
    assert choose_backend(gpu) is cuda_compiled
    assert not caplog.records
    monkeypatch.setattr(backends, "cuda_compiled", None)  # as where Numba has no part for CUDA
    monkeypatch.setattr(backends, "ABSENCE", "No module named 'numba.cuda'")
    assert choose_backend(gpu) is reference
    assert "plain torch is (No module named 'numba.cuda'; pip install" in caplog.text


@pytest.mark.usefixtures("chosen_anew")
def test_kernels_that_do_not_work_leave_plain_torch_and_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cuda_launch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(cuda_launch, "find_compiler", lambda: None)
    assert choose_backend(torch.device("cuda")) is reference
    cuda_compiled.choose_backend.cache_clear()  # another part of a field says the same
    assert choose_backend(torch.device("cuda")) is reference
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "pip install 'l2g-viewer[gpu]'" in caplog.text


@NO_COMPILER
def test_all_that_is_launched_compiles_for_a_gpu_without_double_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    launched = compile_launches(monkeypatch)
    tables = simulated_encoding.make(torch.device("cpu"))
    points = torch.rand(5, 3, requires_grad=True)
    cuda_compiled.encode(points, tables, torch.ones(2), True).sum().backward()
    cuda_compiled.optimise(tables, 0.1, 2, DEFAULT)
    assert set(launched) == {"encode", "scatter", "point_gradient", "adam"}
    assert find_slow(launched) == []


@pytest.mark.gpu
@NO_CUDA
def test_on_a_gpu_they_compute_what_those_of_the_cpu_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums run in any order there; with more points than in the simulator many of them meet in an entry."""
    monkeypatch.setattr(simulated_encoding, "POINTS", 20_000)
    differences = simulated_encoding.find_differences(torch.device("cuda"))
    assert max(differences.values()) < 2e-4, differences


@pytest.mark.gpu
@NO_CUDA
def test_on_a_gpu_they_are_tried_and_used_where_they_compile() -> None:
    cuda_compiled._try_kernels(torch.device("cuda"))
    assert cuda_compiled.choose_backend() is cuda_compiled
