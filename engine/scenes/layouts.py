"""The layouts of folders that bring poses, in the order in which they are looked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.scenes.formats.blender import TRAINING_FILE, read_blender
from engine.scenes.formats.colmap import read_colmap
from engine.scenes.formats.colmap_model.find import MODEL_PLACES, find_models
from engine.scenes.formats.llff import POSES_FILE, read_llff
from engine.scenes.formats.matrices.neus import find_neus, read_neus
from engine.scenes.formats.matrices.nsvf import find_nsvf, read_nsvf
from engine.scenes.formats.nerfstudio import TRANSFORMS_FILE, read_nerfstudio
from engine.scenes.formats.phone_apps.polycam import find_polycam, read_polycam
from engine.scenes.formats.phone_apps.record3d import find_record3d, read_record3d
from engine.scenes.formats.photogrammetry.metashape import find_metashape, read_metashape
from engine.scenes.formats.photogrammetry.realitycapture import find_realitycapture, read_realitycapture
from engine.scenes.formats.single_image import PLANAR_FILE, read_planar
from engine.scenes.options import SceneOptions
from engine.scenes.planar import PlanarScene
from engine.scenes.scene import Scene

AnyScene = Scene | PlanarScene
Reader = Callable[[Path, SceneOptions], AnyScene]


@dataclass(frozen=True)
class Layout:
    """A layout.

    Attributes:
        name: for sentences; the file or the folder that marks it.
        is_present: whether a folder has this layout.
        read: its reader.
    """

    name: str
    is_present: Callable[[Path], bool]
    read: Reader


def _has_file(name: str) -> Callable[[Path], bool]:
    return lambda folder: (folder / name).is_file()


# COLMAP's models come after the files that other programs make of them, because these often keep the model beside
# them, and before cameras of apps and programs, because who runs COLMAP on such photos does so for better ones.
LAYOUTS = (
    Layout(PLANAR_FILE, _has_file(PLANAR_FILE), read_planar),
    Layout(TRAINING_FILE, _has_file(TRAINING_FILE), read_blender),
    Layout(TRANSFORMS_FILE, _has_file(TRANSFORMS_FILE), read_nerfstudio),
    Layout(POSES_FILE, _has_file(POSES_FILE), read_llff),
    Layout("the COLMAP model", lambda folder: bool(find_models(folder)), read_colmap),
    Layout("NSVF's rgb and pose", lambda folder: bool(find_nsvf(folder)), read_nsvf),
    Layout("NeuS's cameras", lambda folder: find_neus(folder) is not None, read_neus),
    Layout("Metashape's XML", lambda folder: find_metashape(folder) is not None, read_metashape),
    Layout("RealityCapture's CSV", lambda folder: find_realitycapture(folder) is not None, read_realitycapture),
    Layout("Polycam's keyframes", lambda folder: find_polycam(folder) is not None, read_polycam),
    Layout("Record3D's metadata.json", lambda folder: find_record3d(folder) is not None, read_record3d),
)
KNOWN_LAYOUTS = (
    f"{PLANAR_FILE} (one image, planar), {TRAINING_FILE} (Blender), {TRANSFORMS_FILE} (nerfstudio, instant-ngp), "
    f"{POSES_FILE} (LLFF), a model in {MODEL_PLACES} (COLMAP), cameras of Metashape (XML) or RealityCapture (CSV), "
    "keyframes (Polycam), rgb with pose and intrinsics.txt (NSVF, NeRF++), cameras_sphere.npz with image (NeuS, IDR) "
    "nor rgb with metadata.json (Record3D), and no photos"
)


def find_layouts(folder: Path) -> list[Layout]:
    """The layouts that a folder has, the one that decides first; none for photos without poses."""
    return [layout for layout in LAYOUTS if layout.is_present(folder)]


def find_reader(folder: Path) -> Reader | None:
    """The reader of a folder's layout; None if the folder has no known layout with poses."""
    return next((layout.read for layout in LAYOUTS if layout.is_present(folder)), None)
