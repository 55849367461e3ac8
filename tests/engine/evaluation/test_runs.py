import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image
from rich.console import Console

from engine.config.settings import Settings
from engine.errors import UserError
from engine.evaluation.report import make_table
from engine.evaluation.runs import evaluate_run, evaluate_trainer
from engine.evidence.verdict import Verdict
from engine.registration.calibration import Calibration
from engine.scenes.scene import Scene
from tests.support.worlds.analytic import Wall, cameras, photographed


def standing(scene: Scene, poses: torch.Tensor) -> Any:
    """As much of a trainer as an evaluation looks at."""
    fitted = poses[list(scene.training_frames)]
    settings = Settings()
    calibration = Calibration(settings, len(scene.training_frames), torch.device("cpu"))
    return SimpleNamespace(
        scene=scene,
        settings=settings,
        field=Wall(),
        poses=lambda: fitted,
        calibration=calibration,
        iteration=7,
        verdict=lambda psnr: Verdict("registered", f"{psnr} dB", ()),
    )


def test_results_pictures_and_tables(tmp_path: Path) -> None:
    poses = cameras(7)
    trainer = standing(photographed(poses, (2, 5)), poses)
    (tmp_path / "result.json").write_text('{"scene": "wall", "test": null}', encoding="utf-8")
    told: list[Any] = []
    test = evaluate_trainer(trainer, tmp_path, progress=lambda *args: told.append(args))
    assert test["frames"] == 2
    assert test["psnr"] > 45
    assert test["psnr"] == pytest.approx(sum(row["psnr"] for row in test["per_frame"]) / 2)
    assert [row["name"] for row in test["per_frame"]] == ["photo_2.png", "photo_5.png"]
    assert [args[:3] for args in told] == [(1, 2, "photo_2.png"), (2, 2, "photo_5.png")]

    result = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    verdict = {"state": "registered", "reason": f"{test['psnr']} dB", "frames": []}
    assert result == {"scene": "wall", "test": test, "verdict": verdict}
    written = json.loads((tmp_path / "test.json").read_text(encoding="utf-8"))
    assert (written["psnr"], written["iteration"]) == (test["psnr"], 7)
    refined = torch.tensor([pose["world_to_camera"] for pose in written["poses"]])
    torch.testing.assert_close(refined, poses[[2, 5]], atol=0.02, rtol=0)

    pictures = sorted(path.name for path in (tmp_path / "held_out").iterdir())
    assert pictures == ["0002_photo_2.png", "0005_photo_5.png"]
    with Image.open(tmp_path / "held_out" / pictures[0]) as picture:
        assert picture.width > 4 * 320

    console = Console(width=100, record=True, file=io.StringIO())
    console.print(make_table(test, "held out"))
    printed = console.export_text()
    assert f"{test['psnr']:.2f}" in printed
    assert "mean of 2" in printed


def test_a_smaller_evaluation_leaves_no_old_pictures(tmp_path: Path) -> None:
    poses = cameras(7)
    trainer = standing(photographed(poses, (2, 5)), poses)
    evaluate_trainer(trainer, tmp_path)
    (tmp_path / "held_out" / "mine.png").write_bytes(b"")
    assert evaluate_trainer(trainer, tmp_path, limit=1)["frames"] == 1
    assert sorted(path.name for path in (tmp_path / "held_out").iterdir()) == ["0002_photo_2.png", "mine.png"]


def test_without_held_out_frames_psnr_is_null(tmp_path: Path) -> None:
    poses = cameras(4)
    test = evaluate_trainer(standing(photographed(poses, ()), poses), tmp_path)
    assert test == {"psnr": None, "ssim": None, "lpips": None, "frames": 0, "per_frame": []}
    assert json.loads((tmp_path / "test.json").read_text(encoding="utf-8"))["psnr"] is None
    assert not (tmp_path / "result.json").exists()
    assert make_table(test, "nothing").row_count == 1


@pytest.mark.parametrize("content", ["{", "[]", "\x00"])
def test_a_damaged_result_is_named_and_kept(tmp_path: Path, content: str) -> None:
    poses = cameras(4)
    (tmp_path / "result.json").write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=r"result\.json is damaged"):
        evaluate_trainer(standing(photographed(poses, (1,)), poses), tmp_path)
    assert (tmp_path / "result.json").read_text(encoding="utf-8") == content
    assert (tmp_path / "test.json").is_file()


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="checkpoint"):
        evaluate_run(tmp_path)
