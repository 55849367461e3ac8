"""Tracks: the same point of the scene, found by its features in several photos."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Tracks:
    """Observations of scene points, sorted by track; a track has at least two, all in different frames.

    Attributes:
        frame: of each observation, index among the scene's frames.
        track: of each observation, from 0, ascending without gaps.
        pixels: where it was seen, in pixels of the scene's images (x right, y down, pixel centres at +0.5), as the
            lens shows it: distortion is not removed.
        points: position of each track in the world of the scene's initial poses, scene units; NaN where it was not
            triangulated.
        contradicted: of each frame, the share of its verified matches that contradict the cameras that made the
            tracks, in [0, 1]; they are not among the observations. None where all verified matches are.
        opposed: share of the frames, in [0, 1], that have strong matches with another one nearly all of which
            contradict those cameras: things that look alike were taken for one another.
        repeated: share of a photo's features, in [0, 1], that look like another place of the photo.
        still_part: share of the matches, in [0, 1], that stand still where others move, in pairs of photos in which
            no motion of the camera is both: an object was turned before a still room. 0 for none.
        uncertain_lenses: whether photos do not share a lens (cropped ones), and these matches do not tell theirs.
        unplaced: whether these matches alone could not place most of the photos, where that was tried.
    """

    frame: Int[Tensor, " observations"]
    track: Int[Tensor, " observations"]
    pixels: Float[Tensor, "observations 2"]
    points: Float[Tensor, "tracks 3"]
    contradicted: Float[Tensor, " frames"] | None = None
    still_part: float = 0.0
    repeated: float = 0.0
    opposed: float = 0.0
    unplaced: bool = False
    uncertain_lenses: bool = False

    @property
    def count(self) -> int:
        """Number of tracks."""
        return len(self.points)

    def select_frames(self, kept: list[int]) -> Tracks:
        """The tracks as seen by some of the frames, which are numbered by their place in `kept` from then on.

        Tracks that fewer than two of these frames see are left out.
        """
        highest = max([int(self.frame.max()) if len(self.frame) else -1, *kept], default=-1)
        number = torch.full((highest + 1,), -1)
        number[torch.tensor(kept, dtype=torch.long)] = torch.arange(len(kept))
        selected = self._select(number[self.frame] >= 0, number)
        if self.contradicted is None:
            return selected
        known = torch.nn.functional.pad(self.contradicted, (0, max(highest + 1 - len(self.contradicted), 0)))
        return replace(selected, contradicted=known[torch.tensor(kept, dtype=torch.long)])

    def _select(self, observations: Bool[Tensor, " observations"], number: Int[Tensor, " frames"]) -> Tracks:
        views = torch.bincount(self.track[observations], minlength=self.count)
        enough = views >= 2
        observations = observations & enough[self.track]
        new_track = enough.long().cumsum(0) - 1
        return replace(
            self,
            frame=number[self.frame[observations]],
            track=new_track[self.track[observations]],
            pixels=self.pixels[observations],
            points=self.points[enough],
        )
