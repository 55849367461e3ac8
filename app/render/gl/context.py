"""The render thread's own OpenGL context, without a window, and the calls that must not lock the interpreter."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable

import moderngl
import numpy as np
from jaxtyping import Float16

from engine.errors import UserError

REQUIRED = 330  # OpenGL 3.3
NEED = "The 3D views need OpenGL 3.3: install a graphics driver or Mesa's software renderer"
_FUNCTION = getattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE)  # Windows has a calling convention of its own
_TEXTURE_3D, _HALF, _UNPACK_ALIGNMENT, _PIXEL_UNPACK_BUFFER = 0x806F, 0x140B, 0x0CF5, 0x88EC
_LAYOUT = {1: 0x1903, 3: 0x1907, 4: 0x1908}  # GL_RED, GL_RGB, GL_RGBA by the number of channels


def open_context() -> moderngl.Context:
    """Opens a context of OpenGL 3.3 or newer that is current in the calling thread and was checked to draw.

    Raises:
        UserError: there is no such context; the sentence says what was found.
    """
    # The window uses GLX and this context EGL: without this, NVIDIA's libglvnd may silently confuse the two.
    os.environ.setdefault("__GLVND_DISALLOW_PATCHING", "1")
    # Mesa's software renderer would use all cores, here and for the window; one is left to the training.
    os.environ.setdefault("LP_NUM_THREADS", str(max((os.cpu_count() or 1) - 1, 1)))
    problems = []
    for backend in ({"backend": "egl"}, {}) if sys.platform.startswith("linux") else ({},):
        try:
            context = moderngl.create_context(standalone=True, require=REQUIRED, **backend)  # type: ignore[arg-type]
        except Exception as error:  # the backends raise plain Exception too
            problems.append(str(error))
            continue
        if context.version_code >= REQUIRED and _draws(context):
            return context  # its objects are released by hand: garbage collection would do it in any thread
        problems.append(f"{context.info['GL_RENDERER']} offers {context.info['GL_VERSION']}")
        context.release()
    raise UserError(f"{NEED} ({'; '.join(dict.fromkeys(problems))}).")


def _draws(context: moderngl.Context) -> bool:
    """Whether clearing and reading work: a context that is not current reads zeros and reports no error."""
    target = context.simple_framebuffer((4, 4), components=4)
    target.use()  # it stays bound for the life of the context: where none is bound, making one is an error
    target.clear(0.2, 0.4, 0.6, 1.0)
    pixels = np.frombuffer(target.read(components=4), np.uint8)
    return np.array_equal(pixels.reshape(16, 4), np.tile([51, 102, 153, 255], (16, 1)))


class Driver:
    """Calls into OpenGL that let other threads run while they wait; moderngl's own calls lock the interpreter.

    Attributes:
        finish: waits until OpenGL has executed everything.
    """

    def __init__(self, context: moderngl.Context) -> None:
        """The context must be current, now and in every call."""
        load: Callable[[str], int] = context.mglo._context.load
        unsigned, signed, pointer = ctypes.c_uint, ctypes.c_int, ctypes.c_void_p
        self.finish = _FUNCTION(None)(load("glFinish"))
        self._bind = _FUNCTION(None, unsigned, unsigned)(load("glBindTexture"))
        self._bind_buffer = _FUNCTION(None, unsigned, unsigned)(load("glBindBuffer"))
        self._store = _FUNCTION(None, unsigned, signed)(load("glPixelStorei"))
        self._write = _FUNCTION(None, unsigned, *[signed] * 7, unsigned, unsigned, pointer)(load("glTexSubImage3D"))

    def write_planes(
        self, texture: moderngl.Texture3D, first: int, planes: Float16[np.ndarray, "planes height width channels"]
    ) -> None:
        """Copies planes into a half-precision texture of the same height and width, from plane `first` on."""
        count, height, width, channels = planes.shape
        assert planes.flags.c_contiguous
        assert planes.dtype == np.float16
        assert (width, height, channels) == (texture.width, texture.height, texture.components)
        self._write_from(texture, first, count, planes.ctypes.data)

    def write_planes_of_buffer(
        self, texture: moderngl.Texture3D, first: int, count: int, buffer: moderngl.Buffer
    ) -> None:
        """The same of planes that lie at the beginning of a buffer; OpenGL may do it later."""
        assert buffer.size >= count * texture.height * texture.width * texture.components * 2
        self._bind_buffer(_PIXEL_UNPACK_BUFFER, buffer.glo)
        try:
            self._write_from(texture, first, count, None)
        finally:
            self._bind_buffer(_PIXEL_UNPACK_BUFFER, 0)

    def _write_from(self, texture: moderngl.Texture3D, first: int, count: int, address: int | None) -> None:
        """From an address, or from the start of the buffer that is bound."""
        layout = _LAYOUT[texture.components]
        self._store(_UNPACK_ALIGNMENT, 2)
        self._bind(_TEXTURE_3D, texture.glo)
        self._write(_TEXTURE_3D, 0, 0, 0, first, texture.width, texture.height, count, layout, _HALF, address)
