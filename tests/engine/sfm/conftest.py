"""Small photos of the shipped fern scene, and COLMAP's pipeline on them, run once for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.sfm.events import SfmEvent
from engine.sfm.options import SfmOptions
from engine.sfm.pipeline import run_sfm
from tests.support.scenes.photos_on_disk import write_photos


@pytest.fixture(scope="session")
def six_photos(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[str, ...]]:
    folder = tmp_path_factory.mktemp("photos")
    return folder, tuple(file.name for file in write_photos(folder, range(0, 18, 3), width=320))


@pytest.fixture(scope="session")
def registered(
    six_photos: tuple[Path, tuple[str, ...]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[SfmEvent]]:
    output = tmp_path_factory.mktemp("sfm")
    return output, list(run_sfm(*six_photos, output, SfmOptions()))
