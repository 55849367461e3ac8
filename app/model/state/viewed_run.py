"""One run as the window sees it: opened in a thread, asked for what is new in every frame, never waited for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from app.model.state.opening import Opening
from app.model.state.scene_kinds import as_planar, as_posed, get_posed_scene
from engine.cli.opening import OpenedRun
from engine.config.settings import Settings
from engine.errors import UserError
from engine.lab.race.definition import Contestant
from engine.messages import Command, Restart, SelectFrame, Snapshot, UseReference
from engine.results.result import write_results
from engine.run.feeds.learned_image import LearnedImage, PlanarImageFeed
from engine.run.feeds.volume import FieldVolume, VolumeFeed
from engine.run.history import History
from engine.run.reference import with_reference
from engine.run.session import Session
from engine.scenes import AnyScene
from engine.scenes.options import SceneOptions
from engine.scenes.progress import ProgressListener

_keys = count(1)
log = logging.getLogger(__name__)


class ViewedRun:
    """A run, and the newest that the window has of it.

    Attributes:
        name: of the scene, for titles.
        key: unique among the runs of the window; names its volume in pictures.
        contestant: what it is in a race, or None.
        opening: what is known of the scene while it is being opened.
        opened: the run with its scene and settings; None while it is being opened.
        snapshot: the newest one, or None.
        volume: the newest volume of the field, or None; always None for planar scenes.
        image: the newest learned image of a planar scene, or None.
        history: rows and events of the run, at most half a second old, or None.
        error: why it could not be opened, or None.
        told: whether the user has been told of the error.
        told_frame: the frame whose warp the engine was last asked for, or None.
        settings: of the run, as of its last restart.
        options: with which its scene was read.
        unsaved: errors of the files that could not be written at its end.
    """

    def __init__(
        self, name: str, open_run: Callable[[ProgressListener], OpenedRun], contestant: Contestant | None = None
    ) -> None:
        """Opens the run in a thread of its own: reading a scene and compiling may take seconds."""
        self.name, self.opening, self.contestant = name, Opening(), contestant
        self.key = next(_keys)
        self.opened: OpenedRun | None = None
        self.snapshot: Snapshot | None = None
        self.volume: FieldVolume | None = None
        self.image: LearnedImage | None = None
        self.history: History | None = None
        self.error: str | None = None
        self.told = False
        self.told_frame: int | None = None
        self.settings, self.options = Settings(), SceneOptions()
        self._volumes: VolumeFeed | None = None
        self._images: PlanarImageFeed | None = None
        self.unsaved: list[UserError] = []
        self._closing = False
        self._leaving: threading.Thread | None = None
        self._thread = threading.Thread(target=self._open, args=(open_run,), name=f"open {name}", daemon=True)
        self._thread.start()

    @property
    def scene(self) -> AnyScene | None:
        return self.opened.scene if self.opened else None

    def refresh(self, volume: bool = True) -> None:
        """Takes what is new; to be called once per frame of the window.

        Args:
            volume: whether its volume is shown; else none is made, and the last one is forgotten.
        """
        self.opening.refresh()
        if self.opened is None:
            return
        self._take(self.opened)
        if as_planar(self.opened.scene) is None:
            self._look_at_volume(self.opened, volume)
        if self._images is not None:
            self.image = self._images.latest() or self.image
        self.history = self.opened.run.history()

    def keep_volume_on_device(self, keep: bool) -> None:
        """Whether the values of its volumes may stay on the GPU that it trains on."""
        if self._volumes is not None:
            self._volumes.on_device = keep

    def _look_at_volume(self, opened: OpenedRun, wanted: bool) -> None:
        if not wanted:
            self.volume = self._volumes = None  # the feed would keep it, too
            return
        self._volumes = self._volumes or VolumeFeed(opened.run)
        self.volume = self._volumes.latest() or self.volume

    def _take(self, opened: OpenedRun) -> None:
        """Takes the newest snapshot together with its scene, to which frames or matches may have been added."""
        snapshot, scene = opened.run.latest(), opened.run.scene
        if snapshot is not None and len(snapshot.frames) != len(opened.scene.training_frames):
            if len(snapshot.frames) != len(scene.training_frames):
                return  # frames were added once more since; the next snapshot belongs to the new scene
            opened = self.opened = replace(opened, scene=scene)
        joined, mine = as_posed(scene), as_posed(opened.scene)
        if joined is not None and mine is not None and joined.tracks is not mine.tracks:
            self.opened = replace(opened, scene=replace(mine, tracks=joined.tracks))
        self.snapshot = snapshot

    def send(self, command: Command) -> None:
        """Sends a command, which the engine applies between two steps."""
        if isinstance(command, Restart) and isinstance(command.settings, Settings):
            self.settings = command.settings
        if self.opened is not None:
            self.opened.run.send(command)

    def tell_frame(self, frame: int) -> None:
        """Asks for the warp field of a frame in the snapshots."""
        self.told_frame = frame
        self.send(SelectFrame(frame))

    def use_reference(self, poses: Float32[np.ndarray, "frames 3 4"], source: str) -> None:
        """Measures errors against these poses of all frames of the scene from now on, and draws them as reference."""
        scene = get_posed_scene(self)
        if self.opened is None or scene is None:
            return
        self.opened = replace(self.opened, scene=with_reference(scene, poses))
        self.send(UseReference(poses, source))

    def stop(self, save: bool = True) -> None:
        """Ends the run in a thread, in which it writes its results; `ended` tells when that is done.

        Args:
            save: False leaves the run's folder as the last checkpoint left it.
        """
        if self._leaving is None:
            self._closing = True
            self._leaving = threading.Thread(target=self._leave, args=(save,), name=f"leave {self.name}", daemon=True)
            self._leaving.start()

    def writes_into(self, folder: Path) -> bool:
        """Whether this is the folder of the run."""
        return self.opened is not None and self.opened.folder.resolve() == folder.resolve()

    @property
    def ended(self) -> bool:
        """Whether the run has ended and written its files."""
        return self._leaving is not None and not self._leaving.is_alive()

    def close(self, timeout: float = 60.0) -> None:
        """Stops the run, which saves it, and waits for its end.

        Raises:
            TimeoutError: it has not ended.
        """
        self.stop()
        assert self._leaving is not None
        self._leaving.join(timeout)
        if self._leaving.is_alive():
            raise TimeoutError(f"The run of {self.name} has not ended yet.")

    def _leave(self, save: bool) -> None:
        self._thread.join()
        if self.opened is None:
            return
        run = self.opened.run
        if not save:
            run.ask(forget_folder)
        run.stop()
        session = run.join()
        if save:
            try:
                self.unsaved = write_results(session, self.opened.folder)
            except Exception as error:  # a thread that ends with it would leave the user believing that all is there
                log.exception("results were not written")
                words = f"The results in {self.opened.folder} are not complete ({type(error).__name__}: {error})."
                self.unsaved = [UserError(words)]
            if session.writer.unsaved is not None:
                self.unsaved.insert(0, session.writer.unsaved)

    def _open(self, open_run: Callable[[ProgressListener], OpenedRun]) -> None:
        try:
            opened = open_run(self.opening.tell)
        except UserError as error:
            self.error = str(error)
            return
        except Exception as error:  # the window must go on and show any failure
            self.error = f"{type(error).__name__}: {error}"
            return
        if self._closing:
            return
        self.settings, self.options = opened.settings, opened.options
        opened.run.start()
        if as_planar(opened.scene) is not None:
            self._images = PlanarImageFeed(opened.run)
        self.opened = opened


def forget_folder(session: Session) -> None:
    """Has a session end without writing into its folder."""
    session.writer.folder = None


def describe_absence(run: ViewedRun | None) -> str:
    """Why a panel has nothing to show of a run yet, in a few words."""
    if run is None:
        return "No run yet"
    return "The scene could not be opened" if run.error is not None else "The scene is being opened"
