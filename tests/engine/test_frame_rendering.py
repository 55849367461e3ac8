"""Photo and rendering of a frame: the engine's own picture, made between steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch

from engine.evaluation.views import image_points, render_view
from engine.frame_rendering import FrameFeed, FramePicture, FrameRendering, render_frame
from engine.messages import Pause, PerturbPose, Restart
from engine.run import Run
from engine.settings import Settings
from engine.trainer import Trainer
from tests.engine.short_runs import TINY, fern, run, trainer


@pytest.fixture(scope="module")
def trained() -> Trainer:
    made = trainer(TINY)
    run(made, 28)
    return made


@pytest.mark.parametrize("downsample", [1, 3])
def test_it_is_the_evaluation_s_picture_of_the_photo(trained: Trainer, downsample: int) -> None:
    picture = render_frame(trained, 4, downsample)
    height, width = 94 // downsample, 126 // downsample
    assert picture.colour.shape == picture.photo.shape == (height, width, 3)
    assert picture.depth.shape == picture.opacity.shape == (height, width)
    photo = fern().images[trained.frames[4]].permute(2, 0, 1).float() / 255
    small = torch.nn.functional.avg_pool2d(photo, downsample).permute(1, 2, 0).numpy()
    np.testing.assert_allclose(picture.photo, small, atol=1e-6)
    assert picture.psnr == pytest.approx(-10 * np.log10(np.square(picture.colour - picture.photo).mean()), abs=1e-3)
    if downsample == 1:
        points = image_points(fern().intrinsics, trained.frames[4])
        view = render_view(trained.field, trained.poses()[4], points)
        np.testing.assert_allclose(picture.colour, view.colour.numpy(), atol=1e-5)
        np.testing.assert_allclose(picture.depth, view.depth.numpy(), rtol=1e-4)


def test_exposures_are_those_of_the_frame() -> None:
    made = trainer(TINY, optimise_exposure=True)
    run(made, 3)
    before = render_frame(made, 1, 4).colour
    with torch.no_grad():
        made.calibration.log_gain[1] += 0.1
    assert np.median(render_frame(made, 1, 4).colour / before) == pytest.approx(np.exp(0.1 * 17 / 18), rel=0.01)


def test_it_is_made_piece_by_piece(trained: Trainer) -> None:
    rendering = FrameRendering(trained, 0, 1)
    pieces = 1
    while not rendering.work(0.0):
        pieces += 1
    assert pieces == -(-94 * 126 // 2048)
    np.testing.assert_array_equal(rendering.picture().colour, render_frame(trained, 0, 1).colour)


@pytest.fixture
def training() -> Iterator[Run]:
    made = Run(fern(8), Settings(), make_trainer=lambda scene, settings, device: trainer(TINY, scene))
    made.start()
    yield made
    made.stop()
    made.join(30)


def until(feed: FrameFeed, frame: int, condition: Callable[[FramePicture], bool]) -> FramePicture:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        picture = feed.latest(frame)
        if picture is not None and picture.frame == frame and condition(picture):
            return picture
        time.sleep(0.005)
    raise AssertionError("no such picture came")


def test_a_window_gets_pictures_of_what_it_asks_for(training: Run) -> None:
    feed = FrameFeed(training, period=0.01)
    first = until(feed, 2, lambda picture: True)
    later = until(feed, 2, lambda picture: picture.iteration > first.iteration)
    assert (later.colour != first.colour).any()
    assert until(feed, 5, lambda picture: True).frame == 5
    training.send(Pause())
    training.wait(30)
    paused = training.latest()
    assert paused is not None
    assert paused.iteration > 0
    resting = until(feed, 5, lambda picture: (picture.pose == paused.poses[5]).all())
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        assert feed.latest(5) is resting
        time.sleep(0.01)
    training.send(PerturbPose(5, (0.0, 0.2, 0.0)))
    kicked = until(feed, 5, lambda picture: (picture.pose != resting.pose).any())
    assert kicked.psnr < resting.psnr
    assert feed.latest(99) is kicked  # there is no such frame
    training.send(Restart())
    training.send(Pause())  # obeyed before the first step
    until(feed, 5, lambda picture: picture.iteration == 0)
