"""What the field shows of one frame, made piece by piece between steps."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from engine.geometry.rays import rays_through
from engine.run.feeds import view
from engine.run.feeds.view import FrameView, FrameViewFeed
from engine.training.radiance import RadianceTrainer
from tests.support.runs.short_runs import advance, trainer
from tests.support.runs.short_runs import run as train


class Asked:
    """A run that answers at once."""

    def __init__(self, made: RadianceTrainer) -> None:
        self.session: Any = SimpleNamespace(trainer=made, busy=False)
        self.questions = 0

    def ask(self, question: Callable[[Any], object]) -> Future[object]:
        self.questions += 1
        future: Future[object] = Future()
        future.set_result(question(self.session))
        return future


def newest(feed: FrameViewFeed, run: Asked, most: int = 50) -> FrameView | None:
    for _ in range(most):
        feed._feed._due = 0.0  # the time between two questions is tested with the feeds
        feed.latest()
    return feed.latest()


def test_a_frame_is_rendered_as_a_whole_from_its_fitted_pose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "PIECE", 0.0)
    monkeypatch.setattr(view, "RAYS_AT_ONCE", 300)
    made = trainer()
    advance(made, 10)
    run = Asked(made)
    feed = FrameViewFeed(run, frame=2, longest=32)  # type: ignore[arg-type]
    first = newest(feed, run)
    assert first is not None
    assert first.frame == 2
    assert max(first.pixels.shape[:2]) <= 32
    assert run.questions > 2, "in pieces"
    factor = -(-made.photos.longer_side // 32)
    points = made.photos.level(factor).plane_of(2)
    with torch.no_grad():
        expected = made.field.render(*rays_through(made.poses()[2], points.flatten(0, 1))).colour.clamp(0, 1)
    assert np.allclose(first.pixels.reshape(-1, 3), expected.numpy(), atol=1e-5)

    assert newest(feed, run) is first, "nothing has changed"
    feed.frame = 0
    other = newest(feed, run)
    assert other is not None
    assert other.frame == 0
    train(made, made.iteration + 2)
    assert newest(feed, run) is not other, "the field has changed"
