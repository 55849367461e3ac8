"""Who is next, and turns that threads take."""

from __future__ import annotations

import threading

from engine.config.settings import Settings
from engine.messages import Pause
from engine.run.turns import Equal, Seat, Standing, Turns, choose_next
from tests.support.runs.fake_trainer import FakeTrainer
from tests.support.runs.threads import MakeRun, settled, until


def test_who_has_had_least_is_next() -> None:
    standings = [Standing(5, 1.0), Standing(4, 9.0), Standing(4, 2.0)]
    assert choose_next(standings, "iterations") == 2, "of two at the same iteration the one with fewer seconds"
    assert choose_next(standings, "seconds") == 0
    assert choose_next([Standing(0, 0.0)] * 3, "iterations") == 0


class Runner:
    """A run that counts, in a thread of its own."""

    def __init__(self, seat: Seat, log: list[str], name: str, seconds: float) -> None:
        self.seat, self.log, self.name, self.pace = seat, log, name, seconds
        self.standing = Standing(0, 0.0)

    def advance(self, steps: int) -> threading.Thread:
        def act() -> None:
            for _ in range(steps):
                while not self.seat.wait(self.standing, 0.05):
                    pass
                self.log.append(self.name)
                self.standing = Standing(self.standing.iterations + 1, self.standing.seconds + self.pace)
                self.seat.done(self.standing)
            self.seat.leave()

        thread = threading.Thread(target=act)
        thread.start()
        return thread


def play(equal: Equal, steps: tuple[int, int], seconds: tuple[float, float]) -> list[str]:
    turns, log = Turns(equal), list[str]()
    runners = [Runner(turns.seat(), log, name, pace) for name, pace in zip("ab", seconds, strict=True)]
    for thread in [runner.advance(count) for runner, count in zip(runners, steps, strict=True)]:
        thread.join(20)
        assert not thread.is_alive()
    return log


def test_equal_iterations_alternate_whichever_is_quicker() -> None:
    assert play("iterations", (4, 4), (1.0, 3.0)) == list("abababab")


def test_equal_seconds_give_the_quicker_one_more_iterations() -> None:
    log = play("seconds", (3, 9), (3.0, 1.0))
    assert log == list("abbbabbbabbb")


def test_nobody_waits_for_one_that_has_ended() -> None:
    assert play("iterations", (2, 6), (1.0, 1.0)) == list("ababbbbb")


def test_the_first_turn_waits_until_all_are_there() -> None:
    turns = Turns()
    first, second = turns.seat(), turns.seat()
    assert not first.wait(Standing(0, 0.0), 0.01)
    second.leave()  # it is paused, or has failed
    assert first.wait(Standing(0, 0.0), 0.01)


def test_one_that_was_paused_for_long_goes_on_beside_the_others() -> None:
    turns, log = Turns(), list[str]()
    seat, other = turns.seat(), turns.seat()
    one, two = Runner(seat, log, "a", 1.0), Runner(other, log, "b", 1.0)
    seat.leave()
    two.advance(100).join(20)
    assert log == ["b"] * 100
    log.clear()
    other.wait(two.standing, 0.0)  # it trains again ...
    other.done(two.standing)
    threads = [one.advance(5), two.advance(5)]  # ... and so does the one that was paused
    for thread in threads:
        thread.join(20)
    assert sorted(log) == list("aaaaabbbbb")
    assert "bbb" not in "".join(log)[:6]
    assert "aaa" not in "".join(log)[:6]


def test_one_that_lies_behind_a_little_catches_up() -> None:
    turns = Turns()
    seat, other = turns.seat(), turns.seat()
    seat.leave()
    assert other.wait(Standing(0, 0.0), 0.01)
    other.done(Standing(3, 0.1))
    assert seat.wait(Standing(0, 0.0), 0.01)
    seat.done(Standing(1, 0.1))
    assert not other.wait(Standing(3, 0.1), 0.01)


def test_runs_in_threads_of_their_own_train_one_at_a_time(make_run: MakeRun) -> None:
    log: list[str] = []

    class Logged(FakeTrainer):
        pace = 0.002

        def step(self) -> None:
            log.append(self.settings.method)
            super().step()
            log.append("end")

    turns = Turns()
    seats = [turns.seat() for _ in range(3)]
    methods = ("l2g", "barf", "naive")
    runs = [make_run(Logged, Settings(method=method), seat=seat) for method, seat in zip(methods, seats, strict=True)]
    assert [settled(run).iteration for run in runs] == [20, 20, 20]
    assert log[1::2] == ["end"] * 60, "no step begins within another"
    for place in range(0, 120, 6):
        assert set(log[place : place + 6 : 2]) == set(methods)


def test_a_run_that_waits_for_its_turn_obeys_and_its_clock_stands(make_run: MakeRun) -> None:
    class Long(FakeTrainer):
        pace = 0.3

    turns = Turns()
    seats = turns.seat(), turns.seat()
    run = make_run(seat=seats[0])
    other = make_run(Long, Settings(max_iterations=4), seat=seats[1])
    run.send(Pause())
    paused = until(run, lambda snapshot: snapshot.status == "paused")
    assert paused.iteration < 20
    assert settled(other).iteration == 4, "it goes on without the other"
    ended = other.latest()
    assert ended is not None
    assert ended.seconds >= 4 * Long.pace
    assert paused.seconds < Long.pace * ended.iteration
