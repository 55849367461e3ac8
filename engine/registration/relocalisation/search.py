"""Frames that must find their way back: knocked off by hand, or gone astray by themselves.

A lost frame is taken out of the loss, so that it harms no other, and looked for by photometric alignment against the
field as the others hold it: first among several hypotheses on a blurred field and a small photo, then finer. One
Gauss-Newton step is taken at a time, so that the way back can be watched. Of many lost frames a few are looked for at
once: those that were found tell the next ones where to look.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from engine.config.schedule import COARSEST
from engine.fields.field import Field
from engine.geometry import se3
from engine.registration.calibration import Calibration
from engine.registration.relocalisation import photometric_alignment
from engine.registration.relocalisation.candidates import Places
from engine.registration.relocalisation.photometric_alignment import Alignment
from engine.scenes.pyramid.photo_level import PhotoLevel
from engine.scenes.pyramid.photo_pyramid import PhotoPyramid

MOST_HYPOTHESES = 12
PIXELS = 700
FIRST_STEPS, LATER_STEPS = 14, 8  # on the smallest photo, and on each finer one, where the way is short
VOXELS_PER_PIXEL = 1.25
ASTRAY_FACTOR = 4.0
PATIENCE = 400  # steps before the same frame is helped again
AT_ONCE = 4
MOST_ATTEMPTS = 3
WITNESSES = 8  # frames whose errors tell what is usual, where a newcomer is judged


@dataclass
class Search:
    """One frame on its way back.

    Attributes:
        frame: index among the training frames.
        alignment: the hypotheses.
        level: into the photo pyramid, coarse to fine.
        steps: taken on this level.
        done: whether the last level is behind it.
        attempts: that were made before this one, and failed.
        best: the pose where the last of them ended with the least error, and that error.
        places: of a newcomer, frames at whose poses each attempt starts; None where the frame itself has a place.
        fits: whether it ended with an error as others have it; newcomers alone are judged.
    """

    frame: int
    alignment: Alignment
    level: int = 0
    steps: int = 0
    done: bool = False
    attempts: int = 0
    best: tuple[float, Tensor] | None = None
    places: Places | None = None
    fits: bool = True

    @property
    def pose(self) -> Float[Tensor, "3 4"]:
        return self.best[1] if self.done and self.best is not None else self.alignment.best

    @property
    def begun(self) -> bool:
        return self.level > 0 or self.steps > 0


def _hypotheses(
    frame: int, poses: Float[Tensor, "frames 3 4"], lost: set[int], places: Places | None = None, attempt: int = 0
) -> Alignment:
    """Where a frame is, and where the nearest others are: those that are lost themselves count least.

    Of a newcomer, which has no place of its own, where its `places` for this attempt are.
    """
    if places is not None:
        return photometric_alignment.start(poses[list(places[attempt % len(places)])])
    centres = se3.camera_centre(poses)
    spread = (centres - centres.mean(dim=0)).norm(dim=-1).square().mean().sqrt().clamp(min=1e-6)
    turned = se3.rotation_angle(poses[frame, :, :3].mT @ poses[..., :3])
    distance = (centres - centres[frame]).norm(dim=-1) / spread + turned
    order = sorted((index for index in distance.argsort().tolist() if index != frame), key=lost.__contains__)
    chosen = torch.tensor([frame, *order[: MOST_HYPOTHESES - 1]], device=poses.device)
    return photometric_alignment.start(poses[chosen])


def _advance(search: Search, pyramid: list[PhotoLevel], field: Field, generator: torch.Generator) -> None:
    """One step of the search, in place; `pyramid` goes from coarse to fine, `field` is as its level wants it."""
    data = pyramid[search.level]
    count = min(PIXELS, data.pixels)
    pixels = torch.randperm(data.pixels, generator=generator)[:count].to(data.points.device)[None]
    frame = torch.tensor([search.frame], device=data.points.device)
    # every step sees other pixels, so the cost of the last is not comparable
    search.alignment.cost.fill_(torch.inf)
    photometric_alignment.improve(
        search.alignment, field, data.plane(frame, pixels)[0], data.colours(frame, pixels)[0]
    )
    search.steps += 1
    if search.steps == FIRST_STEPS // 2 and search.level == 0:
        _keep_best(search, 3)
    if search.steps >= (FIRST_STEPS if search.level == 0 else LATER_STEPS):
        _keep_best(search, 1)
        search.alignment.damping.fill_(1e-3)
        search.level, search.steps = search.level + 1, 0
        search.done = search.level == len(pyramid)
    if search.done:
        error = photometric_alignment.error(
            search.alignment.best, field, data.plane(frame, pixels)[0], data.colours(frame, pixels)[0]
        )
        if search.best is None or error < search.best[0]:
            search.best = (error, search.alignment.best)


def _keep_best(search: Search, count: int) -> None:
    alignment = search.alignment
    best = alignment.cost.argsort()[:count]
    search.alignment = Alignment(alignment.poses[best], alignment.cost[best], alignment.damping[best])


class Recovery:
    """The searches under way."""

    def __init__(self) -> None:
        self.searches: list[Search] = []
        self.helped: dict[int, int] = {}
        self._blurred: tuple[int, dict[int, Field]] | None = None

    def look_for(
        self, frame: int, poses: Float[Tensor, "frames 3 4"], iteration: int, places: Places | None = None
    ) -> None:
        """Starts a search, anew if there is one; `places` of a newcomer are those of `candidates.places`."""
        self.forget(frame)
        lost = {search.frame for search in self.searches}
        self.searches.append(Search(frame, _hypotheses(frame, poses, lost, places), places=places))
        self.helped[frame] = iteration

    def forget(self, frame: int) -> None:
        """Gives a search up."""
        self.searches = [search for search in self.searches if search.frame != frame]

    def astray(self, error: Float[Tensor, " frames"], iteration: int, strangers: Collection[int] = ()) -> list[int]:
        """Frames, strangers apart, whose photometric error stands out from the median, and that were not helped of
        late."""
        usual = error[[frame for frame in range(len(error)) if frame not in strangers]].median()
        outliers = torch.nonzero(error > ASTRAY_FACTOR * usual)[:, 0].tolist()
        away = {search.frame for search in self.searches} | set(strangers)
        return [
            frame
            for frame in outliers
            if frame not in away and iteration - self.helped.get(frame, -PATIENCE) >= PATIENCE
        ]

    def advance(
        self,
        field: Field,
        photos: PhotoPyramid,
        calibration: Calibration,
        finest: int,
        poses: Float[Tensor, "frames 3 4"],
        usual: float,
        generator: Generator,
        newcomers: Collection[int] = (),
    ) -> list[Search]:
        """One step of the searches whose turn it is; those that have ended.

        Args:
            field, photos, calibration: what is known of the scene.
            finest: by how much photos are downsampled at the end.
            poses: of all frames, lost ones too.
            usual: mean squared error of colours in frames that are not lost; 0 where it is not known. A search that
                ends far above it is made again, from where others have been found meanwhile.
            generator: chooses pixels.
            newcomers: frames that have not been found yet, ever; they are held to what others' errors are at the
                very end of a search.
        """
        coarsest = max(2 ** round(math.log2(max(photos.longer_side / COARSEST, 1))), finest)
        levels = [level for level in (2**k for k in range(12, -1, -1)) if finest <= level <= coarsest]
        pyramid = [calibration.data(photos.level(level)) for level in levels]
        lost = {search.frame for search in self.searches} | set(newcomers)
        ended = []
        for search in self.searches[:AT_ONCE]:
            if not search.begun:
                search.alignment = _hypotheses(search.frame, poses, lost, search.places, search.attempts)
            _advance(search, pyramid, self._blurred_to(field, pyramid[search.level], finest), generator)
            if search.done:
                self.searches.remove(search)
                fair = usual
                if search.frame in newcomers:
                    witnesses = [frame for frame in range(len(poses)) if frame not in lost]
                    sharp = self._blurred_to(field, pyramid[-1], finest)
                    fair = _usual_error(witnesses, poses, pyramid[-1], sharp, generator)
                if not self._failed(search, fair):
                    ended.append(search)
                elif search.attempts + 1 < MOST_ATTEMPTS:
                    attempt = search.attempts + 1
                    again = _hypotheses(search.frame, poses, lost, search.places, attempt)
                    self.searches.append(
                        Search(search.frame, again, attempts=attempt, best=search.best, places=search.places)
                    )
                else:
                    search.fits = search.frame not in newcomers
                    ended.append(search)
        if not self.searches:
            self._blurred = None
        return ended

    def _failed(self, search: Search, usual: float) -> bool:
        """Whether a search has ended far above what is usual."""
        return search.best is not None and usual > 0 and search.best[0] > ASTRAY_FACTOR * usual

    def _blurred_to(self, field: Field, data: PhotoLevel, finest: int) -> Field:
        """The field blurred as the photos are; made when a search first comes there, for it hardly changes meanwhile.

        All levels at once would keep a command waiting.
        """
        if self._blurred is None or self._blurred[0] != finest:
            self._blurred = (finest, {})
        voxels = round(max(data.intrinsics.width, data.intrinsics.height) * VOXELS_PER_PIXEL)
        fields = self._blurred[1]
        if voxels not in fields:
            fields[voxels] = field.at_resolution(voxels)
        return fields[voxels]


def _usual_error(
    frames: list[int], poses: Float[Tensor, "frames 3 4"], data: PhotoLevel, field: Field, generator: Generator
) -> float:
    """The median of the errors of frames that are at home, measured as at the end of a search; 0 for none."""
    if not frames:
        return 0.0
    count = min(PIXELS, data.pixels)
    errors = []
    for index in sorted({round(i * (len(frames) - 1) / max(WITNESSES - 1, 1)) for i in range(WITNESSES)}):
        frame = torch.tensor([frames[index]], device=data.points.device)
        pixels = torch.randperm(data.pixels, generator=generator)[:count].to(data.points.device)[None]
        at = data.plane(frame, pixels)[0], data.colours(frame, pixels)[0]
        errors.append(photometric_alignment.error(poses[frames[index]], field, *at))
    return sorted(errors)[len(errors) // 2]
