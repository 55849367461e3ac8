"""A studio per test module, and no test that leaves an OpenGL error or a thread behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from app.render.gl.context import open_context
from app.render.studio import Studio
from tests.support.window.cameras_scene import Easel


@pytest.fixture(scope="module")
def _module_studio() -> Iterator[Studio]:
    made = Studio()
    yield made
    made.close()


@pytest.fixture
def studio(_module_studio: Studio) -> Iterator[Studio]:
    """Everything of OpenGL, in the test's own thread, without a volume."""
    assert _module_studio.error() is None
    yield _module_studio
    assert _module_studio.error() is None
    _module_studio.forget_volume()
    for view in ("novel", "cameras"):
        _module_studio.forget_marched(view)


@pytest.fixture(scope="module")
def easel() -> Iterator[Easel]:
    """Draws geometry alone, in a context of its own."""
    context = open_context()
    easel = Easel(context)
    yield easel
    easel.geometry.release()
    assert context.error == "GL_NO_ERROR"
    context.release()


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = [thread.name for thread in threading.enumerate() if thread not in before and thread.name == "renderer"]
    assert not left
