"""Opening a run from the arguments of the command line, in any thread, without output."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from engine.cli.arguments import TrainArguments
from engine.cli.opening import OpenedRun, open_run
from engine.errors import UserError
from engine.messages import Stop
from engine.run.saved_run import open_saved_run
from tests.support.scenes.scenes_on_disk import REPOSITORY
from tests.support.scenes.smaller_scene import write_fern_without

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


def test_a_run_is_opened_in_a_thread_and_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
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


def test_a_resumed_run_has_the_settings_it_was_started_with(tmp_path: Path) -> None:
    assert trained(open_run(arguments(tmp_path / "run", lambda_exponent=1.0))) == 3
    again = open_run(TrainArguments(FERN, device="cpu", output=tmp_path / "run", resume=True, max_iterations=5))
    assert (again.settings.lambda_exponent, again.options.downscale) == (1.0, 8)
    again.run.start()
    assert again.run.ask(lambda session: session.trainer.iteration).result(60) >= 3  # type: ignore[union-attr]
    again.run.send(Stop())
    again.run.join(60)


def test_an_existing_run_is_not_replaced_without_the_option(tmp_path: Path) -> None:
    trained(open_run(arguments(tmp_path / "run")))
    with pytest.raises(UserError, match="holds a run already"):
        open_run(arguments(tmp_path / "run"))
    assert trained(open_run(arguments(tmp_path / "run", overwrite=True))) == 3


def test_an_output_that_cannot_be_used_is_refused_before_the_scene_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.cli.opening.load_scene", lambda *_, **__: pytest.fail("read the scene first"))
    (tmp_path / "result.json").write_text("{}")
    with pytest.raises(UserError, match="holds a run already"):
        open_run(arguments(tmp_path))
    with pytest.raises(UserError, match=r"cannot hold a run \(.*result\.json is no folder\)"):
        open_run(arguments(tmp_path / "result.json" / "run"))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"scene": Path("nowhere")}, "nowhere"),
        ({"resume": True}, "holds no run to continue"),
        ({"lambda_exponent": 99.0}, "--lambda is 99"),
        ({"resume": True, "overwrite": True}, "give one of them"),
        ({"add_frames": (Path("nowhere.jpg"),)}, "There is no photo nowhere.jpg"),
        ({"add_frames": (FERN / "images" / "view_01.jpg",)}, "is in the run already, as view_01.jpg"),
        ({"add_frames": (FERN / "images",), "method": "reference"}, "choose a method that registers"),
        ({"add_frames": (FERN,), "scene": REPOSITORY / "scenes" / "cat", "downscale": None}, "is one image"),
    ],
)
def test_user_errors_are_a_sentence_and_leave_no_folder(
    tmp_path: Path, changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        open_run(arguments(tmp_path / "run", **changes))
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_resumed_run_gets_added_photos_and_keeps_them(tmp_path: Path) -> None:
    scene, folder = write_fern_without(tmp_path / "scene", [4]), tmp_path / "run"
    photo = FERN / "images" / "view_04.jpg"
    trained(open_run(arguments(folder, scene=scene)))
    again = TrainArguments(scene, device="cpu", output=folder, resume=True, max_iterations=5)
    opened = open_run(replace(again, add_frames=(photo,)))
    opened.run.start()
    assert opened.run.ask(lambda session: session.photo_queue.pending).result(60)
    assert opened.run.wait(60)
    assert "view_04.jpg" in opened.run.scene.names
    opened.run.stop()
    opened.run.join(60)
    assert (folder / "added" / "view_04.jpg").read_bytes() == photo.read_bytes()
    names = open_run(again).scene.names
    assert len(names) == 20
    assert names[-1] == "view_04.jpg"
    assert open_saved_run(folder).trainer.statuses.never_registered in (set(), {18})
