"""The kernels for CUDA compute what the CPU's do: in Numba's simulator, and on a GPU where there is one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from engine.fields.voxel_grid import compiled, cuda_compiled, reference
from engine.fields.voxel_grid.field import _choose_backend
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
        *("Adam, dense, directional", "Adam, blocks"),
    }
    assert max(differences.values()) < 2e-5, differences


def test_without_a_gpu_plain_torch_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _choose_backend(torch.device("cpu")) is compiled
    assert _choose_backend(torch.device("mps")) is reference
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert _choose_backend(torch.device("cuda")) is reference


def test_kernels_that_do_not_compile_leave_plain_torch_and_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(device: torch.device) -> None:
        raise OSError("libnvvm.so was not found\nand more lines")

    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr(cuda_compiled.cuda, "is_available", lambda: True)
    monkeypatch.setattr(cuda_compiled, "_try_kernels", fail)
    cuda_compiled.choose_backend.cache_clear()
    try:
        assert cuda_compiled.choose_backend() is reference
    finally:
        cuda_compiled.choose_backend.cache_clear()
    assert "plain torch is (OSError: libnvvm.so was not found)" in caplog.text


@pytest.mark.gpu
@NO_CUDA
def test_on_a_gpu_they_are_tried_and_used_where_they_compile() -> None:
    cuda_compiled._try_kernels(torch.device("cuda"))
    assert cuda_compiled.choose_backend() is cuda_compiled
