"""All searches for frames of a run: which are under way, whose turn it is, and how they end.

A frame that is searched for is left out of the loss, so that it does no harm to the others. Of many such frames a few
are searched for at once: those that are registered by then are hypotheses for the next ones.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from engine.config.schedule import COARSEST
from engine.fields.field import Field
from engine.messages import FrameStatus
from engine.registration.calibration import Calibration
from engine.registration.relocalisation import photometric_alignment
from engine.registration.relocalisation.candidates import CandidateFrames, candidate_frames
from engine.registration.relocalisation.frame_statuses import FrameStatuses
from engine.registration.relocalisation.search import (
    DEFAULTS,
    Search,
    SearchOptions,
    advance_search,
    draw_pixels,
    start_hypotheses,
)
from engine.scenes.pyramid.photo_level import PhotoLevel
from engine.scenes.pyramid.photo_pyramid import PhotoPyramid


class RunView(NamedTuple):
    """What a search needs to know of a run.

    Attributes:
        field, photos, calibration: of the run.
        downsample: integer factor of the photos on the finest level of a search.
        poses: of all frames, world-to-camera; of frames that are searched for the best so far.
        usual_error: median mean squared error of the registered frames, colours in [0, 1]; 0 where it is not known.
            A search that ends far above it is made again.
        generator: chooses pixels.
    """

    field: Field
    photos: PhotoPyramid
    calibration: Calibration
    downsample: int
    poses: Float[Tensor, "frames 3 4"]
    usual_error: float
    generator: Generator


class Relocaliser:
    """The searches of a run.

    Attributes:
        statuses: of the frames; changed here as searches begin.
        searches: under way or queued, in order.
        searched_at: frame -> iteration at which the last search for it began.
    """

    def __init__(self, statuses: FrameStatuses, options: SearchOptions = DEFAULTS) -> None:
        self.statuses, self.options = statuses, options
        self.searches: list[Search] = []
        self.searched_at: dict[int, int] = {}
        self._blurred: tuple[int, dict[int, Field]] | None = None

    # ------------------------------------------------------------------ beginning and ending searches

    def begin(
        self,
        frame: int,
        poses: Float[Tensor, "frames 3 4"],
        iteration: int,
        candidates: CandidateFrames | None = None,
    ) -> None:
        """Begins a search for a frame, anew if there is one; `candidates` as in `Search`."""
        self._drop(frame)
        searched = {search.frame for search in self.searches}
        alignment = start_hypotheses(frame, poses, searched, candidates, options=self.options)
        self.searches.append(Search(frame, alignment, candidates=candidates))
        self.searched_at[frame] = iteration
        self.statuses.begin_search(frame)

    def begin_waiting(
        self, images: Float[Tensor, "frames 3 height width"], poses: Float[Tensor, "frames 3 4"], iteration: int
    ) -> None:
        """Begins a search for each frame that waits, from candidate poses.

        Args:
            images: of all frames; small ones will do.
            poses: of all frames.
            iteration: of the run.
        """
        searched = {search.frame for search in self.searches}
        known = self.statuses.ever_registered()
        others = [frame for frame in known if frame not in searched] or known
        for frame in self.statuses.frames(FrameStatus.WAITING):
            self.begin(frame, poses, iteration, candidate_frames(frame, images, poses, others))

    def cancel(self, frame: int) -> None:
        """Gives the search for a frame up, if there is one."""
        self._drop(frame)
        self.statuses.cancel_search(frame)

    def outliers(self, error: Float[Tensor, " frames"], iteration: int) -> list[int]:
        """Registered frames whose photometric error is far above the median, and that were not searched for lately."""
        known = self.statuses.ever_registered()
        usual = error[known].median()
        far = torch.nonzero(error > self.options.outlier_factor * usual)[:, 0].tolist()
        patience = self.options.patience
        return [
            frame
            for frame in far
            if self.statuses[frame] is FrameStatus.REGISTERED
            and iteration - self.searched_at.get(frame, -patience) >= patience
        ]

    def _drop(self, frame: int) -> None:
        self.searches = [search for search in self.searches if search.frame != frame]

    # ------------------------------------------------------------------ checkpoints

    def state(self) -> dict[str, Any]:
        """JSON-able, for a checkpoint; of a search under way only its frame is kept."""
        return {
            "statuses": self.statuses.state(),
            "searching": [search.frame for search in self.searches],
            "searched_at": [[frame, iteration] for frame, iteration in self.searched_at.items()],
        }

    @classmethod
    def from_state(
        cls, state: dict[str, Any], poses: Float[Tensor, "frames 3 4"], iteration: int, options: SearchOptions
    ) -> Relocaliser:
        """What `state` was asked of; searches begin anew, at `poses` and at this iteration of the run."""
        relocaliser = cls(FrameStatuses.from_state(state["statuses"]), options)
        for frame in state["searching"]:
            if frame in relocaliser.statuses.never_registered:
                relocaliser.statuses.cancel_search(frame)  # it waits, and is searched for from candidate poses
            else:
                relocaliser.begin(frame, poses, iteration)
        relocaliser.searched_at = dict(state["searched_at"])
        return relocaliser

    # ------------------------------------------------------------------ the step

    def advance(self, view: RunView) -> list[Search]:
        """Takes one step of the searches whose turn it is; returns those that ended. The caller sets their status."""
        pyramid = self._pyramid(view)
        never = self.statuses.never_registered
        unregistered = {search.frame for search in self.searches} | never
        ended = []
        for search in self.searches[: self.options.at_once]:
            if not search.begun:
                search.alignment = self._hypotheses(search, view.poses, unregistered, search.failed_attempts)
            blurred = self._blurred_field(view, pyramid[search.level])
            advance_search(search, pyramid, blurred, view.generator, self.options)
            if not search.done:
                continue
            self.searches.remove(search)
            usual = view.usual_error
            if search.frame in never:
                usual = self._measured_error(view, pyramid[-1], unregistered)
            if not self._failed(search, usual):
                ended.append(search)
            elif search.failed_attempts + 1 < self.options.attempts:
                self.searches.append(self._next_attempt(search, view.poses, unregistered))
            else:
                search.fits = search.frame not in never
                ended.append(search)
        if not self.searches:
            self._blurred = None
        return ended

    def _pyramid(self, view: RunView) -> list[PhotoLevel]:
        """The photos of a search's levels, coarse to fine."""
        coarsest = max(2 ** round(math.log2(max(view.photos.longer_side / COARSEST, 1))), view.downsample)
        levels = [level for level in (2**k for k in range(12, -1, -1)) if view.downsample <= level <= coarsest]
        return [view.calibration.data(view.photos.level(level)) for level in levels]

    def _hypotheses(
        self, search: Search, poses: Float[Tensor, "frames 3 4"], unregistered: set[int], attempt: int
    ) -> photometric_alignment.Alignment:
        return start_hypotheses(search.frame, poses, unregistered, search.candidates, attempt, self.options)

    def _next_attempt(self, search: Search, poses: Float[Tensor, "frames 3 4"], unregistered: set[int]) -> Search:
        attempt = search.failed_attempts + 1
        alignment = self._hypotheses(search, poses, unregistered, attempt)
        return Search(search.frame, alignment, failed_attempts=attempt, best=search.best, candidates=search.candidates)

    def _failed(self, search: Search, usual: float) -> bool:
        """Whether a search has ended far above the usual error."""
        return search.best is not None and usual > 0 and search.best[0] > self.options.outlier_factor * usual

    def _blurred_field(self, view: RunView, data: PhotoLevel) -> Field:
        """The field blurred as the photos are.

        Made when a search first reaches a level and kept, since the field hardly changes meanwhile; not for all levels
        at once, which would keep a command waiting.
        """
        if self._blurred is None or self._blurred[0] != view.downsample:
            self._blurred = (view.downsample, {})
        voxels = round(max(data.intrinsics.width, data.intrinsics.height) * self.options.voxels_per_pixel)
        fields = self._blurred[1]
        if voxels not in fields:
            fields[voxels] = view.field.at_resolution(voxels)
        return fields[voxels]

    def _measured_error(self, view: RunView, data: PhotoLevel, unregistered: set[int]) -> float:
        """The median error of some registered frames, measured as at the end of a search; 0 if there is none."""
        frames = [frame for frame in range(len(view.poses)) if frame not in unregistered]
        field = self._blurred_field(view, data)
        if not frames:
            return 0.0
        count = self.options.compared_frames
        errors = []
        for index in sorted({round(i * (len(frames) - 1) / max(count - 1, 1)) for i in range(count)}):
            pixels = draw_pixels(frames[index], data, view.generator, self.options.pixels)
            errors.append(photometric_alignment.error(view.poses[frames[index]], field, *pixels))
        return sorted(errors)[len(errors) // 2]
