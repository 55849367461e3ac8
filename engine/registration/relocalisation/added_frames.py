"""Frames that join a run under way: out of the loss until they have been found, and for good if they fit nowhere."""

from __future__ import annotations

from collections.abc import Iterable

from jaxtyping import Float
from torch import Tensor

from engine.registration.relocalisation.candidates import places
from engine.registration.relocalisation.search import Recovery


class Newcomers:
    """Which frames have joined and are not at home yet; indices are among the training frames.

    Attributes:
        unjoined: frames that were never found, those that are being looked for among them.
        waiting: those of them that will be looked for once the field shows something.
    """

    def __init__(self, frames: Iterable[int] = ()) -> None:
        self.unjoined = set(frames)
        self.waiting = sorted(self.unjoined)

    def add(self, frames: Iterable[int]) -> None:
        """Takes in frames that are to be looked for."""
        new = [frame for frame in frames if frame not in self.waiting]
        self.unjoined |= set(new)
        self.waiting += new

    def look_again(self, searched: Iterable[int]) -> None:
        """Gives those that fitted nowhere another chance: the field has become better."""
        self.add(sorted(self.unjoined - set(searched)))

    def look_for(
        self,
        recovery: Recovery,
        images: Float[Tensor, "frames 3 height width"],
        poses: Float[Tensor, "frames 3 4"],
        iteration: int,
    ) -> None:
        """Begins a search for each of those that wait.

        Args:
            recovery: that searches.
            images, poses: of all frames; small images will do.
            iteration: of the run.
        """
        searched = {search.frame for search in recovery.searches}
        home = [frame for frame in range(len(poses)) if frame not in self.unjoined]
        others = [frame for frame in home if frame not in searched] or home
        for frame in self.waiting:
            recovery.look_for(frame, poses, iteration, places(frame, images, poses, others))
        self.waiting = []

    def seek(self, frame: int) -> None:
        """Somebody has put a frame where it shall be looked for at once."""
        self.waiting = [waiting for waiting in self.waiting if waiting != frame]

    def found(self, frame: int) -> None:
        """From now on it trains with the rest."""
        self.unjoined.discard(frame)

    def state(self) -> dict[str, list[int]]:
        """For a checkpoint."""
        return {"unjoined": sorted(self.unjoined), "waiting": list(self.waiting)}

    @classmethod
    def restored(cls, state: dict[str, list[int]] | None, searched: Iterable[int]) -> Newcomers:
        """What `state` was asked of; those that were being searched for wait."""
        newcomers = cls()
        if state is not None:
            newcomers.unjoined = set(state["unjoined"])
            newcomers.waiting = list(state["waiting"])
            newcomers.add(sorted(newcomers.unjoined & set(searched)))
        return newcomers
