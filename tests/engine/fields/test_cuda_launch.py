"""Launches of kernels, with a Numba that stands for one on a GPU."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch

from engine.fields import cuda_launch
from engine.fields.cuda_launch import launch, launch_in_layers, launch_per_ray, launch_per_row, launch_per_value


class Kernel:
    """Keeps what it is launched with."""

    def __init__(self) -> None:
        self.launched: list[tuple[Any, ...]] = []

    def __getitem__(self, configuration: tuple[Any, ...]) -> Any:
        return lambda *arguments: self.launched.append((configuration, *arguments))


@pytest.fixture
def numba(monkeypatch: pytest.MonkeyPatch) -> mock.Mock:
    """Arrays that show the memory they were made for, as numpy reads it, and named streams."""
    made = mock.Mock()
    made.as_cuda_array.side_effect = lambda memory, sync: np.asarray(
        SimpleNamespace(__array_interface__=memory.__cuda_array_interface__ | {"version": 3})
    )
    made.external_stream.side_effect = lambda queue: f"stream {queue}"
    monkeypatch.setattr(cuda_launch, "cuda", made)
    monkeypatch.setattr("torch.cuda.current_stream", lambda device: SimpleNamespace(cuda_stream=7))
    for cached in (cuda_launch._wrap_memory, cuda_launch._wrap_stream):
        monkeypatch.setattr(cuda_launch, cached.__name__, cached.__wrapped__)
    return made


def test_a_kernel_gets_the_memory_of_tensors_and_torch_s_stream(numba: mock.Mock) -> None:
    kernel, values = Kernel(), torch.arange(6.0).view(2, 3).requires_grad_()
    flags = torch.ones(2, 1, dtype=torch.uint8)
    launch(kernel, (2, 1), 32, values, flags, True)
    [(configuration, first, second, switch)] = kernel.launched
    assert configuration == ((2, 1), 32, "stream 7")
    assert (first.dtype, second.dtype, switch) == (np.float32, np.uint8, True)
    first[1, 2], second[0, 0] = 9.0, 4
    assert (values[1, 2].item(), flags[0, 0].item()) == (9.0, 4)


def test_a_tensor_with_gaps_is_refused_and_an_empty_grid_is_not_launched(numba: mock.Mock) -> None:
    kernel = Kernel()
    with pytest.raises(ValueError, match=r"shape \(3, 2\) with gaps"):
        launch(kernel, (1, 1), 32, torch.ones(2, 3).T)
    launch(kernel, (0, 1), 32, torch.ones(0))
    assert kernel.launched == []


def test_nothing_is_launched_for_no_rays_and_no_values(numba: mock.Mock) -> None:
    kernel, nothing = Kernel(), torch.ones(0, 3)
    launch_per_ray(kernel, 0, nothing)
    launch_per_value(kernel, 4, 0, nothing)
    launch_per_value(kernel, 0, 4, nothing)
    launch_in_layers(kernel, 0, 2, nothing)
    launch_per_row(kernel, 0, 64, nothing)
    assert kernel.launched == []
    launch_per_value(kernel, 4, 130, torch.ones(4, 130))
    launch_per_row(kernel, 4, 40, torch.ones(4, 40))
    launch_per_row(kernel, 4, 1000, torch.ones(4, 1000))
    assert [launched[0][:2] for launched in kernel.launched] == [((4, 2), 128), ((4, 1), 64), ((4, 1), 128)]


def test_memory_that_is_used_again_costs_nothing(numba: mock.Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_launch, "_wrap_memory", cuda_launch.lru_cache(8)(cuda_launch._wrap_memory))
    kernel, values = Kernel(), torch.ones(4)
    for shape in ((4,), (4,), (2, 2), (4,)):  # each time another tensor
        launch(kernel, (1, 1), 32, values.view(shape))
    assert numba.as_cuda_array.call_count == 2
    assert [array.shape for _, array in kernel.launched] == [(4,), (4,), (2, 2), (4,)]
