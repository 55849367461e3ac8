"""COLMAP's pipeline on the photos of a scene, in a process of its own beside a run. No Dear PyGui here."""

from __future__ import annotations

import os
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
from jaxtyping import Bool
from PIL import Image

from app.model.state.colmap_progress import ColmapProgress
from engine.scenes.formats.images import read_image_size
from engine.scenes.photos.colmap_model import store_colmap_model
from engine.scenes.photos.mask_copies import write_masks
from engine.scenes.scene import Scene
from engine.sfm.options import SfmOptions
from engine.sfm.pipeline import MODEL
from engine.sfm.process import SfmProcess, SfmProcessStatus

EVENTS_AT_ONCE = 200  # events that are taken in one frame of the window, at most, so that it stays short
LARGEST = 400_000_000  # pixels of a photo whose size is read, at most


def find_photo_paths(scene: Scene) -> tuple[Path, tuple[str, ...]] | None:
    """The folder of the photos of a scene, and the path of each frame's photo in it.

    None where the frames are not whole files (videos, photos that were changed in reading).
    """
    if not scene.files:
        return None
    paths = [path.absolute() for path in scene.files]
    folder = Path(os.path.commonpath([path.parent for path in paths]))
    return folder, tuple(path.relative_to(folder).as_posix() for path in paths)


def write_photos(scene: Scene, folder: Path, names: tuple[str, ...]) -> None:
    """Writes the frames of a scene, at the size at which they were read, as photos for COLMAP."""
    folder.mkdir()
    for frame, name in enumerate(names):
        Image.fromarray(scene.picture(frame).numpy()).save(folder / name, compress_level=1)


def list_masks(scene: Scene) -> list[Bool[np.ndarray, "height width"]] | None:
    """The masks of all frames' own pictures; None if there are none."""
    if scene.masks is None:
        return None
    frames = range(len(scene.names))
    masks = [scene.mask(frame) for frame in frames]
    return [
        np.ones(scene.picture(frame).shape[:2], dtype=bool) if mask is None else mask.numpy()
        for frame, mask in zip(frames, masks, strict=True)
    ]


def prepare_files(scene: Scene, photos: Path | None, masks: Path | None, names: tuple[str, ...]) -> None:
    """Writes what COLMAP needs and the scene's folder does not have.

    Args:
        scene: whose frames are used.
        photos, masks: new folders; None for what need not be written.
        names: of the photos, in the order of the frames.
    """
    if photos is not None:
        write_photos(scene, photos, names)
    hidden = list_masks(scene)
    if masks is not None and hidden is not None:
        of_files = photos is None
        frames = range(len(names))
        sizes = measure_files(scene) if of_files else [scene.intrinsics.own_size(frame) for frame in frames]
        write_masks(hidden, names, sizes, masks)


def measure_files(scene: Scene) -> list[tuple[int, int]]:
    """(width, height) of the files of a scene's photos, pixels."""
    return [read_image_size(file, LARGEST) for file in scene.files]


class ColmapRun:
    """One run of the pipeline.

    Attributes:
        scene: whose photos are used.
        progress: what its events have told so far.
    """

    def __init__(self, scene: Scene, parent: Path, window: int | None) -> None:
        """Starts it.

        Args:
            scene: whose photos are used; photos are numbered as its frames.
            parent: folder in which it makes a folder of its own: `colmap`, or `colmap-2`, ...
            window: each photo is matched with so many photos after it; None matches all with all.
        """
        self.scene = scene
        output = _new(parent)
        found = find_photo_paths(scene)
        if found is not None:
            self.folder, names, photos = *found, None
        else:
            self.folder, names = output / "photos", tuple(f"{frame:05d}.png" for frame in range(len(scene.names)))
            photos = self.folder
        masks = None if scene.masks is None else output / "masks"
        prepare = None if photos is None and masks is None else partial(prepare_files, scene, photos, masks, names)
        self._names = names
        self.progress = ColmapProgress(scene.names)
        self._status: SfmProcessStatus = "running"
        self._live = SfmProcess(
            self.folder,
            names,
            output,
            SfmOptions(one_camera=scene.intrinsics.cameras is None, window=window, masks=masks),
            prepare=prepare,
        )
        self._live.start()

    @property
    def status(self) -> SfmProcessStatus:
        """Its status; it counts as running until all of its events were taken."""
        return self._status

    @property
    def message(self) -> str:
        """Why it failed, in a sentence."""
        return self._live.message

    @property
    def output(self) -> Path:
        """Where it writes to."""
        return self._live.output

    def refresh(self) -> None:
        """Takes new events, at most `EVENTS_AT_ONCE`; to be called once per frame of the window."""
        status = self._live.status  # read before the events: those that came before the end are then all taken
        news = self._live.take_events(EVENTS_AT_ONCE)
        for event in news:
            self.progress.see(event)
        if len(news) < EVENTS_AT_ONCE:
            self._status = status

    def keep(self) -> None:
        """Stores the finished model beside the photos, where reading them to start at COLMAP's poses finds it."""
        found = find_photo_paths(self.scene)
        if self.status == "finished" and found is not None:
            sizes, masks = measure_files(self.scene), list_masks(self.scene)
            store_colmap_model(self.scene.files, sizes, self.output / MODEL, found[1], masks)

    def stop(self) -> None:
        """Asks its process to end; what it has found stays visible."""
        self._live.stop()

    def join(self, timeout: float) -> bool:
        """Waits at most `timeout` seconds for the end of its process; whether it has ended."""
        return self._live.join(timeout)


def _new(parent: Path) -> Path:
    names = ("colmap" if number == 1 else f"colmap-{number}" for number in count(1))
    return next(parent / name for name in names if not (parent / name).exists())
