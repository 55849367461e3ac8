"""The newest volume at once, whatever the run does, and hardly any of its time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from engine.config.settings import Settings
from engine.fields.baking import Baking
from engine.fields.field import BlockPieces, Planes
from engine.messages import Pause, Restart, Resume, Step
from engine.run.feeds import volume as volume_feed
from engine.run.feeds.volume import FieldVolume, VolumeFeed
from engine.run.thread import Run
from tests.support.runs.fake_trainer import FakeTrainer, tiny_scene

MakeRun = Callable[..., Run]


class FakeField:
    """Voxels that hold the version; each plane takes `pace` seconds."""

    pace = 0.0
    sizes: tuple[int, ...] = (8,)
    background = None
    stage = SimpleNamespace(samples=5, proposals=False)

    def __init__(self) -> None:
        self.version = 0
        self.asked: list[int] = []

    def volume_sizes(self, longest: int) -> tuple[int, ...]:
        return self.sizes

    def volume_planes(self, longest: int) -> Planes:
        self.asked.append(longest)
        return Planes((longest,) * 3, (self._plane(longest) for _ in range(longest)))

    def _plane(self, size: int) -> torch.Tensor:
        time.sleep(self.pace)
        return torch.full((size, size, 4), float(self.version % 1000))

    def proposal_density(self) -> None:
        """Intervals are even."""

    def block_pieces(self) -> BlockPieces | None:
        return None

    def tint_planes(self, longest: int) -> None:
        return None


class Trainer(FakeTrainer):
    pace = 0.001
    make_field: type[FakeField] = FakeField

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.field = self.make_field()  # type: ignore[assignment]


def trainer_of(**changes: Any) -> type[Trainer]:
    return type("Made", (Trainer,), {"make_field": type("MadeField", (FakeField,), changes)})


@pytest.fixture
def make_run() -> Iterator[MakeRun]:
    runs: list[Run] = []

    def make(trainer: type[FakeTrainer] = Trainer, iterations: int = 1_000_000) -> Run:
        run = Run(tiny_scene(), Settings(max_iterations=iterations), make_trainer=trainer)  # type: ignore[arg-type]
        runs.append(run)
        run.start()
        return run

    yield make
    for run in runs:
        run.stop()
        run.join(10)


def until(feed: VolumeFeed, condition: Callable[[FieldVolume], bool], timeout: float = 10.0) -> FieldVolume:
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        volume = feed.latest()
        if volume is not None and condition(volume):
            return volume
        time.sleep(0.002)
    raise AssertionError("no such volume came")


def watched(feed: VolumeFeed, seconds: float) -> list[FieldVolume | None]:
    """Every volume that was shown in so long, once."""
    shown: list[FieldVolume | None] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        volume = feed.latest()
        if not shown or shown[-1] is not volume:
            shown.append(volume)
        time.sleep(0.002)
    return shown


def test_volumes_follow_the_field(make_run: MakeRun) -> None:
    feed = VolumeFeed(make_run(), period=0.05)
    assert feed.latest() is None
    first = until(feed, lambda volume: True)
    assert first.voxels.shape == (8, 8, 8, 4)
    later = until(feed, lambda volume: volume.version == first.version + 2)
    assert later.field_version > first.field_version
    assert later.voxels[7, 0, 0, 0] >= later.field_version % 1000


def test_values_stay_on_the_device_from_when_it_is_asked_for(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def bake(field: Any, size: int, detailed: bool, on_device: bool) -> Baking:
        asked.append(on_device)
        return Baking(field, size, detailed, on_device)

    monkeypatch.setattr(volume_feed, "Baking", bake)
    feed = VolumeFeed(make_run(), period=0.02)
    first = until(feed, lambda volume: True)
    assert not any(asked)
    feed.on_device = True
    until(feed, lambda volume: volume.version >= first.version + 2)
    assert asked[-1]


def test_a_field_that_stands_still_is_not_copied_again(make_run: MakeRun) -> None:
    run = make_run()
    feed = VolumeFeed(run, period=0.02)
    run.send(Pause())
    run.wait(10)
    volume = until(feed, lambda volume: True)
    assert watched(feed, 0.5) == [volume]
    run.send(Step())
    assert until(feed, lambda new: new.version > volume.version).field_version == volume.field_version + 1


def test_volumes_come_no_more_often_than_the_period(make_run: MakeRun) -> None:
    feed = VolumeFeed(make_run(), period=0.3)
    until(feed, lambda volume: True)
    assert len(watched(feed, 1.0)) <= 5


def test_a_slow_step_keeps_nobody_waiting(make_run: MakeRun) -> None:
    class Slow(Trainer):
        pace = 0.5

    feed = VolumeFeed(make_run(Slow))
    slowest = 0.0
    end = time.monotonic() + 1.2
    while time.monotonic() < end:
        begun = time.monotonic()
        feed.latest()
        slowest = max(slowest, time.monotonic() - begun)
        time.sleep(0.002)
    assert slowest < 0.1


def test_copying_takes_little_of_a_busy_run_s_time(make_run: MakeRun) -> None:
    made = trainer_of(pace=0.004)
    run = make_run(made)
    feed = VolumeFeed(run, period=0.0, share=0.1)
    until(feed, lambda volume: True)
    begun = time.monotonic()
    newest = until(feed, lambda volume: volume.version == 6)
    assert time.monotonic() - begun > 5 * 8 * 0.004 / 0.12
    run.send(Pause())  # and all it wants of one that rests
    run.wait(10)
    until(feed, lambda volume: volume.field_version > newest.field_version)
    before, begun = feed.latest(), time.monotonic()
    run.send(Step())
    assert before is not None
    until(feed, lambda volume: volume.version > before.version)
    assert time.monotonic() - begun < 1.0


def test_what_takes_long_is_coarse_at_first_and_fine_once_the_run_rests(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.run.feeds.volume.PATIENCE", 0.5)
    run = make_run(trainer_of(sizes=(4, 8, 16), pace=0.003))
    feed = VolumeFeed(run, period=0.0, share=0.04)
    assert until(feed, lambda volume: True).voxels.shape[0] == 4
    assert {volume.voxels.shape[0] for volume in watched(feed, 0.5) if volume is not None} == {4}
    run.send(Pause())
    finest = until(feed, lambda volume: volume.voxels.shape[0] == 16)
    assert watched(feed, 0.3)[-1] is finest
    run.send(Resume())
    assert until(feed, lambda volume: volume.version > finest.version).voxels.shape[0] < 16


def test_a_quick_one_is_fine_at_once(make_run: MakeRun) -> None:
    feed = VolumeFeed(make_run(trainer_of(sizes=(4, 8, 16))), period=0.2)
    assert until(feed, lambda volume: True).voxels.shape[0] == 4
    assert until(feed, lambda volume: volume.version == 2).voxels.shape[0] == 16


class FieldInBlocks(FakeField):
    """Two blocks, one of them missing's; each takes `pace` seconds."""

    def block_pieces(self) -> BlockPieces:
        table = torch.tensor([[[0, 1]]], dtype=torch.int32)
        return BlockPieces((8, 8, 16), table, 2, (self._block() for _ in range(2)))

    def _block(self) -> torch.Tensor:
        time.sleep(self.pace)
        return torch.full((1, 9, 9, 9, 4), float(self.version % 1000))


class TrainerInBlocks(Trainer):
    make_field = FieldInBlocks


def test_a_field_in_blocks_is_coarse_first_and_detailed_ever_after(make_run: MakeRun) -> None:
    feed = VolumeFeed(make_run(TrainerInBlocks), period=0.05)
    first = until(feed, lambda volume: True)
    assert first.detail is None
    later = [until(feed, lambda volume, at=version: volume.version >= at) for version in (2, 3, 4)]
    for volume in later:
        assert volume.detail is not None
        assert volume.detail.blocks[1, 0, 0, 0, 0] >= volume.field_version % 1000


def test_the_detail_of_a_field_that_stands_still_comes_once(make_run: MakeRun) -> None:
    run = make_run(TrainerInBlocks, iterations=3)
    run.wait(10)
    feed = VolumeFeed(run, period=0.02)
    volume = until(feed, lambda volume: volume.detail is not None)
    assert (volume.version, volume.field_version) == (2, 3)
    assert watched(feed, 0.3) == [volume]


def test_detail_takes_little_of_a_busy_run_s_time(make_run: MakeRun) -> None:
    made = type("Made", (Trainer,), {"make_field": type("MadeField", (FieldInBlocks,), {"pace": 0.01})})
    feed = VolumeFeed(make_run(made), period=0.0, share=0.1)
    until(feed, lambda volume: volume.detail is not None)
    begun = time.monotonic()
    until(feed, lambda volume: volume.version == 4)
    assert time.monotonic() - begun > 2 * (8 + 2) * 0.01 / 0.12


def test_a_restart_shows_the_new_field(make_run: MakeRun) -> None:
    run = make_run(iterations=30)
    feed = VolumeFeed(run, period=0.02)
    run.wait(10)
    old = until(feed, lambda volume: volume.field_version == 30)
    run.send(Restart(Settings(max_iterations=4)))
    new = until(feed, lambda volume: volume.field_version == 4)
    assert new.version > old.version


def test_a_failing_run_keeps_its_last_volume_and_can_be_restarted(make_run: MakeRun) -> None:
    class Failing(Trainer):
        fail_at: int | None = 30

    run = make_run(Failing)
    feed = VolumeFeed(run, period=0.02)
    until(feed, lambda volume: volume.field_version == 30)
    assert run.latest().status == "failed"
    Failing.fail_at = None
    run.send(Restart())
    until(feed, lambda volume: volume.field_version != 30)


def test_a_field_that_cannot_be_baked_is_told_of_and_tried_again(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("engine.run.feeds.feed.AFTER_FAILURE", 0.1)
    broken = [True]

    class Broken(FakeField):
        def volume_planes(self, longest: int) -> Planes:
            if broken:
                raise MemoryError("too large")
            return super().volume_planes(longest)

    run = make_run(type("Made", (Trainer,), {"make_field": Broken}))
    feed = VolumeFeed(run)
    end = time.monotonic() + 10
    while "No volume of the field" not in caplog.text and time.monotonic() < end:
        assert feed.latest() is None
        time.sleep(0.01)
    assert "No volume of the field" in caplog.text
    assert run.latest().status == "running"
    broken.clear()
    until(feed, lambda volume: True)


def test_after_the_end_of_the_run_the_last_volume_stays(make_run: MakeRun) -> None:
    run = make_run()
    feed = VolumeFeed(run, period=0.02)
    until(feed, lambda volume: True)
    run.stop()
    run.join(10)
    last = watched(feed, 0.2)[-1]
    assert last is not None
    assert watched(feed, 0.2) == [last]
    assert VolumeFeed(run).latest() is None


def test_two_feeds_may_watch_one_run(make_run: MakeRun) -> None:
    run = make_run()
    feeds = [VolumeFeed(run, period=0.02) for _ in range(2)]
    found = threading.Barrier(2, timeout=10)

    def follow(feed: VolumeFeed) -> None:
        until(feed, lambda volume: volume.version > 3)
        found.wait()

    other = threading.Thread(target=follow, args=(feeds[1],))
    other.start()
    follow(feeds[0])
    other.join(10)
    assert not other.is_alive()
