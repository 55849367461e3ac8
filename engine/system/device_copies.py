"""Copies of a device's tensors for which neither the host nor the device's own work waits."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import torch
from torch import Tensor

log = logging.getLogger(__name__)


class DeviceCopies:
    r"""Copies of tensors, in memory of the host or, of a GPU's tensors, in that of the GPU.

    On a GPU a copy for the host is converted in the order of the work that made the tensor (a kernel of some
    microseconds), and carried over by a stream of its own into pinned memory, while training goes on. Memory of a copy
    must not be read before `done`. On the CPU all is done at once.
    """

    def __init__(self, on_device: bool = False) -> None:
        """`on_device`: copies of a GPU's tensors stay in its memory, unless said otherwise."""
        self._on_device = on_device
        self._stream: torch.cuda.Stream | None = None
        self._event: torch.cuda.Event | None = None

    @property
    def done(self) -> bool:
        """Whether all copies so far are complete; asking does not wait."""
        return self._event is None or self._event.query()

    def allocate(self, shape: Sequence[int], dtype: torch.dtype, source: Tensor, *, on_host: bool = False) -> Tensor:
        """Memory for copies of tensors like `source`, without content.

        Args:
            shape, dtype: of the copy.
            source: says on which device they are.
            on_host: also where copies stay on the device.
        """
        if source.is_cuda and self._on_device and not on_host:
            return torch.empty(*shape, dtype=dtype, device=source.device)
        return _allocate_on_host(shape, dtype, source.is_cuda)

    def copy(self, target: Tensor, source: Tensor) -> None:
        """Copies a tensor into (a part of) what `allocate` gave, converting its type."""
        source = source.detach()
        if not source.is_cuda:
            target.copy_(source)
            return
        working = torch.cuda.current_stream(source.device)
        if target.is_cuda:
            target.copy_(source)
            self._record(working)
            return
        converted = source.to(target.dtype, copy=True)  # the source may change before the copy is carried over
        if self._stream is None:
            self._stream = torch.cuda.Stream(source.device)
        self._stream.wait_stream(working)
        with torch.cuda.stream(self._stream):
            target.copy_(converted, non_blocking=True)
        converted.record_stream(self._stream)  # its memory is not given to others before
        self._record(self._stream)

    def _record(self, stream: torch.cuda.Stream) -> None:
        if self._event is None:
            self._event = torch.cuda.Event()
        self._event.record(stream)


def _allocate_on_host(shape: Sequence[int], dtype: torch.dtype, pinned: bool) -> Tensor:
    """Pinned memory, which torch keeps for the next copy of the same size, or ordinary where there is no more."""
    if pinned:
        try:
            return torch.empty(*shape, dtype=dtype, pin_memory=True)
        except RuntimeError as error:
            log.warning("No pinned memory for a copy: the run waits for it (%s)", str(error).splitlines()[0])
    return torch.empty(*shape, dtype=dtype)
