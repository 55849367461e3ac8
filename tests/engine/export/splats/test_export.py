"""A ball whose field is known, in every kind of space, becomes Gaussians that look like it and lie on it."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.errors import UserError
from engine.evaluation.views import image_points, render_view
from engine.export.formats import EXPORTERS
from engine.export.options import ExportOptions
from engine.export.splats import export
from engine.export.splats.fit import fit_gaussians
from engine.geometry.se3 import compose, exponential
from engine.run.saved_run import SavedRun
from engine.scenes.scene import SceneKind
from tests.engine.export.splats.test_ply_file import read
from tests.support.worlds.exported_spheres import MIDDLE, RADIUS, SHELL, ball_run

KINDS: tuple[SceneKind, ...] = ("object", "forward-facing", "unbounded")
STEPS = 120  # of the fit


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many steps in the place of a time: what is found does not depend on the machine."""
    monkeypatch.setattr(export, "fit_gaussians", functools.partial(fit_gaussians, most_steps=STEPS))


def silent(fraction: float, what: str) -> None:
    assert 0 <= fraction <= 1
    assert what


def photographed(kind: SceneKind, folder: Path) -> tuple[SavedRun, Tensor]:
    """A run whose photos are pictures of its own field, and the pose of the one that is held out."""
    run = ball_run(kind, folder)
    trainer = run.trainer
    poses = trainer.poses()
    held_out = compose(exponential(torch.tensor([0.0, 0.0, 0.02, 0.0, 0.0, -0.3])), poses[0])  # forward
    pictures = [
        render_view(trainer.field, pose, image_points(trainer.scene.intrinsics, frame)).colour
        for frame, pose in enumerate([*poses, held_out])
    ]
    images = (torch.stack(pictures) * 255).round().byte()
    trainer.scene = dataclasses.replace(trainer.scene, images=images)
    return run, held_out


def exported(run: SavedRun, output: Path, **options: object) -> tuple[np.ndarray, dict, list[str]]:
    """The file's rows, what is beside it, and what was said."""
    chosen = ExportOptions(output, **{"fit_seconds": 1000.0, **options})  # type: ignore[arg-type]
    EXPORTERS["splat"].check(chosen, ())
    notes = EXPORTERS["splat"].write(run, chosen, silent)
    return read(output), json.loads(output.with_suffix(".json").read_text()), notes


def positions(found: np.ndarray) -> np.ndarray:
    return np.stack([found["x"], found["y"], found["z"]], axis=1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_ball_looks_like_itself_from_where_no_photo_was_taken(kind: SceneKind, tmp_path: Path) -> None:
    run, held_out = photographed(kind, tmp_path)
    entry = {"name": "photo 4.png", "world_to_camera": held_out.tolist()}
    scores = {"psnr": 30.0, "ssim": None, "lpips": None}
    content = scores | {"frames": 1, "iteration": 7, "per_frame": [scores | {"name": "photo 4.png"}], "poses": [entry]}
    (tmp_path / "test.json").write_text(json.dumps(content))
    found, beside, notes = exported(run, tmp_path / "ball.ply")
    assert beside["held_out"]
    assert [view["name"] for view in beside["per_frame"]] == ["photo 4.png"]
    assert beside["field_psnr"] > 45, "the photos are the field's"
    assert beside["psnr"] > 26
    assert beside["gaussians"] == len(found)
    assert beside["bytes"] == (tmp_path / "ball.ply").stat().st_size
    assert f"{len(found):,} Gaussians" in notes[0]
    assert f"{beside['psnr']:.2f} dB as Gaussians" in notes[1]
    distances = np.linalg.norm(positions(found) - MIDDLE.numpy(), axis=1)
    on_ball = distances < 1.0
    assert on_ball.sum() > 200
    assert np.median(np.abs(distances[on_ball] - RADIUS)) < 0.05
    sizes = np.exp(np.stack([found[f"scale_{axis}"] for axis in range(3)], axis=1)).max(axis=1)
    if kind == "unbounded":
        on_shell = distances > 3
        assert on_shell.sum() > 200
        assert np.quantile(distances[on_shell], 0.05) > SHELL[0] - SHELL[1] - 0.5, "nothing floats before it"
        assert np.median(sizes[on_shell]) > 1.5 * np.median(sizes[on_ball]), "far surfaces have large Gaussians"


def test_the_fit_makes_them_better_and_colours_depend_on_the_direction(tmp_path: Path) -> None:
    run, _ = photographed("object", tmp_path)
    run.trainer.scene = dataclasses.replace(run.trainer.scene, held_out_frames=())
    before, first, _ = exported(run, tmp_path / "before.ply", fit_seconds=0.0)
    after, second, notes = exported(run, tmp_path / "after.ply")
    assert first["psnr"] > 15
    assert second["psnr"] > first["psnr"] + 3
    assert second["held_out"] is False
    assert "4 training photos" in notes[1]
    assert len(after) <= len(before)
    assert np.abs([after[f"f_rest_{number}"] for number in range(9)]).max() > 0.01


def test_they_lie_in_the_exported_world_with_the_cameras(tmp_path: Path) -> None:
    """In a run whose world is half as large and in files whose unit is a third, they are where the references say."""
    run, _ = photographed("object", tmp_path)
    trainer = run.trainer
    reference = torch.cat([trainer.poses()[..., :3], 2 * trainer.poses()[..., 3:]], dim=-1)
    trainer.scene = dataclasses.replace(
        trainer.scene, reference_poses=torch.cat([reference, torch.full((1, 3, 4), torch.nan)]), file_scale=3.0
    )
    trainer.scene = dataclasses.replace(trainer.scene, held_out_frames=())
    found, beside, _ = exported(run, tmp_path / "a.ply")
    distances = np.linalg.norm(positions(found) - 2 / 3 * MIDDLE.numpy(), axis=1)
    assert np.median(distances) == pytest.approx(2 / 3 * RADIUS, abs=0.03)
    assert beside["psnr"] > 18


def test_there_are_at_most_as_many_as_wanted(tmp_path: Path) -> None:
    run, _ = photographed("object", tmp_path)
    run.trainer.scene = dataclasses.replace(run.trainer.scene, held_out_frames=())
    found, beside, _ = exported(run, tmp_path / "a.ply", points=300, fit_seconds=0.0)
    assert 100 < len(found) <= 300
    assert beside["psnr"] > 12, "fewer are wider: they still cover the ball"


def test_no_surface_is_one_sentence_and_no_file(tmp_path: Path) -> None:
    run, _ = photographed("object", tmp_path)
    run.trainer.field.grid.voxels[..., 0] = -9.0
    with pytest.raises(UserError, match="see no surface yet") as failure:
        exported(run, tmp_path / "a.ply")
    assert "\n" not in str(failure.value)
    assert not os.listdir(tmp_path)


def test_when_it_is_cancelled_nothing_is_written(tmp_path: Path) -> None:
    run, _ = photographed("object", tmp_path)

    def cancel(fraction: float, what: str) -> None:
        if what.startswith("fit"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        EXPORTERS["splat"].write(run, ExportOptions(tmp_path / "a.ply"), cancel)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("name", ["a.ply", "a.json"])
def test_neither_of_its_files_is_overwritten_without_force(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(UserError, match=rf"{name} exists already; give another --output"):
        EXPORTERS["splat"].check(ExportOptions(tmp_path / "a.ply"), ())
    EXPORTERS["splat"].check(ExportOptions(tmp_path / "a.ply", force=True), ())


def test_a_camera_with_distortion_is_compared_without_it(tmp_path: Path) -> None:
    run, _ = photographed("object", tmp_path)
    scene = run.trainer.scene
    bent = dataclasses.replace(scene.intrinsics, distortion=torch.tensor([[-0.4, 0.1, 0.0, 0.0]]).repeat(5, 1))
    poses = run.trainer.poses()
    pictures = [
        render_view(run.trainer.field, poses[min(frame, 3)], image_points(bent, frame)).colour for frame in range(5)
    ]
    images = (torch.stack(pictures) * 255).round().byte()
    run.trainer.scene = dataclasses.replace(scene, intrinsics=bent, images=images, held_out_frames=())
    _, beside, _ = exported(run, tmp_path / "a.ply")
    assert beside["field_psnr"] > 30, "what is left is the resampling of small photos"
    assert beside["psnr"] > 24
