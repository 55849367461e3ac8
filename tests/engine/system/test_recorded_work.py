"""Work that is recorded and played, with a tape in place of a CUDA graph."""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest import mock

import pytest
import torch
from torch import Tensor, nn

from engine.system.devices import free_cached_memory
from engine.system.recorded_work import (
    CudaRecorder,
    RecordedWork,
    RecordingOptions,
    WorkKind,
    make_recorded_work,
    upload_made,
)
from tests.support.pretend_cuda import NO_CUDA, PretendCuda
from tests.support.tape import TapeRecorder

CUDA = torch.device("cuda")
OPTIONS = RecordingOptions(warm=2, kept=2)


@pytest.fixture
def cuda() -> Iterator[PretendCuda]:
    with PretendCuda() as pretended:
        yield pretended


class Sum:
    """Adds random numbers, times a weight, to what it has seen so far, and differentiates by it."""

    def __init__(self) -> None:
        self.parameter = nn.Parameter(torch.ones(3, device=CUDA))
        self.seen = torch.zeros(3, device=CUDA)
        self.generator = torch.Generator().manual_seed(5)
        self.weight, self.calls = 1.0, 0

    def work(self) -> Tensor:
        self.calls += 1
        self.parameter.grad = None
        drawn = upload_made(lambda: torch.rand(3, generator=self.generator), CUDA)
        weight = upload_made(lambda: torch.tensor(self.weight), CUDA)
        self.seen += drawn * weight
        loss = (self.parameter * self.seen).sum()
        loss.backward()
        return loss.detach()

    def kind(self, *values: object) -> WorkKind:
        return WorkKind(values, (self.parameter, self.seen))


def run(work: Sum, recorded: RecordedWork, times: int = 6) -> list[tuple[float, list[float]]]:
    found = []
    for number in range(times):
        work.weight = 1.0 + number
        loss = recorded.do(work.kind(), work.work)
        assert work.parameter.grad is not None
        found.append((loss.cpu().item(), work.parameter.grad.cpu().tolist()))
    return found


def test_played_work_ends_as_work_that_is_done(cuda: PretendCuda) -> None:
    recorder = TapeRecorder()
    one, other = Sum(), Sum()
    assert run(one, RecordedWork(recorder, OPTIONS)) == run(other, RecordedWork(None))
    assert (recorder.warmed, recorder.recorded) == (2, 1)
    assert (one.calls, other.calls) == (3, 6)
    assert one.seen.cpu().tolist() == other.seen.cpu().tolist()


def test_other_values_and_other_memory_are_recorded_anew(cuda: PretendCuda) -> None:
    recorder, work = TapeRecorder(), Sum()
    recorded = RecordedWork(recorder, OPTIONS)
    for value in (1, 1, 1, 2, 2, 2, 1, 2):
        recorded.do(work.kind(value), work.work)
    assert recorder.recorded == 2  # each kept
    for value in (3, 3, 3, 1):  # one too many: the first is given up
        recorded.do(work.kind(value), work.work)
    assert (recorder.warmed, recorder.recorded) == (7, 3)
    work.seen = work.seen.clone()
    run(work, recorded, 3)
    assert recorder.recorded == 4
    recorded.forget()
    run(work, recorded, 2)
    assert (recorder.warmed, recorder.recorded) == (11, 4)
    assert not recorded.plays


def test_gradients_that_were_cleared_meanwhile_are_there_again(cuda: PretendCuda) -> None:
    work, recorded = Sum(), RecordedWork(TapeRecorder(), OPTIONS)
    for _ in range(5):
        recorded.do(work.kind(), work.work)
        assert work.parameter.grad is not None
        assert work.parameter.grad.cpu().tolist() == work.seen.cpu().tolist()
        work.parameter.grad = None


def wait(work: Sum) -> Tensor:
    return work.work() * float(work.seen.sum())


def draw_unsaid(work: Sum) -> Tensor:
    return work.work() + torch.rand(3, generator=work.generator).sum().to(CUDA)


def ask_more(work: Sum) -> Tensor:
    return work.work() + (upload_made(lambda: torch.ones(()), CUDA) if work.calls > 2 else 0.0)


@pytest.mark.parametrize("spoilt", [wait, draw_unsaid, ask_more])
def test_work_that_cannot_be_recorded_is_done_as_usual_and_a_sentence_says_so(
    cuda: PretendCuda, spoilt: Callable[[Sum], Tensor], caplog: pytest.LogCaptureFixture
) -> None:
    recorder, work = TapeRecorder(), Sum()
    recorded = RecordedWork(recorder, OPTIONS)
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            recorded.do(work.kind(), lambda: spoilt(work))
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("Steps are launched one operation at a time")
    assert recorder.recorded == 1
    assert work.parameter.grad is not None
    assert work.parameter.grad.cpu().tolist() == work.seen.cpu().tolist()


def test_full_memory_while_recording_is_left_to_the_caller(cuda: PretendCuda) -> None:
    recorder, work = TapeRecorder(), Sum()
    recorded = RecordedWork(recorder, OPTIONS)
    run(work, recorded, 2)
    with (
        mock.patch.object(recorder, "record", side_effect=torch.OutOfMemoryError("CUDA out of memory")),
        pytest.raises(torch.OutOfMemoryError),
    ):
        run(work, recorded, 1)
    run(work, recorded, 3)
    assert recorder.recorded == 1


@contextmanager
def graphs(*, fail: bool = False) -> Iterator[mock.Mock]:
    """Torch's graphs and streams without a GPU; `fail`: what ends a recording finds it spoilt."""
    calls = mock.Mock()
    calls.graph_pool_handle.side_effect = iter([(0, number) for number in range(1, 9)])
    calls.current_stream.return_value = "usual"
    calls.Stream.return_value.device_index = 1

    class Graph:
        def replay(self) -> None: ...

    @contextmanager
    def graph(made: Graph, *, pool: object, **_: object) -> Iterator[None]:
        calls.record(pool)
        yield
        if fail:
            raise RuntimeError("operation failed due to a previous error during capture")

    stands_for = {
        name: getattr(calls, name) for name in ("graph_pool_handle", "current_stream", "Stream", "set_stream")
    }
    with (
        mock.patch.multiple("torch.cuda", CUDAGraph=Graph, graph=graph, **stands_for),
        mock.patch("torch._C._cuda_endAllocateToPool", calls.end_allocation, create=True),
    ):
        yield calls


def test_graphs_share_a_pool_for_as_long_as_there_is_one() -> None:
    """The pool of graphs that are gone is an internal error of torch while a tensor of it is left."""
    with graphs() as calls:
        recorder = CudaRecorder(CUDA)
        one = recorder.record(lambda: 1)
        other = recorder.record(lambda: 2)
        del one, other
        gc.collect()
        recorder.record(lambda: 3)
    assert [call.args[0] for call in calls.record.call_args_list] == [(0, 1), (0, 1), (0, 2)]
    calls.set_stream.assert_not_called()


def test_a_recording_that_fails_leaves_torch_as_it_was() -> None:
    with graphs(fail=True) as calls, pytest.raises(RuntimeError, match="previous error"):
        CudaRecorder(CUDA).record(lambda: 1)
    calls.set_stream.assert_called_once_with("usual")
    calls.end_allocation.assert_called_once_with(1, (0, 1))


def test_a_gpu_s_memory_is_not_given_back_while_another_run_is_recorded() -> None:
    """That waits for the whole GPU, which spoils a recording."""
    calls: list[str] = []
    with graphs(), mock.patch("torch.cuda.empty_cache", side_effect=lambda: calls.append("given back")):
        other = threading.Thread(target=free_cached_memory, args=(CUDA,))

        def work() -> None:
            other.start()
            other.join(0.1)
            calls.append("recorded")

        CudaRecorder(CUDA).record(work)
        other.join()
    assert calls == ["recorded", "given back"]


class KernelError(Exception):
    """As Numba's, which is no `RuntimeError`."""


def test_a_kernel_that_cannot_be_recorded_is_launched_as_usual(
    cuda: PretendCuda, caplog: pytest.LogCaptureFixture
) -> None:
    recorder, work = TapeRecorder(), Sum()
    recorded = RecordedWork(recorder, OPTIONS)
    with mock.patch.object(recorder, "record", side_effect=KernelError("CUDA_ERROR_UNKNOWN")):
        run(work, recorded, 4)
    assert "(CUDA_ERROR_UNKNOWN)" in caplog.text
    assert work.calls == 4


def test_nothing_is_recorded_on_a_cpu_or_without_a_kind() -> None:
    recorded = make_recorded_work(torch.device("cpu"))
    calls: list[int] = []
    for number in range(6):
        recorded.do(WorkKind((), ()), lambda number=number: calls.append(number))  # type: ignore[misc]
    recorder = TapeRecorder()
    for number in range(6):
        RecordedWork(recorder).do(None, lambda number=number: calls.append(number))  # type: ignore[misc]
    assert calls == [*range(6)] * 2
    assert recorder.warmed == recorder.recorded == 0


def assert_close(found: list[tuple[float, list[float]]], expected: list[tuple[float, list[float]]]) -> None:
    for (loss, gradient), (wanted, slope) in zip(found, expected, strict=True):
        assert [loss, *gradient] == pytest.approx([wanted, *slope])


@pytest.mark.gpu
@NO_CUDA
def test_a_graph_of_a_gpu_ends_as_work_that_is_done() -> None:
    one, other = Sum(), Sum()
    assert_close(run(one, RecordedWork(CudaRecorder(CUDA), OPTIONS)), run(other, RecordedWork(None)))
    assert one.calls == 3


@pytest.mark.gpu
@NO_CUDA
def test_a_gpu_goes_on_after_a_recording_that_failed(caplog: pytest.LogCaptureFixture) -> None:
    spoilt, recorded = Sum(), RecordedWork(CudaRecorder(CUDA), OPTIONS)
    for _ in range(4):
        recorded.do(spoilt.kind(), lambda: wait(spoilt))
    assert len([message for message in caplog.messages if "could not be recorded" in message]) == 1
    assert torch.cuda.current_stream() == torch.cuda.default_stream()
    torch.cuda.empty_cache()  # torch ends with an internal error where it takes a recording to be under way
    one, other = Sum(), Sum()
    assert_close(run(one, RecordedWork(CudaRecorder(CUDA), OPTIONS)), run(other, RecordedWork(None)))
    assert one.calls == 3
