"""Photos on their way into a run: read in the background, put in between two steps, followed until they are found."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import UserError
from engine.messages import Event
from engine.run.checkpoint import ADDED_FOLDER
from engine.scenes import AnyScene
from engine.scenes.added_frames import add_frames
from engine.scenes.options import SceneOptions
from engine.scenes.photos.added_photos import AddedPhotos, read_added_photos
from engine.scenes.scene import Scene
from engine.system.background import Background, at_once
from engine.training.radiance import Trainer

if TYPE_CHECKING:
    from engine.run.session import Session

MOST_SENTENCES = 3  # of a message
TOLD = ("joined", "not-added", "note")  # kinds of events


@dataclass(frozen=True)
class _Party:
    """Frames that came together, by name, and what was said of the photos that came with them."""

    names: tuple[str, ...]
    said: tuple[str, ...]


class Arrivals:
    """The photos that were asked for and are not in the run yet, and those that are in it and not yet found."""

    def __init__(self, in_background: Background = at_once) -> None:
        self._in_background = in_background
        self._asked: list[tuple[Path, ...]] = []
        self._reading: Future[AddedPhotos] | None = None
        self._parties: list[_Party] = []
        self._stopped = threading.Event()

    @property
    def pending(self) -> bool:
        """Whether photos are being read, or shall be."""
        return self._reading is not None or bool(self._asked)

    def ask(self, session: Session, paths: Sequence[Path]) -> str:
        """Has photos read.

        Returns:
            what is done, for the event.
        Raises:
            UserError: this run can take no more frames.
        """
        check_growing(session.scene, session.settings.registers)
        if not paths:
            raise UserError("There are no photos to add; give at least one.")
        self._asked.append(tuple(paths))
        return paths[0].name if len(paths) == 1 else f"{len(paths)} paths"

    def look(self, session: Session, timeout: float) -> None:
        """Takes photos in that have been read; waits for them so many seconds at most."""
        if self._reading is None and self._asked:
            self._reading = self._begin(session, self._asked.pop(0))
        if self._reading is None:
            return
        try:
            joining = self._reading.result(timeout)
        except TimeoutError:
            return
        finally:
            if self._reading.done():
                self._reading = None
        self._take(session, joining)

    def follow(self, session: Session) -> None:
        """Says what has become of those that came together, once that is known of all of them."""
        trainer = session.trainer
        if not self._parties or not isinstance(trainer, Trainer):
            return
        names = [trainer.scene.names[frame] for frame in trainer.frames]
        lost, unfound = ({names[frame] for frame in some} for some in (trainer.lost, trainer.strangers))
        for party in [party for party in self._parties if not lost & set(party.names)]:
            self._parties.remove(party)
            strangers = [name for name in party.names if name in unfound]
            words = in_short([outcome(party.names, strangers), *party.said])
            session.tell("joined", words, needs_user=bool(strangers or party.said))

    def forget(self) -> None:
        """The run begins anew: nobody waits for those that were being looked for."""
        self._parties.clear()

    def close(self) -> None:
        """Gives up what is being read."""
        self._stopped.set()
        self._asked.clear()

    def _begin(self, session: Session, paths: tuple[Path, ...]) -> Future[AddedPhotos]:
        assert isinstance(session.scene, Scene)
        folder = session.writer.folder
        copies = folder / ADDED_FOLDER if folder is not None else None
        options = session.writer.options or SceneOptions()
        return self._in_background(
            partial(read_added_photos, paths, session.scene, options, copies, self._stopped.is_set)
        )

    def _take(self, session: Session, joining: AddedPhotos) -> None:
        trainer, said = session.trainer, (*joining.refused, *joining.notes)
        if joining.added is not None and isinstance(trainer, Trainer) and isinstance(session.scene, Scene):
            session.scene = add_frames(session.scene, joining.added)
            trainer.grow(session.scene)
            session.grew()
            self._parties.append(_Party(joining.added.names, said))
        if said:
            session.tell("not-added" if joining.refused else "note", in_short(said))


def check_growing(scene: AnyScene, registers: bool) -> None:
    """Raises `UserError` where a run can take no more frames."""
    if not isinstance(scene, Scene):
        raise UserError("This scene is one image: photos can be added to runs of photos with cameras only.")
    if not registers:
        raise UserError(
            "The method reference takes poses as they are, and photos that are added have none; choose a method that "
            "registers, such as l2g."
        )


def check_joining(paths: Sequence[Path], scene: AnyScene, registers: bool, options: SceneOptions) -> None:
    """For those who can still mend their command line: raises `UserError` unless all photos can join a scene."""
    check_growing(scene, registers)
    assert isinstance(scene, Scene)
    refused = read_added_photos([path.expanduser() for path in paths], scene, options).refused
    if refused:
        raise UserError(in_short(refused))


def told_of(events: Sequence[Event]) -> list[str]:
    """What was said of photos that joined a run."""
    return [event.detail for event in events if event.kind in TOLD]


def outcome(names: Sequence[str], apart: Sequence[str]) -> str:
    """What became of frames that came together."""
    found = len(names) - len(apart)
    photos = "1 photo" if len(names) == 1 else f"{len(names)} photos"
    if not apart:
        return f"{photos} added and found."
    which = ", ".join(apart[:MOST_SENTENCES])
    if len(apart) > MOST_SENTENCES:
        which += f" and {len(apart) - MOST_SENTENCES} more"
    verb = "does not fit" if len(apart) == 1 else "do not fit"
    return f"{photos} added: {f'{found} found, ' if found else ''}{which} {verb} what the others show."


def in_short(sentences: Sequence[str]) -> str:
    """The first of many sentences, and how many more there are."""
    more = len(sentences) - MOST_SENTENCES
    return " ".join(sentences[:MOST_SENTENCES]) + (f" And {more} more like this." if more > 0 else "")
