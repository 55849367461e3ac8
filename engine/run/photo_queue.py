"""Photos that are added to a run: read in the background, put in between two steps, followed until registered."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from engine.errors import UserError
from engine.messages import Event, FrameStatus
from engine.run.checkpoint import ADDED_FOLDER
from engine.run.checkpoint_writer import CheckpointWriter
from engine.run.state import RunState
from engine.scenes import AnyScene
from engine.scenes.added_frames import add_frames
from engine.scenes.options import SceneOptions
from engine.scenes.photos.added_photos import AddedPhotos, read_added_photos
from engine.scenes.scene import Scene
from engine.system.background import Background, at_once
from engine.training.radiance import RadianceTrainer

MOST_SENTENCES = 3  # of a message; how many more there are is said
TOLD_KINDS = ("joined", "not-added", "note")


@dataclass(frozen=True)
class _Batch:
    """Frames that were added at one time, by name, and what was said of the photos that came with them."""

    names: tuple[str, ...]
    sentences: tuple[str, ...]


class PhotoQueue:
    """Photos that were requested and are not in the run yet, and those that are in it and still searched for."""

    def __init__(self, in_background: Background = at_once) -> None:
        self._in_background = in_background
        self._requested: list[tuple[Path, ...]] = []
        self._reading: Future[AddedPhotos] | None = None
        self._batches: list[_Batch] = []
        self._stopped = threading.Event()

    @property
    def pending(self) -> bool:
        """Whether photos are being read, or shall be."""
        return self._reading is not None or bool(self._requested)

    def request(self, state: RunState, paths: Sequence[Path]) -> str:
        """Has photos read.

        Returns:
            what is done, for the event.
        Raises:
            UserError: this run can take no more frames.
        """
        check_can_add(state.scene, state.settings.registers)
        if not paths:
            raise UserError("There are no photos to add; give at least one.")
        self._requested.append(tuple(paths))
        return paths[0].name if len(paths) == 1 else f"{len(paths)} paths"

    def take_read(self, state: RunState, writer: CheckpointWriter, timeout: float) -> bool:
        """Adds photos that have been read to the run; waits for them so many seconds at most.

        Args:
            state: of the run.
            writer: knows the run's folder, where copies of the photos are kept, and how its scene was read.
            timeout: seconds.
        Returns:
            whether frames were added.
        """
        if self._reading is None and self._requested:
            self._reading = self._read(state, writer, self._requested.pop(0))
        if self._reading is None:
            return False
        try:
            photos = self._reading.result(timeout)
        except TimeoutError:
            return False
        finally:
            if self._reading.done():
                self._reading = None
        return self._add(state, photos)

    def report(self, state: RunState) -> None:
        """Says what has become of frames that were added together, once that is known of all of them."""
        if not self._batches:
            return
        status = dict(zip(map(state.name_of, range(len(state.scene.training_frames))), _statuses(state), strict=True))
        open_ones = (FrameStatus.SEARCHING, FrameStatus.WAITING)
        for batch in [batch for batch in self._batches if not any(status[name] in open_ones for name in batch.names)]:
            self._batches.remove(batch)
            rejected = [name for name in batch.names if status[name] is FrameStatus.REJECTED]
            sentence = shorten([describe_outcome(batch.names, rejected), *batch.sentences])
            state.tell("joined", sentence, needs_user=bool(rejected or batch.sentences))

    def forget(self) -> None:
        """The run begins anew: nothing is said of frames that were searched for."""
        self._batches.clear()

    def close(self) -> None:
        """Gives up what is being read."""
        self._stopped.set()
        self._requested.clear()

    def _read(self, state: RunState, writer: CheckpointWriter, paths: tuple[Path, ...]) -> Future[AddedPhotos]:
        assert isinstance(state.scene, Scene)
        copies = writer.folder / ADDED_FOLDER if writer.folder is not None else None
        options = writer.options or SceneOptions()
        return self._in_background(
            partial(read_added_photos, paths, state.scene, options, copies, self._stopped.is_set)
        )

    def _add(self, state: RunState, photos: AddedPhotos) -> bool:
        trainer, sentences, grows = state.trainer, (*photos.refused, *photos.notes), False
        if photos.added is not None and isinstance(trainer, RadianceTrainer) and isinstance(state.scene, Scene):
            state.scene, grows = add_frames(state.scene, photos.added), True
            trainer.add_frames(state.scene)
            state.changed()
            state.take_events()
            state.record()  # the history has the frames from here on
            self._batches.append(_Batch(photos.added.names, sentences))
        if sentences:
            state.tell("not-added" if photos.refused else "note", shorten(sentences))
        return grows


def _statuses(state: RunState) -> tuple[FrameStatus, ...]:
    return state.require_trainer().frame_status()


def check_can_add(scene: AnyScene, registers: bool) -> None:
    """Raises `UserError` where a run can take no more frames."""
    if not isinstance(scene, Scene):
        raise UserError("This scene is one image: photos can be added to runs of photos with cameras only.")
    if not registers:
        raise UserError(
            "The method reference takes poses as they are, and photos that are added have none; choose a method that "
            "registers, such as l2g."
        )


def check_photos(paths: Sequence[Path], scene: AnyScene, registers: bool, options: SceneOptions) -> None:
    """For a command line that can still be mended: raises `UserError` unless all photos can join a scene."""
    check_can_add(scene, registers)
    assert isinstance(scene, Scene)
    refused = read_added_photos([path.expanduser() for path in paths], scene, options).refused
    if refused:
        raise UserError(shorten(refused))


def sentences_on_added(events: Sequence[Event]) -> list[str]:
    """What was said of photos that were added to a run."""
    return [event.detail for event in events if event.kind in TOLD_KINDS]


def describe_outcome(names: Sequence[str], rejected: Sequence[str]) -> str:
    """What became of frames that were added together."""
    found = len(names) - len(rejected)
    photos = "1 photo" if len(names) == 1 else f"{len(names)} photos"
    if not rejected:
        return f"{photos} added and found."
    which = ", ".join(rejected[:MOST_SENTENCES])
    if len(rejected) > MOST_SENTENCES:
        which += f" and {len(rejected) - MOST_SENTENCES} more"
    verb = "does not fit" if len(rejected) == 1 else "do not fit"
    return f"{photos} added: {f'{found} found, ' if found else ''}{which} {verb} what the others show."


def shorten(sentences: Sequence[str]) -> str:
    """The first of many sentences, and how many more there are."""
    more = len(sentences) - MOST_SENTENCES
    return " ".join(sentences[:MOST_SENTENCES]) + (f" And {more} more like this." if more > 0 else "")
