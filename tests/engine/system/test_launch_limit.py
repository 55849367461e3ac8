"""The host does not run far ahead of a GPU, and leaves it work."""

from __future__ import annotations

import pytest
import torch

from engine.system.launch_limit import LaunchLimit, LaunchOptions
from tests.support.pretend_cuda import NO_CUDA
from tests.support.pretend_streams import PretendStreams

OPTIONS = LaunchOptions(seconds=0.03, least=2, most=20)


@pytest.mark.parametrize(("seconds", "allowed"), [(0.01, 3), (0.2, 2), (0.0001, 20), (0.0, 20)])
def test_as_many_steps_are_under_way_as_fit_into_the_time(seconds: float, allowed: int) -> None:
    with PretendStreams(seconds=seconds) as streams:
        limit = LaunchLimit(torch.device("cuda"), OPTIONS)
        for _ in range(59):
            limit.note_step()
            assert limit.under_way <= max(allowed, OPTIONS.least)
        assert limit.under_way == allowed
        # The oldest step was waited for, and the device has the others to do meanwhile.
        assert streams.waited == list(range(1, 60 - allowed))


def test_slower_steps_make_the_limit_smaller() -> None:
    with PretendStreams(seconds=0.002) as streams:
        limit = LaunchLimit(torch.device("cuda"), OPTIONS)
        for _ in range(40):
            limit.note_step()
        assert limit.under_way == 15
        streams.seconds = 0.1
        limit.note_step()
        assert limit.under_way == 2


def test_on_the_cpu_there_is_nothing_to_wait_for() -> None:
    with PretendStreams() as streams:
        limit = LaunchLimit(torch.device("cpu"))
        for _ in range(5):
            limit.note_step()
        assert limit.under_way == streams.recorded == 0


@pytest.mark.gpu
@NO_CUDA
def test_a_real_gpu_has_few_steps_before_it() -> None:
    limit, values = LaunchLimit(torch.device("cuda"), OPTIONS), torch.rand(4096, 4096, device="cuda")
    for _ in range(30):
        for _ in range(5):
            values = (values @ values).clamp(0, 1)
        limit.note_step()
        assert limit.under_way <= OPTIONS.most
    assert OPTIONS.least <= limit.allowed <= OPTIONS.most
