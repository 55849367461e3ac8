"""Races of trainers that only walk about, and one of the fern that ships, tiny."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from unittest import mock

import numpy as np
import pytest
import torch

from engine.config.settings import Settings
from engine.errors import UserError
from engine.lab.race import memory
from engine.lab.race.definition import Race, make_race
from engine.lab.race.memory import MemoryGuard
from engine.lab.race.rows import make_rows
from engine.lab.race.runner import Entrant, run_race
from engine.lab.race.scenes import read_scenes
from engine.scenes import AnyScene
from engine.scenes.options import SceneOptions
from engine.training import cameras
from engine.training.cameras import CameraTrainer
from tests.support.runs.fake_trainer import FakeTrainer, tiny_scene
from tests.support.runs.short_runs import TINY, fern

SCENE = tiny_scene()


class Fails(FakeTrainer):
    fail_at = 3
    error = UserError("The photos are damaged.")


class Slow(FakeTrainer):
    pace = 0.004


class Quick(FakeTrainer):
    pace = 0.001


def race(*words: str, equal: str = "iterations", seconds: float | None = None, iterations: int = 20) -> Race:
    settings = Settings(max_iterations=iterations, assist=False)
    return make_race(words, settings, SceneOptions(), equal, seconds)  # type: ignore[arg-type]


def run(race: Race, *, by_method: dict[str, type[FakeTrainer]] | None = None, **more: object) -> list[Entrant]:
    def make(scene: AnyScene, settings: Settings, device: torch.device) -> FakeTrainer:
        return (by_method or {}).get(settings.method, FakeTrainer)(scene, settings, device)  # type: ignore[arg-type]

    scenes = [SCENE] * len(race.contestants)
    return run_race(race, scenes, make_trainer=make, **more)  # type: ignore[arg-type]


def test_at_any_time_all_have_had_equally_many_iterations() -> None:
    seen: list[tuple[int, ...]] = []

    def watch(entrants: Sequence[Entrant]) -> None:
        seen.append(tuple(entrant.standing.iterations for entrant in entrants))

    entrants = run(race("l2g", "barf", "naive"), by_method={"l2g": Slow}, watch=watch)
    assert all(max(now) - min(now) <= 1 for now in seen)
    assert seen[-1] == (20, 20, 20)
    assert [row.iterations for row in make_rows(entrants)] == [20, 20, 20]
    assert [row.state for row in make_rows(entrants)] == ["finished"] * 3


def test_at_any_time_all_have_had_equally_many_seconds() -> None:
    apart: list[float] = []

    def watch(entrants: Sequence[Entrant]) -> None:
        seconds = [entrant.session.seconds for entrant in entrants]
        longest = max(step for step in np.diff(sorted(seconds)))
        apart.append(float(longest))

    def clock() -> float:
        """Of steps that take what their trainer says: the machine that runs the tests may be busy."""
        return clock.now  # type: ignore[attr-defined]

    clock.now = 0.0  # type: ignore[attr-defined]

    def sleep(seconds: float) -> None:
        clock.now += seconds  # type: ignore[attr-defined]

    with mock.patch.object(time, "monotonic", clock), mock.patch.object(time, "sleep", sleep):
        limited = race("l2g", "barf", equal="seconds", seconds=0.2, iterations=1000)
        with mock.patch.object(FakeTrainer, "fit_to_time", create=True):
            entrants = run(limited, by_method={"l2g": Slow, "barf": Quick}, watch=watch)
    assert max(apart) <= Slow.pace + 1e-9
    slow, quick = make_rows(entrants)
    assert (slow.iterations, quick.iterations) == (50, 200)
    assert slow.share == pytest.approx(0.5, abs=0.01)
    assert [slow.state, quick.state] == ["stopped", "stopped"]


def test_one_that_fails_is_a_row_that_says_why_and_the_others_go_on() -> None:
    entrants = run(race("l2g", "barf"), by_method={"barf": Fails})
    good, failed = make_rows(entrants)
    assert (failed.state, failed.reason, failed.iterations) == ("failed", "The photos are damaged.", 3)
    assert failed.rotation_mean_deg is None
    assert (good.state, good.iterations) == ("finished", 20)
    assert good.rotation_mean_deg is not None


def test_what_was_reached_is_there_after_an_interruption() -> None:
    steps = 0

    def watch(entrants: Sequence[Entrant]) -> None:
        nonlocal steps
        steps += 1

    entrants = run(race("l2g", "barf"), watch=watch, stopped=lambda: steps >= 9)
    rows = make_rows(entrants)
    assert sorted(row.iterations for row in rows) == [4, 5]
    assert [row.state for row in rows] == ["stopped", "stopped"]
    assert all(row.rotation_mean_deg is not None for row in rows)


def test_an_interruption_before_the_first_step() -> None:
    rows = make_rows(run(race("l2g", "barf"), stopped=lambda: True))
    assert [(row.state, row.iterations, row.share) for row in rows] == [("stopped", 0, 0.0)] * 2


def test_contestants_that_are_alike_end_alike_and_share_their_photos() -> None:
    alike = race("l2g", "l2g", "barf", iterations=12)
    with mock.patch.object(cameras, "stages", return_value=TINY):
        entrants = run_race(alike, [fern()] * 3)
    first, second, other = (entrant.session for entrant in entrants)
    for one, same in zip(first.history.rows, second.history.rows, strict=False):
        if one.iteration == same.iteration:  # rows are some time apart, which differs
            assert np.array_equal(one.poses, same.poses)
    assert first.history.rows[-1].iteration == second.history.rows[-1].iteration == 12
    assert np.array_equal(first.history.rows[-1].poses, second.history.rows[-1].poses)
    assert np.allclose(first.history.rows[0].poses, other.history.rows[0].poses, atol=1e-6), "the same start"
    assert not np.array_equal(first.history.rows[-1].poses, other.history.rows[-1].poses)
    trainers = [session.trainer for session in (first, second, other)]
    assert all(isinstance(trainer, CameraTrainer) for trainer in trainers)
    assert len({id(trainer.photos.level(2)) for trainer in trainers}) == 1  # type: ignore[union-attr]


def test_starts_may_differ_but_photos_are_held_once() -> None:
    read: list[str] = []

    def read_one(options: SceneOptions) -> AnyScene:
        read.append(options.init)
        return tiny_scene()

    options = [SceneOptions(), SceneOptions(init="identity"), SceneOptions()]
    first, second, third = read_scenes(options, read_one)
    assert read == ["auto", "identity"]
    assert third is first
    assert second.images is first.images  # type: ignore[union-attr]


def test_before_memory_runs_out_one_contestant_ends_and_the_others_go_on() -> None:
    clock = itertools.count(0.0, 2.0)
    guard = MemoryGuard(limit_bytes=100, measure=lambda: 120)  # freed memory stays with the process
    with mock.patch.object(memory.time, "monotonic", side_effect=clock):
        entrants = run(race("l2g", "barf", "naive"), memory=guard)
    rows = make_rows(entrants)
    assert [row.state for row in rows] == ["finished", "finished", "failed"]
    assert "more memory than there is" in rows[2].reason
    assert entrants[2].session.trainer is None


def test_more_memory_still_ends_one_more() -> None:
    held = iter((90, 101, 102, 120, 121))
    guard = MemoryGuard(limit_bytes=100, measure=lambda: next(held))
    assert [guard.exceeded(10.0 * look) for look in range(5)] == [False, True, False, True, False]
    assert not guard.exceeded(40.5), "it is not asked for so soon again"
