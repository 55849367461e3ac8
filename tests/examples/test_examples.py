"""The examples run, and do what they say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image

from engine.cli.main import train as train_command
from engine.config.settings import Settings
from engine.errors import UserError
from engine.fields import FIELDS
from engine.fields.baking import Baking
from engine.fields.field import Bakeable
from engine.geometry.rays import rays_through
from engine.system.recorded_work import RecordedWork, RecordingOptions
from engine.training.radiance import RadianceTrainer
from tests.examples import add_a_field, train_from_python
from tests.support.pretend_cuda import PretendCuda
from tests.support.runs.short_runs import FERN, errors, fern
from tests.support.scenes.planar_scenes import planar_scene
from tests.support.tape import TapeRecorder
from tests.support.worlds.marching import decibels, march


def lines_of(module: object) -> int:
    return len(Path(str(module.__file__)).read_text(encoding="utf-8").splitlines())


def test_examples_are_short() -> None:
    assert lines_of(train_from_python) <= 60
    assert lines_of(add_a_field) <= 150


@pytest.mark.slow
def test_training_from_python(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trained = train_from_python.train(FERN, iterations=120, downscale=4)
    rotation, psnr = train_from_python.report(trained)
    assert "mean rotation error" in capsys.readouterr().out
    assert rotation < 30
    assert psnr > 18
    colour = train_from_python.save_view(trained, tmp_path / "view.png")
    assert Image.open(tmp_path / "view.png").size == (colour.shape[1], colour.shape[0])


@pytest.fixture
def tri_plane() -> Iterator[str]:
    add_a_field.register()
    yield "tri-plane"
    del FIELDS["tri-plane"]


@pytest.mark.slow
def test_an_added_field_trains_and_is_shown_as_it_renders(tri_plane: str) -> None:
    trainer = RadianceTrainer(fern(), Settings(field=tri_plane, max_iterations=120))
    trainer.step()
    before, psnr = errors(trainer).rotation_deg.mean(), trainer.frame_psnr().nanmean()
    while not trainer.finished:
        trainer.step()
    assert errors(trainer).rotation_deg.mean() < 0.6 * before
    assert trainer.frame_psnr().nanmean() > psnr + 4
    assert isinstance(trainer.field, Bakeable)
    baking = Baking(trainer.field, 64)
    assert baking.work(1e9)
    volume = baking.volume(trainer.scene, 1)
    points = torch.rand(500, 2, generator=torch.Generator().manual_seed(0)) - 0.5
    origins, directions = rays_through(trainer.poses()[3], 0.8 * points)
    origins = origins.expand_as(directions)
    with torch.no_grad():
        seen = trainer.field.render(origins, directions).colour
    assert decibels(march(volume, origins, directions, 128), seen) > 28


def test_an_added_field_continues_from_its_checkpoint(tri_plane: str) -> None:
    one, other = (RadianceTrainer(fern(8), Settings(field=tri_plane, max_iterations=20)) for _ in range(2))
    for _ in range(4):
        one.step()
    other.load_state(*one.state())
    for trainer in (one, other):
        trainer.step()
    assert torch.equal(one.poses(), other.poses())


def test_steps_of_an_added_field_are_played_on_a_gpu(tri_plane: str) -> None:
    def end(records: RecordedWork) -> tuple[RecordedWork, dict[str, torch.Tensor]]:
        trainer = RadianceTrainer(fern(8), Settings(field=tri_plane, assist=False), "cuda")
        trainer._recorded = records
        for _ in range(4):
            trainer.step()
        return trainer._recorded, trainer.state()[0]

    with PretendCuda():
        played, one = end(RecordedWork(TapeRecorder(), RecordingOptions(warm=1)))
        _, other = end(RecordedWork(None))
        assert all(bool((one[name].cpu() == value.cpu()).all()) for name, value in other.items())
    assert played.plays


@pytest.mark.slow
def test_an_added_field_is_known_to_the_command_line(
    tri_plane: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["l2g-train", str(FERN), "--field", tri_plane, "--downscale", "8", "--max-iterations", "4"]
    monkeypatch.setattr("sys.argv", [*words, "--output", str(tmp_path / "run")])
    with pytest.raises(SystemExit) as left:
        train_command()
    assert left.value.code == 0
    assert (tmp_path / "run" / "result.json").is_file()


def test_a_field_without_a_planar_form_says_where_it_can_live(tri_plane: str) -> None:
    from engine.training.planar.trainer import PlanarTrainer

    with pytest.raises(UserError, match="tri-plane is for forward-facing and object scenes, and this one is planar"):
        PlanarTrainer(planar_scene(), Settings(field=tri_plane))
