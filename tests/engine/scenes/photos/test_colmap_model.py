"""A model that COLMAP's pipeline made in the window is found by the reader of the photos."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import UserError
from engine.scenes.photos import colmap_model
from engine.scenes.photos.colmap_model import find_colmap_model, store_colmap_model
from engine.scenes.photos.photo_set import gather_photos
from engine.scenes.progress import ignore_progress
from engine.sfm.events import SfmEvent
from engine.sfm.options import SfmOptions


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "desk"
    folder.mkdir()
    files = [folder / f"{number}.png" for number in range(3)]
    for file in files:
        Image.new("RGB", (60, 40)).save(file)
    return files


def test_it_is_not_made_again(photos: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pycolmap = pytest.importorskip("pycolmap")
    model = pycolmap.synthesize_dataset(
        pycolmap.SyntheticDatasetOptions(num_rigs=1, num_cameras_per_rig=1, num_frames_per_rig=3, num_points3D=20)
    )
    made = tmp_path / "model"
    made.mkdir()
    model.write(made)
    names = [image.name for image in model.images.values()]
    monkeypatch.setattr(colmap_model, "run_sfm", lambda *_: pytest.fail("COLMAP's pipeline runs"))
    store_colmap_model(photos, [(60, 40)] * len(photos), made, names)
    shutil.rmtree(made)
    shots = gather_photos(photos, photos[0].parent, 10**6)
    found = find_colmap_model(shots, 10**6, ignore_progress)
    assert set(found.poses) == set(found.lenses) == {0, 1, 2}
    assert len(found.points) == 20
    assert all(np.isfinite(lens.focal) for lens in found.lenses.values())


def test_the_pipeline_gets_the_masks_and_another_mask_is_another_model(
    photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[tuple[int, int]]] = []

    def look(folder: Path, names: tuple[str, ...], output: Path, options: SfmOptions) -> Iterator[SfmEvent]:
        assert options.masks is not None
        shown = [Image.open(options.masks / f"{name}.png") for name in names]
        assert {image.size for image in shown} == {(60, 40)}
        seen.append([image.getextrema() for image in shown])
        raise UserError("enough")
        yield

    monkeypatch.setattr(colmap_model, "run_sfm", look)
    shots = gather_photos(photos, photos[0].parent, 10**6)
    left, nothing = np.zeros((20, 30), dtype=bool), np.ones((20, 30), dtype=bool)
    left[:, :15] = True
    for masks in ([left, nothing, left], [left, left, left]):
        with pytest.raises(UserError, match="enough"):
            find_colmap_model(shots, 10**6, ignore_progress, masks)
    assert seen == [[(0, 255), (255, 255), (0, 255)], [(0, 255)] * 3]
