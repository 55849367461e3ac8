"""A run is opened as the command line says, from any thread, and without a word."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from engine.cli import TrainArguments
from engine.errors import UserError
from engine.messages import Stop
from engine.opening import OpenedRun, open_run
from tests.scenes_on_disk import REPOSITORY

FERN = REPOSITORY / "scenes" / "fern"


def arguments(folder: Path, **changes: object) -> TrainArguments:
    plain = TrainArguments(FERN, downscale=8, device="cpu", output=folder, max_iterations=3, seed=5)
    return replace(plain, **changes)  # type: ignore[arg-type]


def trained(opened: OpenedRun) -> int:
    """Iterations it came to."""
    opened.run.start()
    assert opened.run.wait(60)
    opened.run.stop()
    session = opened.run.join(10)
    assert session.trainer is not None
    return session.trainer.iteration


def test_a_run_is_opened_in_another_thread_and_says_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    found: list[OpenedRun] = []
    thread = threading.Thread(target=lambda: found.append(open_run(arguments(tmp_path / "run", method="barf"))))
    thread.start()
    thread.join(60)
    (opened,) = found
    assert (opened.settings.method, opened.settings.seed, opened.options.seed) == ("barf", 5, 5)
    assert opened.scene.intrinsics.width == 63
    assert opened.run.latest() is None
    assert opened.folder == tmp_path / "run"
    assert opened.folder.is_dir()
    assert trained(opened) == 3
    assert capfd.readouterr().out == ""


def test_it_continues_with_what_it_was_begun_with(tmp_path: Path) -> None:
    assert trained(open_run(arguments(tmp_path / "run", lambda_exponent=1.0))) == 3
    again = open_run(TrainArguments(FERN, device="cpu", output=tmp_path / "run", resume=True, max_iterations=5))
    assert (again.settings.lambda_exponent, again.options.downscale) == (1.0, 8)
    again.run.start()
    assert again.run.ask(lambda session: session.trainer.iteration).result(60) >= 3  # type: ignore[union-attr]
    again.run.send(Stop())
    again.run.join(60)


def test_what_is_there_is_not_replaced_unasked(tmp_path: Path) -> None:
    trained(open_run(arguments(tmp_path / "run")))
    with pytest.raises(UserError, match="holds a run already"):
        open_run(arguments(tmp_path / "run"))
    assert trained(open_run(arguments(tmp_path / "run", overwrite=True))) == 3


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"scene": Path("nowhere")}, "nowhere"),
        ({"resume": True}, "holds no run to continue"),
        ({"lambda_exponent": 99.0}, "--lambda is 99"),
        ({"resume": True, "overwrite": True}, "give one of them"),
    ],
)
def test_what_a_user_can_mend_is_a_sentence_and_leaves_no_folder(
    tmp_path: Path, changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        open_run(arguments(tmp_path / "run", **changes))
    assert not (tmp_path / "run").exists()
