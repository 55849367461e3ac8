"""Work that a GPU is given once and does again and again: a step of hundreds of small operations, launched as one.

Launching an operation takes the host longer than most of them take a GPU. A `RecordedWork` does a piece of work some
times as usual, then records its operations as a CUDA graph, and from then on plays them. Played operations read and
write the same memory each time. What the host has to say anew, such as random numbers and weights, is therefore handed
over by `upload_made`, which knows how to make it again; all other numbers, and all shapes, must stay as they are while
the `WorkKind` is the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar
from weakref import WeakSet

import torch
from torch import Tensor, nn

from engine.system.devices import WHOLE_DEVICE, is_out_of_memory, overwrite, upload

log = logging.getLogger(__name__)
Result = TypeVar("Result")
Work = Callable[[], Result]


@dataclass(frozen=True)
class RecordingOptions:
    """When work is recorded.

    Attributes:
        warm: times that work of a kind is done as usual before: kernels are compiled, libraries choose theirs and get
            their memory. Three, as torch advises.
        kept: kinds whose recordings are kept; each holds the memory of its results.
    """

    warm: int = 3
    kept: int = 4


OPTIONS = RecordingOptions()


class HostInputs:
    """What the host says anew each time some work is done, in the order in which the work asks for it.

    Each has a place on the device that stays.
    """

    def __init__(self) -> None:
        self._places: list[Tensor] = []
        self._makers: list[Work[Tensor]] = []
        self._recording = False

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Work done meanwhile says what it needs; its values get their places."""
        self._places, self._makers = [], []
        with self._used(recording=False):
            yield

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Work recorded meanwhile reads the places, and nothing is made; it must need what it needed before."""
        self._makers = []
        with self._used(recording=True):
            yield
        if len(self._makers) != len(self._places):
            raise RuntimeError(f"{len(self._makers)} inputs of the host are asked for, {len(self._places)} before")

    @contextmanager
    def _used(self, recording: bool) -> Iterator[None]:
        self._recording = recording
        token = _INPUTS.set(self)
        try:
            yield
        finally:
            _INPUTS.reset(token)

    def take(self, make: Work[Tensor], device: torch.device) -> Tensor:
        """The place of the next value on the device; see `upload_made`."""
        number = len(self._makers)
        self._makers.append(make)
        if not self._recording:
            self._places.append(upload(make(), device))
        elif number >= len(self._places):
            raise RuntimeError(f"more inputs of the host are asked for than before, {len(self._places)}")
        return self._places[number]

    def refill(self) -> None:
        """Makes all values anew and copies them to their places, in the order of the device's work."""
        for place, make in zip(self._places, self._makers, strict=True):
            value = make()
            if value.shape != place.shape:
                raise RuntimeError(f"an input of recorded work had the shape {place.shape}, now {value.shape}")
            overwrite(place, value)


_INPUTS: ContextVar[HostInputs | None] = ContextVar("inputs of the work that is noted or recorded", default=None)


def upload_made(make: Work[Tensor], device: torch.device) -> Tensor:
    """What the host makes for a step, on the device; the host does not wait for a GPU.

    Args:
        make: gives the value, on the CPU, of the same shape whenever it is called. It is called once for each time
            that the work is done, also where the work is played; what it uses must be what it shall use then.
        device: where to.
    """
    inputs = _INPUTS.get()
    return upload(make(), device) if inputs is None else inputs.take(make, device)


@dataclass(frozen=True)
class WorkKind:
    """What recorded work depends on besides its inputs.

    Attributes:
        values: compared by value: numbers and switches that are part of the operations.
        memory: compared by identity: what is read and written where it lies. Of tensors among it that need gradients
            the work makes these, if it `differentiates`.
        differentiates: whether it does.
    """

    values: tuple[Any, ...]
    memory: tuple[object, ...]
    differentiates: bool = True

    def extended(self, values: Iterable[Any] = (), memory: Iterable[object] = ()) -> WorkKind:
        """Of larger work that depends on more besides."""
        return replace(self, values=(*self.values, *values), memory=(*self.memory, *memory))

    def leaves(self) -> list[Tensor]:
        """What the work finds gradients of."""
        tensors = self.memory if self.differentiates else ()
        return [each for each in tensors if isinstance(each, Tensor) and each.requires_grad]

    def same_memory(self, other: WorkKind) -> bool:
        """Whether both work on the same memory."""
        same = all(one is another for one, another in zip(self.memory, other.memory, strict=False))
        return same and len(self.memory) == len(other.memory)


def tensors_of(*modules: nn.Module) -> tuple[Tensor, ...]:
    """Parameters and buffers of modules, for the memory of a `WorkKind`."""
    return tuple(tensor for module in modules for tensor in (*module.parameters(), *module.buffers()))


class Recording(Protocol):
    """Operations that were recorded."""

    def replay(self) -> None:
        """Does them again, on the same memory, behind what the device was given before."""
        ...


class Recorder(Protocol):
    """What records operations."""

    def warm_up(self, work: Work[Result]) -> Result:
        """Does work as it will be recorded later."""
        ...

    def record(self, work: Work[Result]) -> tuple[Recording, Result]:
        """Records work, without its being done; the result has values after the first `Recording.replay`."""
        ...


class CudaRecorder:
    """CUDA graphs, which share one pool of memory: they are never played at the same time.

    Warm-ups run on the stream on which is recorded later, since autograd binds gradients to the stream they were first
    added on. Other threads may use the device meanwhile.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)
        self._graphs: WeakSet[torch.cuda.CUDAGraph] = WeakSet()  # those that are still kept
        self._pool: Any = None

    def warm_up(self, work: Work[Result]) -> Result:
        usual = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(usual)
        with torch.cuda.stream(self._stream):
            result = work()
        usual.wait_stream(self._stream)
        return result

    def record(self, work: Work[Result]) -> tuple[Recording, Result]:
        with WHOLE_DEVICE:
            return self._record(work)

    def _record(self, work: Work[Result]) -> tuple[Recording, Result]:
        if not self._graphs:  # torch refuses the pool of graphs that are gone while a tensor of it is left
            self._pool = torch.cuda.graph_pool_handle()
        graph, usual = torch.cuda.CUDAGraph(), torch.cuda.current_stream(self._device)
        try:
            with torch.cuda.graph(graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"):
                result = work()
        except BaseException:
            self._abandon(usual)
            raise
        self._graphs.add(graph)
        return graph, result

    def _abandon(self, usual: torch.cuda.Stream) -> None:
        """Ends what torch leaves begun where a recording fails: its stream stays the current one, and (before torch
        2.12) its allocator waits for the end, until which it gives no memory back that several streams have used."""
        torch.cuda.set_stream(usual)
        with suppress(RuntimeError, AttributeError):  # it had ended, or this torch knows another way
            torch._C._cuda_endAllocateToPool(self._stream.device_index, self._pool)


@dataclass
class _Entry:
    """Work of one kind; which tensors of its memory need gradients, and those that they get."""

    kind: WorkKind
    learns: list[int]
    inputs: HostInputs = field(default_factory=HostInputs)
    done: int = 0
    recording: Recording | None = None
    result: Any = None
    gradients: list[tuple[Tensor, Tensor | None]] = field(default_factory=list)


class RecordedWork:
    """Does work, and records it where that is possible."""

    def __init__(self, recorder: Recorder | None, options: RecordingOptions = OPTIONS) -> None:
        """`recorder` is None where nothing is recorded."""
        self._recorder, self._options = recorder, options
        self._entries: list[_Entry] = []

    @property
    def plays(self) -> bool:
        """Whether anything is played in place of being done."""
        return any(entry.recording is not None for entry in self._entries)

    def forget(self) -> None:
        """Gives all recordings up, and their memory back."""
        self._entries = []

    def do(self, kind: WorkKind | None, work: Work[Result]) -> Result:
        """Does work, or plays what was recorded of it.

        Args:
            kind: of the work; None if it must not be recorded.
            work: reads and writes only memory of `kind` and what it makes itself. It adds gradients to none that were
                there before.
        Returns:
            what the work returns; its tensors are overwritten when it is played again.
        """
        if kind is None or self._recorder is None:
            return work()
        entry = self._entry(kind)
        if entry.recording is None and entry.done < self._options.warm:
            entry.done += 1
            with entry.inputs.noted():
                return self._recorder.warm_up(work)
        if entry.recording is None and not self._record(entry, work):
            return work()
        assert entry.recording is not None
        entry.inputs.refill()
        entry.recording.replay()
        for leaf, gradient in entry.gradients:
            leaf.grad = gradient
        return entry.result

    def _entry(self, kind: WorkKind) -> _Entry:
        """That of a kind; those on memory that is in use no more are given up."""
        learns = [id(leaf) for leaf in kind.leaves()]
        for entry in self._entries:
            if entry.kind.values == kind.values and entry.kind.same_memory(kind) and entry.learns == learns:
                return entry
        kept = [entry for entry in self._entries if entry.kind.same_memory(kind)]
        self._entries = [*kept[max(len(kept) + 1 - self._options.kept, 0) :], _Entry(kind, learns)]
        return self._entries[-1]

    def _record(self, entry: _Entry, work: Work[Any]) -> bool:
        """Records; where that fails, says so, and nothing is recorded from then on."""
        assert self._recorder is not None
        leaves = entry.kind.leaves()
        for leaf in leaves:
            leaf.grad = None  # the recording makes its own
        try:
            with entry.inputs.recorded():
                entry.recording, entry.result = self._recorder.record(work)
        except Exception as error:  # Numba's kernels raise what is no RuntimeError
            self.forget()
            for leaf in leaves:
                leaf.grad = None
            if is_out_of_memory(error):
                raise
            self._recorder = None
            words = (str(error).splitlines() or [""])[0]
            log.warning("Steps are launched one operation at a time, for they could not be recorded (%s)", words)
            return False
        entry.gradients = [(leaf, leaf.grad) for leaf in leaves]
        return True


def make_recorded_work(device: torch.device) -> RecordedWork:
    """With CUDA graphs on a GPU that has them; elsewhere work is done as it comes."""
    return RecordedWork(CudaRecorder(device) if device.type == "cuda" and torch.cuda.is_available() else None)
