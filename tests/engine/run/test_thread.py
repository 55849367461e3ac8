"""The thread: commands in, in order, none lost; snapshots out, latest wins; failures told, never a dead thread."""

from __future__ import annotations

import threading
import time
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.config.settings import Settings
from engine.errors import UserError
from engine.messages import (
    Pause,
    PerturbAll,
    PerturbPose,
    RedoPerturbation,
    Restart,
    Resume,
    SaveCheckpoint,
    SelectFrame,
    SetLambda,
    SetRates,
    Step,
    UndoPerturbation,
)
from engine.run.thread import Run
from tests.support.runs.fake_trainer import FakeTrainer, tiny_scene
from tests.support.runs.threads import MakeRun, kinds, patient, settled, until


def test_a_run_goes_through_its_schedule_and_says_so(make_run: MakeRun) -> None:
    snapshot = settled(make_run())
    assert (snapshot.status, snapshot.iteration, snapshot.iterations) == ("finished", 20, 20)
    assert (snapshot.stage, snapshot.stage_index) == ("fine", 1)
    assert snapshot.psnr == pytest.approx(30.0)
    assert snapshot.poses.shape == (4, 3, 4)
    assert snapshot.rotation_error_deg is not None
    assert kinds(snapshot) == ["stage"]


def test_before_the_start_there_is_nothing_and_then_the_initial_poses() -> None:
    run = Run(tiny_scene(), Settings(), make_trainer=patient(0.01))  # type: ignore[arg-type]
    assert run.latest() is None
    run.start()
    first = run.latest()
    assert first is not None
    assert first.status in ("starting", "running")
    np.testing.assert_array_equal(first.poses, np.tile(np.eye(3, 4, dtype=np.float32), (4, 1, 1)))
    run.stop()
    run.join(10)


def test_steps_are_made_in_one_thread_and_it_ends(make_run: MakeRun) -> None:
    run = make_run()
    settled(run)
    run.stop()
    session = run.join(10)
    assert session.trainer is not None
    assert session.trainer.threads == {"l2g run"}  # type: ignore[attr-defined]
    assert threading.active_count() == 1 or "l2g run" not in [thread.name for thread in threading.enumerate()]


def test_commands_are_applied_in_order_and_none_is_lost(make_run: MakeRun) -> None:
    run = make_run(patient(0.0005), Settings(max_iterations=100_000))
    exponents = [index / 100 for index in range(200)]
    for exponent in exponents:
        run.send(SetLambda(exponent))
    snapshot = until(run, lambda snapshot: snapshot.lambda_exponent == exponents[-1])
    details = [event.detail for event in snapshot.events if event.kind == "set-lambda"]
    assert details == [f"10^{exponent:g}" for exponent in exponents]


def test_commands_from_several_threads_all_arrive(make_run: MakeRun) -> None:
    run = make_run(patient(0.0005), Settings(max_iterations=100_000))
    senders = [
        threading.Thread(target=lambda: [run.send(SelectFrame(index % 4)) for index in range(50)]) for _ in range(4)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    until(run, lambda snapshot: kinds(snapshot).count("select-frame") == 200)


def test_pause_step_resume(make_run: MakeRun) -> None:
    run = make_run(patient(0.001), Settings(max_iterations=100_000))
    run.send(Pause())
    paused = settled(run)
    assert paused.status == "paused"
    run.send(Step())
    stepped = settled(run)
    assert (stepped.status, stepped.iteration) == ("paused", paused.iteration + 1)
    assert settled(run).seconds == stepped.seconds  # the clock stands still
    run.send(Resume())
    later = until(run, lambda snapshot: snapshot.iteration > stepped.iteration + 3)
    assert later.status == "running"


def test_the_warp_of_the_selected_frame_is_in_the_snapshots(make_run: MakeRun) -> None:
    run = make_run()
    assert settled(run).warp is None
    run.send(SelectFrame(3))
    warp = settled(run).warp
    assert warp is not None
    assert warp.frame == 3
    run.send(SelectFrame(None))
    assert settled(run).warp is None


def test_the_latest_snapshot_wins_and_is_nobody_s_to_write(make_run: MakeRun) -> None:
    run = make_run(patient(0.001), Settings(max_iterations=100_000))
    seen = [until(run, lambda snapshot: snapshot.iteration > 0)]
    for _ in range(5):
        time.sleep(0.02)
        run.latest()
        seen.append(until(run, lambda snapshot: snapshot.iteration > seen[-1].iteration))
    copies = [snapshot.poses.copy() for snapshot in seen]
    time.sleep(0.02)
    for snapshot, copy in zip(seen, copies, strict=True):
        np.testing.assert_array_equal(snapshot.poses, copy)
        with pytest.raises(ValueError, match="read-only"):
            snapshot.poses[0] = 0


def test_nothing_is_measured_while_nobody_looks(make_run: MakeRun) -> None:
    run = make_run(patient(0.001), Settings(max_iterations=100_000))
    seen = until(run, lambda snapshot: snapshot.iteration > 0)
    end = time.monotonic() + 10
    while run._latest is seen and time.monotonic() < end:
        time.sleep(0.001)
    unseen = run._latest  # one was made, as somebody had asked, and no other will follow it
    assert unseen is not seen
    time.sleep(0.5)
    assert run._latest is unseen
    assert until(run, lambda snapshot: snapshot is not unseen).iteration > unseen.iteration + 10


def test_a_perturbation_after_the_end_makes_it_train_on(make_run: MakeRun) -> None:
    run = make_run()
    assert settled(run).status == "finished"
    run.send(PerturbPose(2, (0.1, 0.0, 0.0), (0.0, 0.2, 0.0)))
    snapshot = until(run, lambda snapshot: snapshot.iteration > 20)
    snapshot = settled(run)
    assert (snapshot.status, snapshot.iteration) == ("finished", 25)
    assert kinds(snapshot) == ["stage", "perturb-pose"]  # the trainer's own note of it would be the same again
    assert snapshot.events[-1].detail == "photo 2.png: 5.73°, 0.2 units"


def test_keep_going_trains_past_the_end(make_run: MakeRun) -> None:
    run = make_run(patient(0.001), keep_going=True)
    snapshot = until(run, lambda snapshot: snapshot.iteration > 25)
    assert snapshot.status == "running"


def test_perturbations_are_taken_back_whole(make_run: MakeRun) -> None:
    run = make_run(settings=Settings(max_iterations=100_000))
    run.send(Pause())
    before = settled(run)
    run.send(PerturbPose(1, (0.1, 0.0, 0.0)))
    between = settled(run)
    run.send(PerturbAll(0.1, 0.1, seed=3))
    after = settled(run)
    assert (after.poses != between.poses).any(axis=(1, 2)).all()
    run.send(UndoPerturbation())
    np.testing.assert_array_equal(settled(run).poses, between.poses)
    run.send(PerturbAll(0.1, 0.1, seed=3))
    np.testing.assert_array_equal(settled(run).poses, after.poses)  # the noise is the seed's
    run.send(UndoPerturbation())
    run.send(UndoPerturbation())
    np.testing.assert_array_equal(settled(run).poses, before.poses)
    run.send(UndoPerturbation())
    last = settled(run)
    assert last.events[-1].kind == "refused"
    assert last.message == "There is no perturbation to take back."


@pytest.mark.parametrize(
    "command",
    [
        SetLambda(float("nan")),
        SetLambda(1e9),
        PerturbPose(4),
        PerturbPose(-1),
        PerturbPose(0, (float("inf"), 0.0, 0.0)),
        PerturbAll(float("nan"), 0.0),
        RedoPerturbation(),
        SetRates(0.0),
        SelectFrame(17),
        SaveCheckpoint(),  # this run has no folder
        Restart("nonsense"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused_and_the_run_goes_on(make_run: MakeRun, command: Any) -> None:
    run = make_run(patient(0.001), Settings(max_iterations=100_000))
    run.send(command)
    refused = until(run, lambda snapshot: "refused" in kinds(snapshot))
    assert refused.message
    assert np.isfinite(refused.poses).all()
    until(run, lambda snapshot: snapshot.iteration > refused.iteration + 2)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ZeroDivisionError("inside"), "ZeroDivisionError: inside"),
        (UserError("One clear sentence."), "One clear sentence."),
    ],
)
def test_a_failure_is_told_and_the_thread_lives_to_restart(
    make_run: MakeRun, caplog: pytest.LogCaptureFixture, error: Exception, message: str
) -> None:
    class Failing(FakeTrainer):
        fail_at = 7

    Failing.error = error
    run = make_run(Failing)
    failed = settled(run)
    assert (failed.status, failed.message) == ("failed", message)
    assert kinds(failed)[-1] == "failed"
    assert ("Traceback" in caplog.text) == isinstance(error, ZeroDivisionError)
    run.send(SetLambda(1.0))
    assert settled(run).status == "failed"
    Failing.fail_at = None
    run.send(Restart())
    snapshot = settled(run)
    assert (snapshot.status, snapshot.iteration) == ("finished", 20)
    assert kinds(snapshot) == ["stage", "restart"]


def test_a_trainer_that_cannot_be_made_is_told() -> None:
    class Impossible(FakeTrainer):
        def __init__(self, *_: object) -> None:
            raise UserError("This method needs another field.")

    run = Run(tiny_scene(), Settings(), make_trainer=Impossible)  # type: ignore[arg-type]
    run.start()
    snapshot = settled(run)
    assert (snapshot.status, snapshot.message) == ("failed", "This method needs another field.")
    assert snapshot.poses.shape == (4, 3, 4)
    run.stop()
    run.join(10)


def test_a_loss_that_is_not_finite_is_reported(make_run: MakeRun) -> None:
    class Nan(FakeTrainer):
        nan_at = 5

    snapshot = settled(make_run(Nan))
    assert snapshot.skipped_steps == 1
    (event,) = [event for event in snapshot.events if event.kind == "nan"]
    assert event.iteration == 5
    assert event.seconds > 0
    assert snapshot.iteration == 20


def test_restart_takes_other_settings(make_run: MakeRun) -> None:
    run = make_run()
    settled(run)
    run.send(Restart(Settings(max_iterations=7, lambda_exponent=3.0)))
    snapshot = settled(run)
    assert (snapshot.iteration, snapshot.lambda_exponent) == (7, 3.0)


def test_questions_are_answered_in_turn_or_cancelled(make_run: MakeRun) -> None:
    run = make_run(settings=Settings(max_iterations=100_000))
    run.send(SetLambda(1.5))
    assert run.ask(lambda session: session.trainer.lambda_exponent).result(10) == 1.5
    with pytest.raises(ZeroDivisionError):
        run.ask(lambda session: 1 / 0).result(10)
    assert run.latest().status == "running"
    run.stop()
    run.join(10)
    with pytest.raises(CancelledError):
        run.ask(lambda session: 1).result(10)


def test_a_command_is_confirmed_though_a_question_follows(make_run: MakeRun) -> None:
    run = make_run(settings=Settings(max_iterations=100_000))
    both_are_there = threading.Event()
    run.ask(lambda session: both_are_there.wait(10))
    run.send(Pause())
    run.ask(lambda session: None)
    both_are_there.set()
    until(run, lambda snapshot: snapshot.status == "paused")


def test_stop_saves_what_was_reached(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(patient(0.001), Settings(max_iterations=100_000), output=tmp_path, checkpoint_period=None)
    until(run, lambda snapshot: snapshot.iteration > 3)
    assert not list(tmp_path.iterdir())
    run.stop()
    session = run.join(10)
    assert run.latest().status == "stopped"
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.safetensors"]
    assert session.history.rows[-1].iteration == session.trainer.iteration


def test_what_takes_long_is_told_before_it_begins_whatever_the_period() -> None:
    compiled = threading.Event()

    class Compiling(FakeTrainer):
        @property
        def doing(self) -> str:
            return "" if self.iteration != 5 else "compiling kernels"

        def step(self) -> None:
            if self.doing:
                compiled.wait(20)
            super().step()

    run = Run(tiny_scene(), Settings(), publish_period=3600.0, make_trainer=Compiling)  # type: ignore[arg-type]
    run.start()
    assert until(run, lambda snapshot: bool(snapshot.doing)).iteration == 5
    compiled.set()
    assert settled(run).doing == ""
    run.stop()
    run.join(10)
