"""The matches of a scene with poses, made in the background while its run is open, and put in between two steps."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from dataclasses import replace

from engine.run.state import RunState
from engine.scenes.matches import add_matches, lacks_matches
from engine.scenes.progress import ReadingEvent
from engine.scenes.scene import Scene
from engine.sfm import events as sfm
from engine.system.background import Background, at_once
from engine.training.radiance import RadianceTrainer


class MatchQueue:
    """The matches that a run is waiting for, or none.

    A run whose poses are a guess begins from its matches, and makes no step before they are there; one whose poses
    are known trains meanwhile.

    Attributes:
        words: how far matching is, for people; empty where nothing is being matched.
    """

    def __init__(self, wanted: bool = False, in_background: Background = at_once) -> None:
        """`wanted`: whether the frames of the run's scene are to be matched."""
        self._wanted, self._in_background = wanted, in_background
        self._matching: Future[Scene] | None = None
        self._stopped = threading.Event()
        self.words = ""

    @property
    def pending(self) -> bool:
        """Whether matches are still to come."""
        return self._matching is not None

    def begin(self, state: RunState) -> None:
        """Begins to match the frames of the run's scene, if they were not matched and shall be."""
        scene, wanted, self._wanted = state.scene, self._wanted, False
        if wanted and isinstance(scene, Scene) and lacks_matches(scene):
            self.words = "matching the photos"
            self._matching = self._in_background(lambda: add_matches(scene, self._see))

    def holds(self, state: RunState) -> bool:
        """Whether the run cannot train before its matches are there."""
        trainer = state.trainer
        return self.pending and isinstance(trainer, RadianceTrainer) and trainer.awaits_tracks

    def take(self, state: RunState, timeout: float) -> bool:
        """Hands matches to the run if they are there, for which it waits so many seconds at most.

        Returns:
            whether the run has got them.
        """
        if self._matching is None:
            return False
        try:
            found = self._matching.result(timeout)
        except TimeoutError:
            return False
        except OSError as error:  # nothing is lost but the help of the matches
            self.close()
            state.tell("note", f"The photos could not be matched ({error}): the run goes on without matches.")
            return False
        self._matching, self.words = None, ""
        state.changed()
        trainer = state.trainer
        if found.tracks is None or not isinstance(trainer, RadianceTrainer) or not isinstance(state.scene, Scene):
            return False
        state.scene = replace(state.scene, tracks=found.tracks)
        trainer.take_tracks(state.scene)
        state.take_events()
        return True

    def close(self) -> None:
        """Gives up what is being matched."""
        self._stopped.set()
        self._matching, self.words = None, ""

    def _see(self, event: ReadingEvent) -> None:
        """Called in the thread that matches; an error ends it."""
        if self._stopped.is_set():
            raise InterruptedError("The run has ended.")
        match event:
            case sfm.FeaturesFound(done=done, total=total):
                self.words = f"matching the photos: features of {done} of {total}"
            case sfm.Matching(_, done, total) | sfm.PairVerified(done=done, total=total):
                self.words = f"matching the photos: {done} of {total} pairs"
