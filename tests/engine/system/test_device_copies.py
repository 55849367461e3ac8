"""Copies from a GPU that nobody waits for."""

from __future__ import annotations

from unittest import mock

import pytest
import torch

from engine.system.device_copies import DeviceCopies
from tests.support.pretend_cuda import NO_CUDA, PretendCuda
from tests.support.pretend_streams import PretendStreams


@pytest.mark.parametrize("on_device", [False, True])
def test_on_the_cpu_copies_are_done_at_once(on_device: bool) -> None:
    copies, source = DeviceCopies(on_device), torch.arange(6.0).view(2, 3)
    made = copies.allocate((2, 3), torch.float16, source)
    copies.copy(made, source)
    assert copies.done
    assert made.dtype == torch.float16
    assert torch.equal(made.float(), source)


def test_the_host_goes_on_while_copies_of_a_gpu_s_tensors_come_to_it() -> None:
    with PretendCuda(PretendStreams(delay=2)) as cuda:
        source = torch.arange(6.0, device="cuda").view(2, 3)
        copies = DeviceCopies()
        made = copies.allocate((2, 3), torch.float16, source)
        made.fill_(-1)
        with cuda.watched() as waits:
            for row in range(2):
                copies.copy(made[row], source[row])
            source.add_(100)  # the run goes on
            assert not copies.done
            assert (made == -1).all()
            assert not copies.done
            assert copies.done
        assert not waits
        assert torch.equal(made.float(), torch.arange(6.0).view(2, 3))
        assert cuda.streams.waits == 0
        assert not cuda.streams.waited


def test_copies_may_stay_on_the_device() -> None:
    with PretendCuda() as cuda:
        source = torch.ones(4, device="cuda")
        copies = DeviceCopies(on_device=True)
        made = copies.allocate((4,), torch.float16, source)
        with cuda.watched() as waits:
            copies.copy(made, source)
        assert not waits
        assert made.is_cuda
        assert not copies.allocate((4,), torch.int32, source, on_host=True).is_cuda
        assert copies.done
        assert made.cpu().tolist() == [1.0] * 4


def test_without_pinned_memory_the_copy_comes_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    empty = torch.empty

    def refuse(*shape: int, pin_memory: bool = False, **options: object) -> torch.Tensor:
        if pin_memory:
            raise RuntimeError("CUDA error: out of memory\nmore")
        return empty(*shape, **options)  # type: ignore[call-overload, no-any-return]

    with PretendCuda(), mock.patch("torch.empty", refuse):
        source = torch.ones(4, device="cuda")
        copies = DeviceCopies()
        made = copies.allocate((4,), torch.float16, source)
        copies.copy(made, source)
        while not copies.done:
            pass
        assert made.tolist() == [1.0] * 4
    assert "No pinned memory" in caplog.text


@pytest.mark.gpu
@NO_CUDA
@pytest.mark.parametrize("on_device", [False, True])
def test_copies_of_a_real_gpu_arrive(on_device: bool) -> None:
    source = torch.rand(64, 1000, device="cuda")
    expected, copies = source.half().cpu(), DeviceCopies(on_device)
    made = copies.allocate(source.shape, torch.float16, source)
    for row in range(64):
        copies.copy(made[row], source[row])
    source.zero_()
    while not copies.done:
        pass
    assert made.is_cuda == on_device
    assert torch.equal(made.cpu(), expected)
