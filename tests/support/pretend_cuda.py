"""Tensors that say they are on a CUDA device, and compute on the CPU: what a GPU would refuse is found without one.

with PretendCuda() as cuda:
    trainer = make_trainer(scene, settings, "cuda")
    trainer.step()
    with cuda.watched() as waits:
        trainer.step()
assert not waits

Inside the context, `device="cuda"` gives a `PretendTensor`, whose values lie on the CPU. Every operation is looked at
before it is carried out: one that mixes devices where torch would refuse it raises; one that makes the host wait for
the device is noted with the line that asked for it. Values are right, so whole runs work, and end as on the CPU.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing

from engine.geometry import numerics
from tests.support.pretend_streams import PretendStreams

aten = torch.ops.aten
NO_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA")
ROOT = Path(__file__).parents[2]

# Their result has as many entries as the values say, or is a number of the host: the host waits for the device.
_WAIT = {
    aten._local_scalar_dense,
    aten.nonzero,
    aten.masked_select,
    aten._unique2,
    aten.unique_dim,
    aten.unique_consecutive,
    aten.bincount,
    aten.equal,
    aten.repeat_interleave,
    aten._linalg_check_errors,  # reads a flag of a decomposition; these two do so inside
    aten._linalg_svd,
    aten._linalg_eigh,
    aten.linalg_matrix_exp,  # asks which norms are small
}
_COPIES = {aten._to_copy, aten.copy_, aten._copy_from}
_INDEXING = {aten.index, aten.index_put, aten.index_put_, aten._index_put_impl_, aten._unsafe_index}
_LOW_PRECISION = {torch.nn.functional.linear, torch.matmul, Tensor.matmul, Tensor.__matmul__, torch.bmm, torch.addmm}
_RANDOM = "generator"


def cuda_devices() -> list[Any]:
    """Parameters of a test: contexts within which `cuda` is a device, pretended or, where there is one, real."""
    real = pytest.param(nullcontext, id="real", marks=[pytest.mark.gpu, NO_CUDA])
    return [pytest.param(PretendCuda, id="pretended"), real]


_pinned: set[int] = set()  # addresses of pinned memory, which copies reach while the host goes on


class MixedDevices(RuntimeError):
    """What torch would raise on a GPU."""


class PretendTensor(Tensor):
    """A tensor on the pretended device; `values` lie on the CPU.

    To torch's own code it is one of the meta device, which autograd serves everywhere; to Python it is on cuda.
    """

    values: Tensor

    @staticmethod
    def __new__(cls, values: Tensor) -> PretendTensor:
        made = Tensor._make_wrapper_subclass(
            cls,
            values.size(),
            strides=values.stride(),
            storage_offset=values.storage_offset(),
            dtype=values.dtype,
            device=torch.device("meta"),
        )
        made.values = values
        return made

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return torch.device("cuda", 0)

    @property
    def is_cuda(self) -> bool:  # type: ignore[override]
        return True

    @property
    def is_meta(self) -> bool:  # type: ignore[override]
        return False

    def record_stream(self, stream: Any) -> None:
        """Memory is never given to others here."""

    def __repr__(self, **_: Any) -> str:  # type: ignore[override]
        return f"PretendTensor({self.values!r})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _perform(func, args, kwargs or {}, None)


class _ToMeta(TorchFunctionMode):
    """Says meta to torch where a caller says cuda, and does on the CPU what is done there with Python's numbers."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func is torch.device or "autocast" in getattr(func, "__name__", ""):
            return func(*args, **kwargs)
        first = args[0] if args else None
        pretends = isinstance(first, PretendTensor)
        if func is Tensor.numpy and pretends:
            raise TypeError("can't convert cuda:0 device type tensor to numpy; use Tensor.cpu() first")
        if func in (Tensor.data_ptr, torch.from_dlpack) and pretends:
            raise TypeError("the memory of a cuda tensor cannot be reached from the host")
        if func in (Tensor.__getitem__, Tensor.__setitem__) and pretends:
            args = (first, _index_by_tensors(args[1]), *args[2:])
        if func is Tensor.tolist and pretends:
            return first.cpu().tolist()
        if func is Tensor.new_tensor and pretends:
            kwargs = {"device": "cuda", "dtype": first.dtype} | kwargs
            func, args = torch.tensor, args[1:]
        if func in (torch.tensor, torch.as_tensor) and _says_cuda(kwargs.get("device")):
            if isinstance(args[0], Tensor):
                return self.__torch_function__(Tensor.to, types, (args[0],), kwargs)
            device, learns = kwargs.pop("device"), kwargs.pop("requires_grad", False)
            made = func(*args, **kwargs)
            return self.__torch_function__(Tensor.to, types, (made, device)).requires_grad_(learns)
        if func in _LOW_PRECISION and torch.is_autocast_enabled("cuda"):
            low = torch.get_autocast_dtype("cuda")
            args = map_values(lambda value: value.to(low) if _is_single(value) else value, args)
        meta = torch.device("meta")
        args = tuple(meta if _says_cuda(value) else value for value in args)
        kwargs = {name: meta if _says_cuda(value) else value for name, value in kwargs.items()}
        return func(*args, **kwargs)


def _index_by_tensors(index: Any) -> Any:
    """Lists as tensors of the CPU: torch would make them on the device, which has no values here."""
    if isinstance(index, tuple):
        return tuple(_index_by_tensors(part) for part in index)
    if isinstance(index, list | np.ndarray):
        made = torch.as_tensor(index)
        return made if len(made) else made.long()
    return index


def _is_single(value: Any) -> bool:
    return isinstance(value, PretendTensor) and value.dtype == torch.float32


def _says_cuda(value: Any) -> bool:
    if isinstance(value, torch.device):
        return value.type == "cuda"
    return isinstance(value, str) and value.split(":")[0] == "cuda"


class PretendCuda(TorchDispatchMode):
    """While it is open, `cuda` is a device; see the module."""

    def __init__(self, streams: PretendStreams | None = None) -> None:
        """`streams`: when copies to pinned memory arrive; by default, when they are asked about."""
        super().__init__()
        self.streams = streams or PretendStreams()
        self._waits: list[str] | None = None
        self._stack = ExitStack()

    def __enter__(self) -> PretendCuda:
        self._stack.enter_context(_ToMeta())
        self._stack.enter_context(self.streams)
        self._stack.callback(_pinned.clear)
        # Where there is a real one, its graphs and kernels are not for these tensors.
        self._stack.enter_context(mock.patch("torch.cuda.is_available", return_value=False))
        self._stack.enter_context(mock.patch("torch.cuda.is_bf16_supported", return_value=True))
        self._stack.enter_context(mock.patch("torch.cuda.get_device_capability", return_value=(9, 0)))
        absent = "torch.cuda.amp.common.amp_definitely_not_available"
        self._stack.enter_context(mock.patch(absent, return_value=False))
        self._stack.callback(numerics._make_constant.cache_clear)  # none of these tensors is left to another run
        numerics._make_constant.cache_clear()
        super().__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        super().__exit__(*exception)
        self._stack.close()

    @contextmanager
    def watched(self) -> Iterator[list[str]]:
        """Notes each operation meanwhile that makes the host wait for the device: its name and the line of ours."""
        self._waits = waits = []
        try:
            yield waits
        finally:
            self._waits = None

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _perform(func, args, kwargs or {}, self._note, self.streams)

    def _note(self, name: str) -> None:
        if self._waits is not None:
            ours = [frame for frame in traceback.extract_stack() if _is_ours(Path(frame.filename))]
            place = f"{Path(ours[-1].filename).relative_to(ROOT)}:{ours[-1].lineno}" if ours else "?"
            self._waits.append(f"{name} at {place}")


def _is_ours(file: Path) -> bool:
    """Whether code is the project's: not this file's, and not of an environment inside the project's folder."""
    return file.is_relative_to(ROOT) and file != Path(__file__) and "site-packages" not in file.parts


def _perform(
    func: Any,
    args: Any,
    kwargs: dict[str, Any],
    note: Callable[[str], None] | None,
    streams: PretendStreams | None = None,
) -> Any:
    tensors = [value for value in values_within((args, kwargs)) if isinstance(value, Tensor)]
    pretended = [tensor for tensor in tensors if isinstance(tensor, PretendTensor)]
    packet = func.overloadpacket
    if any(tensor.is_meta for tensor in tensors):
        raise RuntimeError(f"{func}: torch has made a tensor without values; PretendCuda must learn how")
    device = kwargs.get("device")
    device = None if device is None else torch.device(device)
    if packet is aten.is_pinned:
        return _is_pinned(args[0])
    if packet is aten._pin_memory:
        return args[0].clone()
    if kwargs.get("pin_memory"):
        made = func(*args, **kwargs | {"pin_memory": False})
        _pinned.add(made.untyped_storage().data_ptr())
        return made
    if not pretended and (device is None or device.type != "meta"):
        return func(*args, **kwargs)
    _refuse_mixing(func, packet, args, tensors, pretended)
    waits = makes_host_wait(packet, args, kwargs, device)
    if waits and note is not None:
        note(str(packet))
    on_device = device.type == "meta" if device is not None else True
    generator = kwargs.get(_RANDOM)
    if on_device and generator is not None and generator.device.type == "cpu":
        raise MixedDevices(f"{func}: expected a 'cuda' generator, but found one of the CPU")
    if packet is aten.copy_ and not isinstance(args[0], PretendTensor):
        on_device = False
    inner_args = map_values(_values_of, args)
    inner = map_values(_values_of, kwargs)
    if device is not None and device.type == "meta":
        inner["device"] = torch.device("cpu")
    inner.pop("pin_memory", None)
    if packet is aten.copy_ and not on_device and _is_free(args, kwargs) and streams is not None:
        streams.launch(lambda: inner_args[0].copy_(inner_args[1]))
        return args[0]
    result = func(*inner_args, **inner)
    if packet is aten._to_copy and device is not None and device.type == "meta" and not pretended:
        return PretendTensor(result)
    if not on_device:
        return args[0] if packet is aten.copy_ else result
    wrapped = map_values(lambda value: PretendTensor(value) if type(value) is Tensor else value, result)
    if not pretended:
        return wrapped
    return return_and_correct_aliasing(func, args, kwargs, wrapped)


def values_within(arguments: Any) -> list[Any]:
    """The values in tuples, lists and dicts of an operation's arguments; as torch's own for any trees, but quick."""
    if isinstance(arguments, dict):
        arguments = arguments.values()
    elif not isinstance(arguments, tuple | list):
        return [arguments]
    return [value for argument in arguments for value in values_within(argument)]


def map_values(change: Callable[[Any], Any], arguments: Any) -> Any:
    """The same arguments with other values."""
    if isinstance(arguments, dict):
        return {name: map_values(change, value) for name, value in arguments.items()}
    if isinstance(arguments, tuple | list):
        changed = [map_values(change, value) for value in arguments]
        return changed if isinstance(arguments, list) else tuple(changed)
    return change(arguments)


def _is_pinned(value: Any) -> bool:
    return not isinstance(value, PretendTensor) and value.untyped_storage().data_ptr() in _pinned


def _is_free(args: Any, kwargs: dict[str, Any]) -> bool:
    """Whether a copy from the device reaches the host while that goes on."""
    return _is_pinned(args[0]) and bool(kwargs.get("non_blocking", False) or (len(args) > 2 and args[2]))


def _values_of(value: Any) -> Any:
    return value.values if isinstance(value, PretendTensor) else value


def _refuse_mixing(func: Any, packet: Any, args: Any, tensors: list[Tensor], pretended: list[PretendTensor]) -> None:
    if packet in _COPIES or not pretended:
        return
    hosted = [tensor for tensor in tensors if not isinstance(tensor, PretendTensor)]
    if packet in _INDEXING:  # indices may be on the CPU where the tensor is not; values may be one number
        if not isinstance(args[0], PretendTensor):
            raise MixedDevices(f"{func}: indices on cuda for a tensor on the CPU")
        hosted = [value for value in args[2:3] if isinstance(value, Tensor) and not isinstance(value, PretendTensor)]
    lists = packet in (aten.cat, aten.stack)
    for tensor in hosted:
        if tensor.dim() > 0 or lists:
            shape = tuple(tensor.shape)
            raise MixedDevices(f"{func}: a tensor of shape {shape} is on the CPU, others are on cuda")


def makes_host_wait(packet: Any, args: Any, kwargs: dict[str, Any], device: torch.device | None) -> bool:
    if packet in _WAIT:
        return True
    if packet in (aten._to_copy, aten.copy_):
        source = args[1] if packet is aten.copy_ else args[0]
        if packet is aten.copy_:
            crosses = isinstance(args[0], PretendTensor) != isinstance(source, PretendTensor)
            # A number of the host that fills several places goes with the call; one into a single place is copied.
            filled = args[0].dim() > 0 and source.dim() == 0 and not isinstance(source, PretendTensor)
            crosses = crosses and not filled
            free = kwargs.get("non_blocking", False) or (len(args) > 2 and args[2])
            if _is_free(args, kwargs):
                return False
        else:
            crosses = device is not None and (device.type == "meta") != isinstance(source, PretendTensor)
            free = kwargs.get("non_blocking", False)
        return crosses and not (free and not isinstance(source, PretendTensor))
    if packet in _INDEXING:
        indices = [index for index in args[1] if index is not None]
        if any(not isinstance(index, PretendTensor) for index in indices):
            return True  # they are copied to the device
        masks = [index for index in indices if index.dtype in (torch.bool, torch.uint8)]
        fills = packet is not aten.index and len(args) > 2 and args[2].numel() == 1 and len(indices) == len(masks) == 1
        return bool(masks) and not fills
    return False
