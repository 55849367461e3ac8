"""Runs of the real trainer on tiny scenes, evaluated from their checkpoints."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from engine.config.settings import Settings
from engine.errors import UserError
from engine.evaluation.runs import evaluate_run, evaluate_trainer
from engine.run.checkpoint_writer import CheckpointWriter
from engine.run.session import Session
from engine.scenes import SceneOptions, load_scene
from engine.training.radiance import RadianceTrainer
from tests.support.scenes.synthetic import forward_poses, object_poses, write_blender, write_llff


def saved(
    scene_folder: Path, run_folder: Path, method: str = "l2g", options: SceneOptions | None = None
) -> RadianceTrainer:
    """A run of a few steps, saved."""
    run_folder.mkdir()
    options = options or SceneOptions()
    session = Session(
        load_scene(scene_folder, options),
        Settings(method=method, max_iterations=4),
        "cpu",
        CheckpointWriter(run_folder, None, options),
    )
    session.begin()
    while session.busy:
        session.advance()
    assert session.trainer is not None
    return session.trainer


@pytest.mark.parametrize("method", ["l2g", "reference"])
def test_a_saved_run_is_evaluated_as_it_stood(tmp_path: Path, method: str) -> None:
    write_llff(tmp_path / "scene", forward_poses(6))
    options = SceneOptions(downscale=1, init="reference" if method == "reference" else "auto")
    trainer = saved(tmp_path / "scene", tmp_path / "run", method, options)
    (tmp_path / "run" / "result.json").write_text("{}", encoding="utf-8")
    found = evaluate_run(tmp_path / "run")
    assert found["frames"] == len(trainer.scene.held_out_frames) == 1
    again = evaluate_trainer(trainer, tmp_path / "again")
    assert found["psnr"] == pytest.approx(again["psnr"], abs=0.02)
    assert json.loads((tmp_path / "run" / "result.json").read_text(encoding="utf-8"))["test"] == found


@pytest.mark.slow
def test_the_neural_field_is_evaluated_in_the_same_way(tmp_path: Path) -> None:
    write_llff(tmp_path / "scene", forward_poses(5))
    trainer = RadianceTrainer(load_scene(tmp_path / "scene"), Settings(field="mlp", method="barf", max_iterations=1))
    trainer.step()
    assert evaluate_trainer(trainer, tmp_path)["frames"] == 1


def test_training_goes_on_after_an_evaluation_as_if_there_had_been_none(tmp_path: Path) -> None:
    """Poses and field stay; no gradient of the refinement ends up in the field's next step."""
    write_llff(tmp_path / "scene", forward_poses(6))
    scene = load_scene(tmp_path / "scene")
    trainers = [RadianceTrainer(scene, Settings(max_iterations=6)) for _ in range(2)]
    for trainer in trainers:
        for _ in range(3):
            trainer.step()
    evaluate_trainer(trainers[0], tmp_path)
    for trainer in trainers:
        trainer.step()
    torch.testing.assert_close(trainers[0].poses(), trainers[1].poses())
    one, other = (trainer.state()[0] for trainer in trainers)
    for name in one:
        torch.testing.assert_close(one[name], other[name], msg=name)


@pytest.mark.slow
def test_an_object_under_noise_whose_scene_was_moved(tmp_path: Path) -> None:
    write_blender(tmp_path / "scene", object_poses(6))
    write_blender(tmp_path / "scene", object_poses(3, distance=4.2), split="test")
    options = SceneOptions(noise_rotation=0.05, noise_translation=0.1, seed=2)
    saved(tmp_path / "scene", tmp_path / "run", options=options)
    shutil.move(tmp_path / "scene", tmp_path / "moved")
    with pytest.raises(UserError, match="scene"):
        evaluate_run(tmp_path / "run")
    found = evaluate_run(tmp_path / "run", scene_folder=tmp_path / "moved", limit=2)
    assert found["frames"] == 2
    assert [row["name"] for row in found["per_frame"]] == ["test/r_0.png", "test/r_2.png"]


def test_another_scene_is_refused(tmp_path: Path) -> None:
    write_llff(tmp_path / "scene", forward_poses(6))
    write_llff(tmp_path / "other", forward_poses(7))
    saved(tmp_path / "scene", tmp_path / "run")
    with pytest.raises(UserError, match="another scene"):
        evaluate_run(tmp_path / "run", scene_folder=tmp_path / "other")
