"""From a GPU's memory into textures without the host: a pixel buffer that CUDA writes and OpenGL reads."""

from __future__ import annotations

import importlib
import logging
from contextlib import AbstractContextManager
from types import ModuleType
from typing import Any

import moderngl
import numpy as np
import torch

from app.render.gl.context import Driver
from app.render.gl.transport import HostPieces, Planes, VolumeTransport
from app.render.gl.values import make_contiguous

MOST_DEVICES = 16  # that are asked about
LEAST_BYTES = 8 << 20  # of the buffer: it is registered anew when it has to grow, which takes a millisecond

log = logging.getLogger(__name__)


class CudaFailure(Exception):
    """A call has failed, or CUDA and OpenGL cannot share memory here; a part of a sentence says why."""


class CudaCalls:
    """The calls of CUDA's runtime that share a buffer of OpenGL, with exceptions in place of their codes."""

    def __init__(self, runtime: ModuleType | Any) -> None:
        """`runtime` is `cuda.bindings.runtime`, or stands in for it."""
        self._runtime = runtime

    def set_device(self, index: int) -> None:
        """The device of the calls of this thread."""
        self._call("cudaSetDevice", index)

    def list_devices(self) -> list[int]:
        """Those that draw for the current OpenGL context."""
        every = self._runtime.cudaGLDeviceList.cudaGLDeviceListAll
        count, found = self._call("cudaGLGetDevices", MOST_DEVICES, every)
        return [int(index) for index in found[:count]]

    def register(self, buffer: int) -> Any:
        """Makes a buffer of OpenGL known to CUDA, to be written only."""
        flags = self._runtime.cudaGraphicsRegisterFlags.cudaGraphicsRegisterFlagsWriteDiscard
        return self._call("cudaGraphicsGLRegisterBuffer", buffer, flags)[0]

    def map(self, resource: Any, stream: int) -> tuple[int, int]:
        """From now on CUDA may write it: its address and size in bytes. Work of the stream waits for OpenGL."""
        self._call("cudaGraphicsMapResources", 1, resource, stream)
        address, size = self._call("cudaGraphicsResourceGetMappedPointer", resource)
        return int(address), int(size)

    def copy(self, target: int, source: int, size: int, stream: int) -> None:
        """So many bytes within the device's memory, in the order of the stream's work."""
        kind = self._runtime.cudaMemcpyKind.cudaMemcpyDeviceToDevice
        self._call("cudaMemcpyAsync", target, source, size, kind, stream)

    def unmap(self, resource: Any, stream: int) -> None:
        """From now on OpenGL may read it, which waits for the stream's work."""
        self._call("cudaGraphicsUnmapResources", 1, resource, stream)

    def unregister(self, resource: Any) -> None:
        """CUDA forgets a buffer."""
        self._call("cudaGraphicsUnregisterResource", resource)

    def _call(self, name: str, *arguments: Any) -> Any:
        code, *results = getattr(self._runtime, name)(*arguments)
        if int(code) != 0:
            raise CudaFailure(f"{name} failed with {getattr(code, 'name', code)}")
        return results


class CudaBuffer:
    """A `VolumeTransport` for tensors of a GPU; arrays of the host, and everything after a failure, go by the host.

    Copies have a stream of their own: they do not wait for the training's work, nor that for them.
    """

    def __init__(self, context: moderngl.Context, driver: Driver, calls: CudaCalls, device: torch.device) -> None:
        self._context, self._driver, self._calls = context, driver, calls
        self._host = HostPieces(driver)
        self._stream = torch.cuda.Stream(device)
        self._buffer: moderngl.Buffer | None = None
        self._resource: Any = None
        self._mapped = False
        self.takes_device_memory = True

    def preparing(self) -> AbstractContextManager[object]:
        """Tensors are arranged in the stream of the copies."""
        return torch.cuda.stream(self._stream)

    def write_planes(self, texture: moderngl.Texture3D, first: int, planes: Planes) -> None:
        """As the protocol says."""
        if self.takes_device_memory and isinstance(planes, torch.Tensor):
            try:
                self.write_from_device(texture, first, planes)
                return
            except CudaFailure as error:
                log.warning("Volumes reach OpenGL through the host's memory from now on: %s.", error)
                self.release()
        self._host.write_planes(texture, first, planes)

    def write_from_device(self, texture: moderngl.Texture3D, first: int, planes: Planes) -> None:
        """The same without the host.

        Raises:
            CudaFailure: a call has failed.
        """
        planes = make_contiguous(planes)
        buffer, stream = self._buffer_of(planes.nbytes), self._stream.cuda_stream
        address, size = self._map(stream)
        if size < planes.nbytes:
            raise CudaFailure(f"a buffer of {planes.nbytes} bytes has only {size} for CUDA")
        self._calls.copy(address, planes.data_ptr(), planes.nbytes, stream)
        self._calls.unmap(self._resource, stream)
        self._mapped = False
        self._driver.write_planes_of_buffer(texture, first, len(planes), buffer)

    def release(self) -> None:
        """Gives the buffer back; what follows goes by the host."""
        self.takes_device_memory = False
        self._forget_buffer()

    def _map(self, stream: int) -> tuple[int, int]:
        self._mapped = True  # also where the second of the two calls fails
        return self._calls.map(self._resource, stream)

    def _buffer_of(self, size: int) -> moderngl.Buffer:
        """A registered buffer of at least so many bytes."""
        if self._buffer is None or self._buffer.size < size:
            self._forget_buffer()
            self._buffer = self._context.buffer(reserve=max(LEAST_BYTES, 1 << (size - 1).bit_length()), dynamic=True)
            self._resource = self._calls.register(self._buffer.glo)
        return self._buffer

    def _forget_buffer(self) -> None:
        """Takes everything back, as far as it goes: after a failure the calls may fail as well."""
        if self._resource is not None:
            for wanted, call in ((self._mapped, self._unmap), (True, self._unregister)):
                try:
                    if wanted:
                        call()
                except CudaFailure as error:
                    log.debug("%s", error)
        if self._buffer is not None:
            self._buffer.release()
        self._buffer = self._resource = None
        self._mapped = False

    def _unmap(self) -> None:
        self._calls.unmap(self._resource, self._stream.cuda_stream)

    def _unregister(self) -> None:
        self._calls.unregister(self._resource)


def choose_transport(
    context: moderngl.Context, driver: Driver, device: str, interoperate: bool = True
) -> VolumeTransport:
    """The quickest way that works for volumes of fields on a device; the log says which, and why.

    Args:
        context, driver: of this thread.
        device: of the fields, as torch names it.
        interoperate: whether CUDA and OpenGL may share memory.
    """
    if not device.startswith("cuda") or not interoperate:
        return HostPieces(driver)
    try:
        check_renderer(context)
        made = open_cuda_buffer(context, driver, torch.device(device), load_runtime())
    except CudaFailure as error:
        log.warning("Volumes reach OpenGL through the host's memory: %s.", error)
        return HostPieces(driver)
    log.info("Volumes reach OpenGL within the memory of %s.", device)
    return made


def check_renderer(context: moderngl.Context) -> None:
    """Whether it is worth while to ask CUDA.

    Raises:
        CudaFailure: OpenGL is not drawn by a driver that knows CUDA, but in software, or by another GPU.
    """
    if "NVIDIA" not in context.info["GL_VENDOR"]:
        raise CudaFailure(f"the pictures are drawn by {context.info['GL_RENDERER']}, which shares no memory with CUDA")


def load_runtime() -> ModuleType:
    """`cuda.bindings.runtime`, which is imported only here: where a field is on a GPU.

    Raises:
        CudaFailure: it is not installed, or does not fit.
    """
    try:
        return importlib.import_module("cuda.bindings.runtime")
    except ImportError as error:
        raise CudaFailure(f"cuda-bindings cannot be imported ({error}); install l2g-viewer[gpu]") from error


def open_cuda_buffer(
    context: moderngl.Context, driver: Driver, device: torch.device, runtime: ModuleType | Any
) -> CudaBuffer:
    """A `CudaBuffer` that has been tried out.

    Raises:
        CudaFailure: CUDA and OpenGL do not share memory here.
    """
    calls = CudaCalls(runtime)
    calls.set_device(device.index or 0)
    drawing = _list_devices(calls)
    if drawing is not None and (device.index or 0) not in drawing:
        raise CudaFailure(f"the pictures are drawn by {context.info['GL_RENDERER']}, which is not {device}")
    made = CudaBuffer(context, driver, calls, device)
    try:
        _try_out(context, driver, made, device)
    except Exception as error:
        made.release()
        if isinstance(error, CudaFailure):
            raise
        raise CudaFailure(f"a copy failed ({error})") from error
    return made


def _list_devices(calls: CudaCalls) -> list[int] | None:
    """Those that draw; None where CUDA cannot say it of such a context: then a copy has to show it."""
    try:
        return calls.list_devices()
    except CudaFailure as error:
        log.debug("%s", error)
        return None


def _try_out(context: moderngl.Context, driver: Driver, buffer: CudaBuffer, device: torch.device) -> None:
    """Copies a few planes and looks at them."""
    expected = np.arange(3 * 4 * 5 * 4, dtype=np.float16).reshape(3, 4, 5, 4)
    texture = context.texture3d((5, 4, 3), 4, dtype="f2")
    try:
        with buffer.preparing():
            planes = torch.from_numpy(expected).to(device)
        buffer.write_from_device(texture, 0, planes)
        driver.finish()
        found = np.frombuffer(texture.read(), np.float16).reshape(expected.shape)
    finally:
        texture.release()
    if not np.array_equal(found, expected):
        raise CudaFailure("a copy came out wrong")
