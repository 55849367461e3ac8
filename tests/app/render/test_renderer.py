"""The render thread from outside: it does not make the window wait, reports what went wrong, and ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from app.model.common.pictures import CameraSet, CamerasPicture, Drawn, NovelPicture
from app.render.gl import context as context_module
from app.render.renderer import Renderer
from app.render.studio import Studio
from engine.errors import UserError
from tests.support.worlds import fields

PATIENCE = 60.0


@pytest.fixture
def renderer() -> Iterator[Renderer]:
    made = Renderer()
    made.start()
    yield made
    made.close()
    assert made.error is None


def asking(renderer: Renderer, picture: NovelPicture, good: Callable[[Drawn], bool], view: str = "novel") -> Drawn:
    """What comes of asking again and again, as a panel does, as soon as it is good."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        renderer.request(view, picture)
        drawn = renderer.latest(view)
        if drawn is not None and good(drawn):
            return drawn
        time.sleep(0.01)
    raise AssertionError(f"never drawn so; last: {renderer.latest(view)}")


def test_a_picture_is_drawn_and_refined(renderer: Renderer) -> None:
    field = fields.grid(fields.PROJECTIVE, tinted=True, proposals=True)
    renderer.set_volume(fields.volume_of(field))
    at = fields.camera((200, 150))
    drawn = asking(renderer, NovelPicture(at), lambda drawn: drawn.complete)
    engine = fields.seen_by_engine(field, at).colour.numpy()
    assert drawn.pixels.shape == (150, 200, 4)
    assert -10 * np.log10(((drawn.pixels[..., :3] - engine) ** 2).mean()) > 50


def test_a_new_volume_shows_in_a_picture_that_did_not_change(renderer: Renderer) -> None:
    picture = NovelPicture(fields.camera())
    renderer.set_volume(fields.even_volume("projective", density=-30.0))
    before = asking(renderer, picture, lambda drawn: drawn.complete and drawn.pixels[20, 20, 2] > 0.9)
    renderer.set_volume(fields.even_volume("projective", density=30.0, colour=-6.0))
    after = asking(renderer, picture, lambda drawn: drawn.complete and drawn.pixels[20, 20, 2] < 0.1)
    assert after.serial > before.serial
    assert before.pixels[20, 20, 2] > 0.9  # what was handed out stays as it is
    renderer.set_volume(None)
    asking(renderer, replace(picture, wipe=0.1), lambda drawn: drawn.pixels[20, 20, 2] < 0.2)


def test_nothing_is_drawn_twice(renderer: Renderer) -> None:
    renderer.set_volume(fields.even_volume("projective", density=0.0))
    picture = NovelPicture(fields.camera())
    serial = asking(renderer, picture, lambda drawn: drawn.complete).serial
    for _ in range(20):
        renderer.request("novel", NovelPicture(fields.camera()))
        time.sleep(0.01)
    drawn = renderer.latest("novel")
    assert drawn is not None
    assert drawn.serial == serial


def test_of_many_requests_the_last_is_drawn(renderer: Renderer) -> None:
    renderer.set_volume(fields.even_volume("box", density=0.0))
    for step in range(50):
        last = NovelPicture(fields.camera(step=(0.01 * step, 0.0, 0.0)), moving=True)
        renderer.request("novel", last)
    drawn = asking(renderer, last, lambda drawn: drawn.picture is last)
    assert drawn.serial < 50


def test_views_are_independent_of_each_other(renderer: Renderer) -> None:
    renderer.set_volume(fields.even_volume("box", density=0.0))
    poses = np.tile(np.eye(3, 4, dtype=np.float32), (3, 1, 1))
    cameras = CamerasPicture(fields.camera((90, 60)), CameraSet(poses, np.ones((3, 4), np.float32)), (0.5, 0.4), 0.3)
    novel = NovelPicture(fields.camera((30, 20)))
    for _ in range(3000):
        renderer.request("cameras", cameras)
        renderer.request("novel", novel)
        both = [renderer.latest(view) for view in ("cameras", "novel")]
        if all(drawn is not None and drawn.complete for drawn in both):
            break
        time.sleep(0.01)
    assert [drawn.pixels.shape for drawn in both if drawn is not None] == [(60, 90, 4), (20, 30, 4)]


def test_asking_never_waits(renderer: Renderer) -> None:
    renderer.set_volume(fields.volume_of(fields.grid(fields.BOX, tinted=True, proposals=True)))
    longest = 0.0
    for step in range(40):
        begun = time.perf_counter()
        renderer.request("novel", NovelPicture(fields.camera((500, 400), step=(0.01 * step, 0, 0)), moving=True))
        renderer.latest("novel")
        longest = max(longest, time.perf_counter() - begun)
        time.sleep(0.005)
    assert longest < 0.2  # pictures of this size take longer than that, all together


def test_a_picture_that_cannot_be_drawn_sets_the_error_and_does_not_end_the_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    renderer = Renderer()
    renderer.start()
    show = Studio.show

    def failing(self: Studio, view: str, picture: NovelPicture) -> object:
        if picture.channel == "depth":
            raise RuntimeError("out of paint")
        return show(self, view, picture)

    monkeypatch.setattr(Studio, "show", failing)
    renderer.set_volume(fields.even_volume("box", density=0.0))
    ends = time.monotonic() + PATIENCE
    while renderer.error is None and time.monotonic() < ends:
        renderer.request("novel", NovelPicture(fields.camera(), channel="depth"))
        time.sleep(0.01)
    assert "out of paint" in str(renderer.error)
    asking(renderer, NovelPicture(fields.camera()), lambda drawn: drawn.picture.channel == "colour")
    renderer.close()
    assert renderer.error is None  # what was wrong is over


def test_opening_a_context_leaves_no_error_behind() -> None:
    context = context_module.open_context()
    context.framebuffer([context.texture((4, 4), 4)])
    error = context.error
    context.release()
    assert error == "GL_NO_ERROR"


def test_closing_twice_and_while_drawing() -> None:
    renderer = Renderer()
    renderer.start()
    assert "OpenGL" in renderer.info
    renderer.set_volume(fields.volume_of(fields.grid(fields.PROJECTIVE, tinted=True)))
    renderer.request("novel", NovelPicture(fields.camera((900, 700))))
    renderer.close()
    renderer.close()
    Renderer().close()


def test_without_opengl_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(**_: object) -> None:
        raise Exception("libEGL.so not found")

    monkeypatch.setattr(context_module.moderngl, "create_context", missing)
    with pytest.raises(UserError, match=r"OpenGL 3\.3.*libEGL"):
        Renderer().start()


@pytest.mark.slow
def test_where_opengl_is_too_old_there_is_a_sentence() -> None:
    code = "from app.render.renderer import Renderer\nRenderer().start()"
    environment = os.environ | {"MESA_GL_VERSION_OVERRIDE": "2.1"}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    if ended.returncode == 0:
        pytest.skip("this driver does not pretend to be old")
    assert "UserError: The 3D views need OpenGL 3.3" in ended.stderr
