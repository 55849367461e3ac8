"""COLMAP's pipeline on the photos of an LLFF scene, for comparison with the fitted poses.

`python -m tests.benchmarks.support.colmap_peer SCENE IMAGES OUTPUT.json` matches features exhaustively and adjusts
the bundle with one shared camera, with the defaults of pycolmap; it writes seconds and errors against LLFF's poses.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from engine.geometry.pose_errors import pose_errors
from engine.scenes import load_scene


def colmap_errors(scene_folder: Path, images: str, limit: int | None = None) -> dict[str, Any]:
    """Runs the pipeline on the photos in one folder of a scene.

    Args:
        scene_folder: in LLFF layout, with its reference poses.
        images: the folder of photos within, such as `images_4`.
        limit: most photos, from the first on.
    Returns:
        seconds, numbers of registered and of all photos, and mean errors in degrees and scene units.
    """
    import pycolmap

    photos = sorted(path.name for path in (scene_folder / images).iterdir() if path.suffix.lower() in (".png", ".jpg"))
    chosen = photos[:limit]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "images").mkdir()
        for name in chosen:
            shutil.copy(scene_folder / images / name, folder / "images" / name)
        start = time.perf_counter()
        database = folder / "database.db"
        pycolmap.extract_features(database, folder / "images", camera_mode=pycolmap.CameraMode.SINGLE)
        pycolmap.match_exhaustive(database)
        models = pycolmap.incremental_mapping(database, folder / "images", folder / "models")
        seconds = time.perf_counter() - start
    registered: list[Any] = max((list(model.images.values()) for model in models.values()), key=len, default=[])
    found = {image.name: torch.from_numpy(image.cam_from_world().matrix()) for image in registered}
    result: dict[str, Any] = {"images": images, "seconds": seconds, "registered": len(found), "frames": len(chosen)}
    if len(found) < 2:
        return result
    scene = load_scene(scene_folder)
    assert scene.reference_poses is not None
    names = sorted(found)
    rows = [photos.index(name) for name in names]  # LLFF keeps photos and poses in the order of the file names
    reference = scene.reference_poses[rows].double()
    errors = pose_errors(torch.stack([found[name] for name in names]).double(), reference)
    return result | {
        "rotation_error_deg": float(errors.rotation_deg.mean()),
        "translation_error": float(errors.translation.mean()),
        "relative_rotation_error_deg": float(errors.relative_rotation_deg.mean()),
    }


if __name__ == "__main__":
    limit = int(sys.argv[4]) if len(sys.argv) > 4 else None
    Path(sys.argv[3]).write_text(json.dumps(colmap_errors(Path(sys.argv[1]), sys.argv[2], limit)), encoding="utf-8")
