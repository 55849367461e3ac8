"""A planar run from the command line to its folder, and as the window sees it: in threads, two at a time."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.config.settings import Settings
from engine.messages import Pause, PerturbPatch, Restart, SelectFrame
from engine.run.feeds.learned_image import PlanarImageFeed
from engine.run.thread import Run
from tests.support.in_process import Command, commands, is_one_sentence
from tests.support.scenes.planar_scenes import cloudy, planar_scene


def waiting_for(what, seconds: float = 60.0):
    """The first answer that is not None or False."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        answer = what()
        if answer is not None and answer is not False:
            return answer
        time.sleep(0.01)
    raise AssertionError("It never came.")


def test_two_runs_of_one_scene_side_by_side():
    scene = planar_scene("rigid")
    runs = [Run(scene, Settings(method=method), keep_going=True) for method in ("l2g", "barf")]
    feeds = [PlanarImageFeed(run) for run in runs]
    try:
        for run in runs:
            run.start()
            assert (run.latest().planar.corners[1] == run.latest().planar.corners[0]).all()  # all in the middle
        for run, feed in zip(runs, feeds, strict=True):
            image = waiting_for(feed.latest)
            assert (image.pixels.shape, image.pixels.dtype, image.version >= 1) == ((120, 160, 3), np.float32, True)
            newer = waiting_for(lambda feed=feed, image=image: (n := feed.latest()).version > image.version and n)
            assert np.abs(newer.pixels - image.pixels).max() > 0
            assert 0 <= newer.pixels.min() <= newer.pixels.max() <= 1
            waiting_for(lambda run=run: run.latest().iteration > 2)
            run.send(SelectFrame(2))
            run.send(PerturbPatch(1, ((10.0, 10.0), (74.0, 10.0), (74.0, 74.0), (10.0, 74.0))))
            run.send(Pause())
            snapshot = waiting_for(lambda run=run: run.latest().status == "paused" and run.latest())
            np.testing.assert_allclose(snapshot.planar.corners[1, 0], (10, 10), atol=0.1)
            assert snapshot.planar.warp.frame == 2
            assert (snapshot.warp, snapshot.undoable) == (None, 1)
            run.send(Restart())
            waiting_for(lambda run=run: run.latest().iteration > 0 and run.latest().undoable == 0)
            assert run.history().rows[0].iteration == 0
            assert run.history().rows[0].corners.shape == (3, 4, 2)
    finally:
        for run in runs:
            run.stop()
            run.join(60)


@pytest.fixture
def train(tmp_path, monkeypatch, capsys) -> Command:
    return partial(commands(tmp_path, monkeypatch, capsys), "l2g-train")


def test_from_an_image_to_a_folder_and_on(train):
    Image.fromarray(cloudy().numpy()).save("clouds.png")
    options = (
        "clouds.png",
        "--warp",
        "rigid",
        "--patches",
        "3",
        "--crop",
        "64",
        "--noise-r",
        "0.1",
        "--output",
        "run",
    )
    left = train(*options, "--max-iterations", "12")
    assert left.code == 0, left
    assert "corner error, px" in left.output
    result = json.loads(Path("run/result.json").read_text())
    assert result["iterations"] == 12
    assert set(result["planar"]["corner_error_px"]) == {"mean", "median", "max"}
    assert 5 < result["planar"]["psnr"] < 60
    assert result["history"][-1]["corner_error_px"] == pytest.approx(result["planar"]["corner_error_px"]["mean"])
    patches = json.loads(Path("run/transforms.json").read_text())["patches"]
    assert len(patches) == 3
    assert np.allclose(patches[0]["transform"], patches[0]["reference_transform"], atol=1e-4)
    assert sorted(path.name for path in Path("run").iterdir()) == [
        *("checkpoint.safetensors", "errors.png", "result.json", "transforms.json")
    ]
    left = train("clouds.png", "--output", "run", "--resume", "--max-iterations", "14")
    assert left.code == 0, left
    assert json.loads(Path("run/result.json").read_text())["iterations"] == 14


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--crop", "0"), "too small"),
        (("--crop", "500"), "fewer than a patch of 500 x 500"),
        (("--noise-t", "40"), "hardly one stays inside"),
        (("--noise-rotation", "1"), "--noise-r and --noise-t here"),
        (("--method", "no-encoding"), "--field mlp"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(train, words, sentence):
    Image.fromarray(cloudy().numpy()).save("clouds.png")
    left = train("clouds.png", "--output", "run", "--max-iterations", "1", *words)
    is_one_sentence(left, sentence)
