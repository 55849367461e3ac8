"""CUDA's runtime without a GPU: copies into the real buffer of OpenGL, and notes the calls.

What it is given as memory of the device is memory of the host. It has the functions of `cuda.bindings.runtime` that
`app.render.gl.cuda_transport` calls, and answers as they do: a code, and the results.
"""

from __future__ import annotations

import ctypes
import enum
from types import SimpleNamespace
from typing import Any

import moderngl

_UNPACK_BUFFER, _WRITE = 0x88EC, 0x0002


class Code(enum.IntEnum):
    cudaSuccess = 0
    cudaErrorInvalidResourceHandle = 400
    cudaErrorUnknown = 999


class PretendRuntime:
    """Of one device.

    Attributes:
        calls: names, in order.
        fails: names of calls that fail.
        devices: that draw for the OpenGL context.
        registered: buffers, by the number of their resource.
        spoils: whether copies come out wrong.
    """

    cudaGLDeviceList = SimpleNamespace(cudaGLDeviceListAll=1)
    cudaGraphicsRegisterFlags = SimpleNamespace(cudaGraphicsRegisterFlagsWriteDiscard=2)
    cudaMemcpyKind = SimpleNamespace(cudaMemcpyDeviceToDevice=3)

    def __init__(self, context: moderngl.Context) -> None:
        load = context.mglo._context.load
        function, unsigned, pointer = ctypes.CFUNCTYPE, ctypes.c_uint, ctypes.c_void_p
        self._bind = function(None, unsigned, unsigned)(load("glBindBuffer"))
        self._map = function(pointer, unsigned, ctypes.c_ssize_t, ctypes.c_ssize_t, unsigned)(load("glMapBufferRange"))
        self._unmap = function(ctypes.c_ubyte, unsigned)(load("glUnmapBuffer"))
        self._size = function(None, unsigned, unsigned, ctypes.POINTER(ctypes.c_int))(load("glGetBufferParameteriv"))
        self.calls: list[str] = []
        self.fails: set[str] = set()
        self.devices = [0]
        self.registered: dict[int, int] = {}
        self.mapped: dict[int, tuple[int, int]] = {}
        self.spoils = False

    def _said(self, name: str) -> Code:
        self.calls.append(name)
        return Code.cudaErrorUnknown if name in self.fails else Code.cudaSuccess

    def cudaSetDevice(self, index: int) -> tuple[Code]:
        return (self._said("set device"),)

    def cudaGLGetDevices(self, most: int, which: int) -> tuple[Code, int, list[int]]:
        return self._said("list devices"), len(self.devices), [*self.devices, *[0] * (most - len(self.devices))]

    def cudaGraphicsGLRegisterBuffer(self, buffer: int, flags: int) -> tuple[Code, Any]:
        assert flags == 2
        code = self._said("register")
        if code:
            return code, None
        self.registered[len(self.calls)] = buffer
        return code, len(self.calls)

    def cudaGraphicsMapResources(self, count: int, resource: int, stream: int) -> tuple[Code]:
        assert count == 1
        code = self._said("map")
        if not code:
            if resource not in self.registered or resource in self.mapped:
                return (Code.cudaErrorInvalidResourceHandle,)
            size = ctypes.c_int()
            self._bind(_UNPACK_BUFFER, self.registered[resource])
            self._size(_UNPACK_BUFFER, 0x8764, ctypes.byref(size))
            self.mapped[resource] = self._map(_UNPACK_BUFFER, 0, size.value, _WRITE), size.value
            self._bind(_UNPACK_BUFFER, 0)
        return (code,)

    def cudaGraphicsResourceGetMappedPointer(self, resource: int) -> tuple[Code, Any, Any]:
        code = self._said("address")
        return (code, None, None) if code else (code, *self.mapped[resource])

    def cudaMemcpyAsync(self, target: int, source: int, size: int, kind: int, stream: int) -> tuple[Code]:
        assert kind == 3
        code = self._said("copy")
        if not code:
            ctypes.memmove(target, source, size if not self.spoils else size // 2)
        return (code,)

    def cudaGraphicsUnmapResources(self, count: int, resource: int, stream: int) -> tuple[Code]:
        code = self._said("unmap")
        if not code:
            if resource not in self.mapped:
                return (Code.cudaErrorInvalidResourceHandle,)
            self._release(resource)
        return (code,)

    def cudaGraphicsUnregisterResource(self, resource: int) -> tuple[Code]:
        code = self._said("unregister")
        if resource in self.mapped:
            self._release(resource)
        self.registered.pop(resource, None)
        return (code,)

    def _release(self, resource: int) -> None:
        self._bind(_UNPACK_BUFFER, self.registered[resource])
        self._unmap(_UNPACK_BUFFER)
        self._bind(_UNPACK_BUFFER, 0)
        del self.mapped[resource]
