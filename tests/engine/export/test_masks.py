"""Masks travel with the images, and are read back as they were."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.export.formats import EXPORTERS
from engine.export.masks import enlarge_mask
from engine.export.options import ExportOptions
from engine.export.points import PointCloud
from engine.scenes import SceneOptions, load_scene
from engine.scenes.formats.masks import MASK_FOLDER
from tests.support.runs.exported import standing
from tests.support.scenes.synthetic import HEIGHT, WIDTH, object_poses, write_nerfstudio


@pytest.mark.parametrize("form", ["colmap", "nerfstudio"])
def test_masks_are_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    folder = tmp_path / "scene"
    write_nerfstudio(folder, object_poses())
    mask = np.full((HEIGHT, WIDTH), 255, dtype=np.uint8)
    mask[4:9, 6:14] = 0
    (folder / MASK_FOLDER).mkdir()
    Image.fromarray(mask).save(folder / MASK_FOLDER / "frame_2.png")
    options = SceneOptions(downscale=2)
    scene = load_scene(folder, options)
    assert scene.masks is not None
    assert scene.reference_poses is not None
    run = standing(scene, scene.reference_poses[list(scene.training_frames)], tmp_path)
    none = PointCloud(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.uint8))
    monkeypatch.setattr("engine.export.formats.Export.points", lambda self, default: none)
    notes = EXPORTERS[form].write(run, ExportOptions(tmp_path / "out"), lambda share, what: None)
    assert "Masks are in masks: white counts." in notes
    found = load_scene(tmp_path / "out", options)
    kept = [scene.names.index(name) for name in found.names]
    assert found.masks is not None
    assert torch.equal(found.masks, scene.masks[kept])
    assert EXPORTERS[form].check(ExportOptions(tmp_path / "out", force=True), ()) is None

    whole = standing(replace(scene, masks=None), scene.reference_poses[list(scene.training_frames)], tmp_path)
    EXPORTERS[form].write(whole, ExportOptions(tmp_path / "out", force=True), lambda share, what: None)
    assert not (tmp_path / "out" / MASK_FOLDER).exists()


@pytest.mark.parametrize("size", [(30, 20), (31, 22), (45, 30), (10, 7)])
def test_a_mask_of_a_larger_file_has_its_shape(size: tuple[int, int]) -> None:
    small = np.random.default_rng(0).random((size[1] // 3, size[0] // 3)) < 0.5
    large = enlarge_mask(small, size)
    assert large.shape == size[::-1]
    middles = large[1 : small.shape[0] * 3 : 3, 1 : small.shape[1] * 3 : 3]
    assert np.array_equal(middles, small)
