"""The render thread's own OpenGL context, without a window, and the few calls that must not hold the interpreter."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable

import moderngl
import numpy as np
from jaxtyping import Float16

from engine.errors import UserError

REQUIRED = 330
NEED = "The 3D views need OpenGL 3.3: install a graphics driver or Mesa's software renderer"
_FUNCTION = getattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE)  # Windows has a calling convention of its own
_TEXTURE_3D, _HALF, _UNPACK_ALIGNMENT = 0x806F, 0x140B, 0x0CF5
_LAYOUT = {1: 0x1903, 3: 0x1907, 4: 0x1908}  # GL_RED, GL_RGB, GL_RGBA by the number of channels


def open_context() -> moderngl.Context:
    """A context of OpenGL 3.3 or newer, current in the calling thread, that was seen to draw.

    Raises:
        UserError: there is none.
    """
    # Where the window speaks GLX and this EGL, NVIDIA's libglvnd may else mix the two up without a word.
    os.environ.setdefault("__GLVND_DISALLOW_PATCHING", "1")
    # Mesa's software renderer takes all cores, here and for the window; one shall be left to the training.
    os.environ.setdefault("LP_NUM_THREADS", str(max((os.cpu_count() or 1) - 1, 1)))
    problems = []
    for backend in ({"backend": "egl"}, {}) if sys.platform.startswith("linux") else ({},):
        try:
            context = moderngl.create_context(standalone=True, require=REQUIRED, **backend)  # type: ignore[arg-type]
        except Exception as error:  # the backends raise whatever they like, plain Exception among it
            problems.append(str(error))
            continue
        if context.version_code >= REQUIRED and _draws(context):
            return context  # of which everything is released by hand: a collector would do it in any thread
        problems.append(f"{context.info['GL_RENDERER']} offers {context.info['GL_VERSION']}")
        context.release()
    raise UserError(f"{NEED} ({'; '.join(dict.fromkeys(problems))}).")


def _draws(context: moderngl.Context) -> bool:
    """Clears and reads: a context that is not current reads zeros and reports no error."""
    target = context.simple_framebuffer((4, 4), components=4)
    target.use()  # and it stays in use, for the context's life: where none is bound, making one is an error
    target.clear(0.2, 0.4, 0.6, 1.0)
    pixels = np.frombuffer(target.read(components=4), np.uint8)
    return np.array_equal(pixels.reshape(16, 4), np.tile([51, 102, 153, 255], (16, 1)))


class Driver:
    """Calls into OpenGL that let other threads run meanwhile: moderngl's own hold the interpreter while they wait."""

    def __init__(self, context: moderngl.Context) -> None:
        load: Callable[[str], int] = context.mglo._context.load
        unsigned, signed, pointer = ctypes.c_uint, ctypes.c_int, ctypes.c_void_p
        self.finish = _FUNCTION(None)(load("glFinish"))
        self._bind = _FUNCTION(None, unsigned, unsigned)(load("glBindTexture"))
        self._store = _FUNCTION(None, unsigned, signed)(load("glPixelStorei"))
        self._write = _FUNCTION(None, unsigned, *[signed] * 7, unsigned, unsigned, pointer)(load("glTexSubImage3D"))

    def write_planes(
        self, texture: moderngl.Texture3D, first: int, planes: Float16[np.ndarray, "planes height width channels"]
    ) -> None:
        """Uploads some planes of a half-precision texture, from plane `first` on."""
        count, height, width, channels = planes.shape
        assert planes.flags.c_contiguous
        assert planes.dtype == np.float16
        assert (width, height, channels) == (texture.width, texture.height, texture.components)
        self._store(_UNPACK_ALIGNMENT, 2)
        self._bind(_TEXTURE_3D, texture.glo)
        self._write(_TEXTURE_3D, 0, 0, 0, first, width, height, count, _LAYOUT[channels], _HALF, planes.ctypes.data)
