"""Recorded work without a GPU: a tape of torch's operations, which can be played again on the same memory.

It stands for a CUDA graph (`engine.system.recorded_work.Recorder`), within `PretendCuda`, and is as strict. Work
that is recorded may neither wait for the device nor copy to it, nor compute on the host. It is not done; what it
returns has no values before the tape is played. Numbers that are not handed over stay what they were.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from tests.support.pretend_cuda import PretendTensor, makes_host_wait, values_within

Result = TypeVar("Result")
aten = torch.ops.aten


# Batches of small matrices: in some versions of torch kernels read where each of them lies from memory of the host.
_LIBRARY = {aten.linalg_inv_ex, aten._linalg_solve_ex, aten.linalg_lu_factor_ex, aten.linalg_lu_solve}


class NotRecordable(RuntimeError):
    """What a GPU would not record."""


class Tape(TorchDispatchMode):
    """Operations, while it is open; then they can be played."""

    def __init__(self) -> None:
        super().__init__()
        self._operations: list[tuple[Any, Any, Any, list[Tensor]]] = []
        self._made: set[int] = set()  # memory of the tape's own
        self._before: list[tuple[Tensor, Tensor]] = []  # memory of others, with its values before

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        given = [value for value in values_within((args, kwargs)) if isinstance(value, Tensor)]
        device = kwargs.get("device")
        if makes_host_wait(func.overloadpacket, args, kwargs, None if device is None else torch.device(device)):
            raise NotRecordable(f"{func} waits for the device")
        if func.overloadpacket in _LIBRARY:
            raise NotRecordable(f"{func} may read memory of the host when it is played")
        for written in _written(func, args):
            if _memory(written) not in self._made:
                whole = torch.empty(0, dtype=torch.uint8).set_(_values(written).untyped_storage())
                self._before.append((whole, whole.clone()))
                self._made.add(_memory(written))  # noted once
        result = func(*args, **kwargs)
        results = [value for value in values_within(result) if isinstance(value, Tensor)]
        if any(not isinstance(value, PretendTensor) for value in (*given, *results)):
            raise NotRecordable(f"{func} is of the host")
        if not _is_view(func):
            self._made |= {_memory(value) for value in results if not any(value is one for one in given)}
            self._operations.append((func, args, kwargs, results))
        return result

    def undo(self) -> None:
        """As if nothing had been done: memory of others is as before, and that of the tape has no values."""
        with torch.no_grad():
            for func, _, _, results in self._operations:
                if not _written(func, (None,)):
                    for made in results:
                        if made.is_floating_point():
                            _values(made).fill_(torch.nan)
            for values, before in self._before:
                values.copy_(before)

    def replay(self) -> None:
        with torch.no_grad():
            for func, args, kwargs, results in self._operations:
                again = [value for value in values_within(func(*args, **kwargs)) if isinstance(value, Tensor)]
                for kept, value in zip(results, again, strict=True):
                    if _memory(kept) != _memory(value):
                        _values(kept).copy_(_values(value))


class TapeRecorder:
    """Counts what it has recorded."""

    def __init__(self) -> None:
        self.warmed, self.recorded = 0, 0

    def warm_up(self, work: Callable[[], Result]) -> Result:
        self.warmed += 1
        return work()

    def record(self, work: Callable[[], Result]) -> tuple[Tape, Result]:
        self.recorded += 1
        tape = Tape()
        with tape:
            result = work()
        tape.undo()
        return tape, result


def _values(tensor: Tensor) -> Tensor:
    return tensor.values if isinstance(tensor, PretendTensor) else tensor


def _memory(tensor: Tensor) -> int:
    return _values(tensor).untyped_storage().data_ptr()


def _is_view(func: Any) -> bool:
    """Whether the result lies in the memory of an argument, which is not written."""
    aliases = [one.alias_info for one in func._schema.returns]
    return any(alias is not None and not alias.is_write for alias in aliases)


def _written(func: Any, args: Any) -> list[Any]:
    """The arguments that are written."""
    pairs = zip(func._schema.arguments, args, strict=False)
    return [value for argument, value in pairs if argument.alias_info is not None and argument.alias_info.is_write]
