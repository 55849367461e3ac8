"""Photos at all scales are held once by the trainers of a race, in whatever threads they live."""

from __future__ import annotations

import threading
from dataclasses import replace
from unittest import mock

import pytest
import torch

from engine.config.settings import Settings
from engine.lab.race.photos import SharedPhotos, have_same_photos
from engine.lab.race.scenes import share_photos
from engine.scenes import Scene
from engine.scenes.pyramid import photo_level
from engine.training import cameras
from engine.training.cameras import CameraTrainer
from tests.support.runs.short_runs import TINY, fern

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def scene() -> Scene:
    return fern()


def read_again(scene: Scene) -> Scene:
    """As for a contestant that starts elsewhere: all of it is new, with the photos of the first."""
    lenses = replace(scene.intrinsics, focal=scene.intrinsics.focal.clone())
    return share_photos(scene, replace(scene, images=scene.images.clone(), intrinsics=lenses))  # type: ignore[return-value]


def make(shared: SharedPhotos, scene: Scene, method: str) -> CameraTrainer:
    with mock.patch.object(cameras, "stages", return_value=TINY):
        made = shared(scene, Settings(method=method, assist=False), CPU)
    assert isinstance(made, CameraTrainer)
    return made


def test_four_contestants_reduce_their_photos_once(scene: Scene) -> None:
    shared = SharedPhotos()
    trainers = [make(shared, one, method) for one, method in ((scene, "l2g"), (scene, "barf"), (scene, "naive"))]
    trainers.append(make(shared, read_again(scene), "barf"))
    made, ready = [], threading.Barrier(len(trainers))

    def look(trainer: CameraTrainer) -> None:
        ready.wait()
        made.append(trainer.photos.level(4))

    with mock.patch.object(photo_level, "downsample_photos", wraps=photo_level.downsample_photos) as reduce:
        threads = [threading.Thread(target=look, args=(trainer,)) for trainer in trainers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert reduce.call_count == 1
    assert len({id(level) for level in made}) == 1


def test_each_may_leave_out_other_frames(scene: Scene) -> None:
    shared = SharedPhotos()
    one, other = (make(shared, scene, method).photos for method in ("l2g", "barf"))
    few, fewer = one.of([0, 1]), other.of([2])
    assert one.of([0, 1]) is few
    assert other.of([2]) is fewer
    assert len(few.level(8).images) == 2
    torch.testing.assert_close(fewer.level(8).images[0], one.level(8).images[2])


def test_other_photos_or_lenses_are_not_shared(scene: Scene) -> None:
    assert have_same_photos(scene, read_again(scene))
    longer = replace(scene.intrinsics, focal=2 * scene.intrinsics.focal)
    masks = torch.ones(scene.images.shape[:3], dtype=torch.bool)
    for other in (
        replace(scene, images=scene.images.clone()),
        replace(scene, intrinsics=longer),
        replace(scene, masks=masks),
        replace(scene, training_frames=scene.training_frames[1:]),
    ):
        assert not have_same_photos(scene, other)
    assert have_same_photos(replace(scene, masks=masks), replace(scene, masks=masks.clone()))
    shared = SharedPhotos()
    first = make(shared, scene, "l2g")
    second = make(shared, replace(scene, intrinsics=longer), "l2g")
    assert first.photos.level(8) is not second.photos.level(8)
