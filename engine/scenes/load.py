"""From a folder to a `Scene`: recognise the layout, call its reader."""

from __future__ import annotations

from pathlib import Path

from engine.errors import UserError
from engine.scenes.blender import TRAINING_FILE, read_blender
from engine.scenes.llff import POSES_FILE, read_llff
from engine.scenes.options import SceneOptions, check_options
from engine.scenes.paths import scene_folder
from engine.scenes.scene import Scene

# The first file that exists decides: LLFF's folders often keep the COLMAP model that their poses came from.
READERS = {
    TRAINING_FILE: read_blender,
    POSES_FILE: read_llff,
}
LAYOUTS = "transforms_train.json (Blender) or poses_bounds.npy (LLFF)"


def load_scene(path: Path | str, options: SceneOptions | None = None) -> Scene:
    """Read the scene in a folder, whichever of the known layouts it has.

    Raises:
        UserError: there is no such folder, its layout is unknown, or its files are missing, damaged or disagree.
    """
    options = options or SceneOptions()
    check_options(options)
    folder = scene_folder(path)
    for marker, reader in READERS.items():
        if (folder / marker).exists():
            return reader(folder, options)
    raise UserError(
        f"{folder} is no scene: it has neither {LAYOUTS}; give the folder that holds one of them{_hint(folder)}."
    )


def _hint(folder: Path) -> str:
    """Names a scene one folder further down, if there is one."""
    for entry in sorted(folder.iterdir())[:1000]:
        if entry.is_dir() and any((entry / marker).exists() for marker in READERS):
            return f", such as {entry}"
    return ""
