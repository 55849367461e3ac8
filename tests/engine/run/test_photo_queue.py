"""Photos that join a run of the fern while it goes on: the whole way, from files to poses that are trained."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from unittest import mock

import pytest
import torch
from PIL import Image

from engine.config.settings import Settings
from engine.errors import UserError
from engine.geometry.pose_errors import PoseErrors, pose_errors
from engine.messages import AddFrames, FrameStatus, Pause, PerturbAll, Restart, Snapshot, UndoPerturbation
from engine.registration.relocalisation.search import SearchOptions
from engine.results.cameras import poses as poses_result
from engine.results.outliers import outliers
from engine.run.checkpoint import load_checkpoint, scene_of_run
from engine.run.checkpoint_writer import CHECKPOINT_FILE, CheckpointWriter
from engine.run.photo_queue import PhotoQueue, describe_outcome, shorten
from engine.run.session import Session
from engine.run.snapshots import starting_snapshot
from engine.scenes import Scene, SceneOptions
from engine.training import cameras as trainer_module
from engine.training.radiance import RadianceTrainer
from engine.training.radiance_options import RadianceOptions
from tests.support.runs.short_runs import REGISTERS, TINY, alike, fern, small_adjustments, stage
from tests.support.scenes.photos_on_disk import fern_photos, write_elsewhere
from tests.support.scenes.planar_scenes import planar_scene
from tests.support.scenes.smaller_scene import without

LEFT_OUT = (3, 9, 16)
NAMES = [fern().names[frame] for frame in LEFT_OUT]
ROWS = (REGISTERS[0], REGISTERS[1], stage(1, 60, bundle=(2, 1), rays=2500))
PHOTOS = tuple(fern_photos()[frame] for frame in LEFT_OUT)


@pytest.fixture(autouse=True)
def short() -> Iterator[None]:
    with small_adjustments(1500):
        yield


def short_trainer(scene: Scene, settings: Settings, device: torch.device) -> RadianceTrainer:
    return RadianceTrainer(scene, settings, device, RadianceOptions(train_on=30, search=SearchOptions(attempts=2)))


def searched_frames(snapshot: Snapshot) -> tuple[int, ...]:
    return snapshot.frames_that_are(FrameStatus.SEARCHING, FrameStatus.WAITING)


def session_of(rows: tuple = ROWS, folder: Path | None = None, **settings: object) -> Session:
    writer = CheckpointWriter(folder, None, SceneOptions(downscale=4))
    made = Session(without(fern(), LEFT_OUT), Settings(**settings), writer=writer, make_trainer=short_trainer)  # type: ignore[arg-type]
    with mock.patch.object(trainer_module, "stages", return_value=rows):
        made.begin()
    return made


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a run that has ended, of a fern with three photos less."""
    folder = tmp_path_factory.mktemp("registered")
    with small_adjustments(1500):
        ended(session_of(folder=folder, method="barf")).stop()
    return folder / CHECKPOINT_FILE


@pytest.fixture
def run(registered: Path, tmp_path: Path) -> Session:
    made = session_of(folder=tmp_path, method="barf")
    with mock.patch.object(trainer_module, "stages", return_value=ROWS):
        made.begin(load_checkpoint(registered))
    return made


def ended(session: Session) -> Session:
    while session.busy:
        session.advance()
    return session


def trainer_of(session: Session) -> RadianceTrainer:
    assert isinstance(session.trainer, RadianceTrainer)
    return session.trainer


def known(session: Session) -> PoseErrors:
    """Errors against the reference poses of all photos, those that joined among them."""
    trainer = trainer_of(session)
    order = [fern().names.index(trainer.scene.names[frame]) for frame in trainer.frames]
    reference = fern().reference_poses
    assert reference is not None
    return pose_errors(trainer.poses(), reference[order])


def details(session: Session, kind: str) -> list[str]:
    return [event.detail for event in session.history.events if event.kind == kind]


@pytest.mark.slow
def test_photos_that_join_are_found_and_trained_with_the_rest(run: Session) -> None:
    before, count = trainer_of(run).iteration, len(trainer_of(run).frames)
    run.apply(AddFrames(PHOTOS))
    assert run.status == "finished"
    assert run.busy
    run.advance()
    snapshot = run.snapshot()
    assert searched_frames(snapshot) == tuple(range(count, count + 3))
    assert len(snapshot.poses) == len(snapshot.frames) == len(snapshot.frame_psnr) == count + 3
    assert snapshot.rotation_error_deg is not None
    assert torch.tensor(snapshot.rotation_error_deg).isfinite().tolist() == [True] * count + [False] * 3
    ended(run)
    assert details(run, "added") == [", ".join(NAMES)]
    assert sorted(details(run, "found")) == NAMES
    assert details(run, "joined") == ["3 photos added and found."]
    assert run.snapshot().message == ""
    assert trainer_of(run).iteration >= before + 30
    errors = known(run)
    old, new = slice(0, count), slice(count, None)
    assert errors.relative_rotation_deg[new].mean() < 2 * errors.relative_rotation_deg[old].mean() + 0.1
    assert errors.translation[new].mean() < 2 * errors.translation[old].mean() + 0.002
    psnr = trainer_of(run).frame_psnr()
    assert psnr[new].min() > psnr[old].min() - 2
    assert set(run.snapshot().frame_status) == {FrameStatus.REGISTERED}


@pytest.mark.slow
def test_a_photo_of_another_place_stays_out_and_is_named(run: Session, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.jpg"
    write_elsewhere(elsewhere, PHOTOS[0])
    run.apply(AddFrames((PHOTOS[0], elsewhere)))
    ended(run)
    assert details(run, "found") == NAMES[:1]
    assert details(run, "rejected") == ["elsewhere.jpg"]
    assert run.snapshot().message == "2 photos added: 1 found, elsewhere.jpg does not fit what the others show."
    stranger = len(trainer_of(run).frames) - 1
    assert run.snapshot().frames_that_are(FrameStatus.REJECTED) == (stranger,)
    assert trainer_of(run).statuses.trains()[stranger] == 0
    assert "elsewhere.jpg" in [photo.name for photo in outliers(run)]


@pytest.mark.slow
def test_a_run_with_photos_that_joined_goes_on_after_an_interruption(run: Session, tmp_path: Path) -> None:
    run.apply(AddFrames(PHOTOS[:2]))
    while len(details(run, "found")) < 2:
        run.advance()
    run.writer.write(run.state)
    path = tmp_path / CHECKPOINT_FILE
    checkpoint = load_checkpoint(path)
    scene = scene_of_run(checkpoint, without(fern(), LEFT_OUT), path)
    assert scene.names == run.scene.names
    assert [file.parent for file in scene.files[-2:]] == [tmp_path / "added"] * 2
    again = Session(scene, run.settings)
    with mock.patch.object(trainer_module, "stages", return_value=ROWS):
        again.begin(checkpoint)
    assert not alike(trainer_of(run).state()[0], trainer_of(again).state()[0])
    assert [len(row.poses) for row in again.history.rows] == [len(row.poses) for row in run.history.rows]
    ended(run)
    ended(again)
    assert not alike(trainer_of(run).state()[0], trainer_of(again).state()[0])
    exported = poses_result(scene, again.history.rows[-1])  # type: ignore[arg-type]
    assert [frame["name"] for frame in exported["frames"]][-2:] == NAMES[:2]
    assert exported["frames"][-1]["reference_world_to_camera"] is None


@pytest.mark.slow
def test_another_scene_than_the_one_that_photos_joined_is_refused(run: Session, tmp_path: Path) -> None:
    run.apply(AddFrames(PHOTOS[:1]))
    run.advance()
    run.writer.write(run.state)
    path = tmp_path / CHECKPOINT_FILE
    for other in (fern(), without(fern(), (0, 1, 2)), fern(8)):
        with pytest.raises(UserError, match=r"not of|another scene"):
            scene_of_run(load_checkpoint(path), other, path)


def test_a_mask_that_a_photo_brings_stays_with_the_run(tmp_path: Path) -> None:
    photo = tmp_path / "photos" / "new.jpg"
    (photo.parent / "masks").mkdir(parents=True)
    shutil.copy(PHOTOS[0], photo)
    with Image.open(photo) as image:
        mask = Image.new("L", image.size, 255)
    mask.paste(0, (0, 0, mask.width, mask.height // 2))
    mask.save(photo.parent / "masks" / "new.jpg.png")
    session = session_of(TINY, folder=tmp_path)
    session.apply(AddFrames((photo,)))
    session.photo_queue.take_read(session.state, session.writer, 30.0)
    scene = trainer_of(session).scene
    session.advance()
    assert session.error is None
    session.writer.write(session.state)
    again = scene_of_run(
        load_checkpoint(tmp_path / CHECKPOINT_FILE), without(fern(), LEFT_OUT), tmp_path / CHECKPOINT_FILE
    )
    assert scene.masks is not None
    assert 0.4 < float(scene.masks[-1].float().mean()) < 0.6
    assert torch.equal(again.masks, scene.masks)


@pytest.mark.parametrize("method", ["l2g", "barf", "naive"])
@pytest.mark.parametrize("at", [0, 5], ids=["at the start", "in the fog"])
def test_old_frames_keep_what_they_have_bit_for_bit(method: str, at: int) -> None:
    session = session_of(TINY, method=method, optimise_exposure=True)
    trainer = trainer_of(session)
    while trainer.iteration < at:
        session.advance()
    before = {name: value.clone() for name, value in trainer.state()[0].items()}
    poses, count = trainer.poses(), len(trainer.frames)
    session.apply(AddFrames(PHOTOS))
    session.photo_queue.take_read(session.state, session.writer, 0.0)
    after = trainer.state()[0]
    assert before.keys() == after.keys()
    for name, value in before.items():
        grown = after[name]
        assert torch.equal(grown if grown.shape == value.shape else grown[: len(value)], value), name
    assert torch.equal(trainer.poses()[:count], poses)
    assert trainer.statuses.trains().tolist() == [1.0] * count + [0.0] * 3
    for _ in range(4):
        session.advance()
    assert session.error is None


def test_a_run_that_rests_takes_photos_in_and_rests_on() -> None:
    session = session_of(TINY)
    session.apply(Pause())
    assert not session.busy
    session.apply(AddFrames(PHOTOS[:1]))
    ended(session)
    assert session.status == "paused"
    assert searched_frames(session.snapshot()) == (len(session.snapshot().poses) - 1,)
    assert len(session.history.rows[-1].poses) == len(session.snapshot().poses)


def test_training_goes_on_while_photos_are_read() -> None:
    session = session_of(TINY)
    reading: Future = Future()
    given: list[Callable] = []
    session.photo_queue = PhotoQueue(lambda act: (given.append(act), reading)[1])  # type: ignore[func-returns-value]
    session.apply(AddFrames(PHOTOS[:1]))
    before = trainer_of(session).iteration
    for _ in range(3):
        session.advance()
    assert trainer_of(session).iteration == before + 3
    count = len(session.snapshot().poses)
    reading.set_result(given[0]())
    session.advance()
    assert len(session.snapshot().poses) == count + 1


def test_what_is_wrong_is_said_and_the_run_lives(tmp_path: Path) -> None:
    session = session_of(TINY)
    (tmp_path / "text.jpg").write_text("no photo")
    session.apply(AddFrames((tmp_path / "text.jpg",)))
    session.advance()
    assert "text.jpg is not an image" in session.snapshot().message
    session.apply(AddFrames(()))
    assert "no photos to add" in session.snapshot().message
    session.apply(AddFrames((fern_photos()[0],)))
    session.advance()
    assert "in the run already" in session.snapshot().message
    assert session.status == "running"
    assert len(details(session, "not-added")) == 2
    assert session.scene.names == without(fern(), LEFT_OUT).names


def test_fixed_poses_and_single_images_take_no_photos() -> None:
    session = session_of(TINY, method="reference")
    session.apply(AddFrames(PHOTOS))
    assert "method that registers" in session.snapshot().message
    planar = Session(planar_scene(), Settings())
    planar.begin()
    planar.apply(AddFrames(PHOTOS))
    assert "one image" in planar.snapshot().message


def test_a_restart_looks_for_them_again_and_a_kick_of_all_is_taken_back_whole() -> None:
    session = session_of(TINY)
    session.apply(PerturbAll(0.05, 0.01))
    poses = trainer_of(session).poses()
    session.apply(AddFrames(PHOTOS[:1]))
    session.photo_queue.take_read(session.state, session.writer, 0.0)
    session.apply(UndoPerturbation())
    assert session.state.undo.done == []
    assert not torch.allclose(trainer_of(session).poses()[:-1], poses)
    session.apply(UndoPerturbation())
    assert session.snapshot().message == "There is no perturbation to take back."
    with mock.patch.object(trainer_module, "stages", return_value=TINY):
        session.apply(Restart())
    assert len(session.snapshot().poses) == len(poses) + 1
    assert searched_frames(session.snapshot()) == (len(poses),)
    assert len(starting_snapshot(session.scene, session.settings).poses) == len(poses) + 1


def test_words() -> None:
    assert describe_outcome(["a"], []) == "1 photo added and found."
    assert describe_outcome(["a"], ["a"]) == "1 photo added: a does not fit what the others show."
    assert describe_outcome(list("abcde"), list("abcd")) == (
        "5 photos added: 1 found, a, b, c and 1 more do not fit what the others show."
    )
    assert shorten(["One.", "Two.", "Three.", "Four."]) == "One. Two. Three. And 1 more like this."
