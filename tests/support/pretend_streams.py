"""Streams and events of a GPU that is not there: what was launched is done only when somebody has waited for it.

with PretendStreams(delay=2) as streams:
    event = torch.cuda.Event()
    streams.launch(lambda: print("done"))
    event.record()
    event.query(), event.query(), event.query()  # False, False, and after "done" True
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

Work = Callable[[], None]


class PretendStream:
    """Work in the order of its launch; it is done when an event behind it is waited for."""

    def __init__(self, streams: PretendStreams) -> None:
        self._streams = streams
        self._queue: list[Work] = []
        self.cuda_stream = id(self)

    def launch(self, work: Work) -> None:
        self._queue.append(work)

    def work_off(self, launched: int) -> None:
        """Does the first so many."""
        todo, self._queue = self._queue[:launched], self._queue[launched:]
        for work in todo:
            work()

    def wait_stream(self, other: PretendStream) -> None:
        """Work launched from now on comes after what was launched in another one."""
        launched = other.launched
        self.launch(lambda: other.work_off(launched))

    def record_event(self) -> PretendEvent:
        event = PretendEvent(self._streams)
        event.record(self)
        return event

    def synchronize(self) -> None:
        self._streams.waits += 1
        self.work_off(self.launched)

    @property
    def launched(self) -> int:
        return len(self._queue)


class PretendEvent:
    """As torch's; `query` says no as many times as the streams' delay. Each takes the device `streams.seconds`."""

    def __init__(self, streams: PretendStreams, **_: Any) -> None:
        self._streams = streams
        self._stream: PretendStream | None = None
        self._asked = 0
        self._done = True
        self.number = 0

    def record(self, stream: PretendStream | None = None) -> None:
        self._stream = self._streams.current if stream is None else stream
        self._done, self._asked = False, 0
        self._streams.recorded += 1
        self.number = number = self._streams.recorded
        self._stream.launch(lambda: self._arrive(number))

    def _arrive(self, number: int) -> None:
        self._done = self._done or number == self.number  # it counts from when it was recorded last

    def query(self) -> bool:
        if not self._done:
            self._asked += 1
            if self._asked > self._streams.delay:
                self._work_off()
        return self._done

    def synchronize(self) -> None:
        self._streams.waited.append(self.number)
        self._work_off()

    def _work_off(self) -> None:
        assert self._stream is not None
        while not self._done:
            self._stream.work_off(1)

    def elapsed_time(self, later: PretendEvent) -> float:
        """Milliseconds."""
        return 1000 * self._streams.seconds * (later.number - self.number)


class PretendStreams:
    """In place of torch's while it is open.

    Attributes:
        delay: times that an event says that it has not come yet.
        seconds: of the device between two events.
        recorded: events so far.
        waited: numbers, from 1 on, of the events that the host has waited for.
        waits: of the host for whole streams.
        current: the stream that work is launched in.
    """

    def __init__(self, delay: int = 0, seconds: float = 0.0) -> None:
        self.delay, self.seconds = delay, seconds
        self.recorded = self.waits = 0
        self.waited: list[int] = []
        self.current = PretendStream(self)
        self._stack = ExitStack()

    def launch(self, work: Work) -> None:
        """Has something done in the current stream."""
        self.current.launch(work)

    def __enter__(self) -> PretendStreams:
        for name, made in (
            ("Stream", lambda device=None: PretendStream(self)),
            ("Event", lambda **options: PretendEvent(self, **options)),
            ("current_stream", lambda device=None: self.current),
            ("stream", self._within),
        ):
            self._stack.enter_context(mock.patch(f"torch.cuda.{name}", made))
        return self

    def __exit__(self, *exception: Any) -> None:
        self._stack.close()

    @contextmanager
    def _within(self, stream: PretendStream) -> Iterator[None]:
        before, self.current = self.current, stream
        try:
            yield
        finally:
            self.current = before
