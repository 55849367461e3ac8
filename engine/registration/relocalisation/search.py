"""The search for the pose of one frame: Gauss-Newton on its photo from several hypotheses, coarse to fine.

The first level works on a small photo and a blurred field, each later one on a photo twice as large. One Gauss-Newton
step is taken per call, so that the frame can be watched on its way.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from engine.fields.field import Field
from engine.geometry import se3
from engine.registration.relocalisation import photometric_alignment
from engine.registration.relocalisation.candidates import CandidateFrames
from engine.registration.relocalisation.photometric_alignment import Alignment, keep_best
from engine.scenes.pyramid.photo_level import PhotoLevel


@dataclass(frozen=True)
class SearchOptions:
    """How a frame is searched for.

    Attributes:
        hypotheses: poses that a search starts from: the frame's own and those of the nearest frames.
        pixels: of the photo, drawn anew for each step.
        first_steps: Gauss-Newton steps on the coarsest level; after half of them the best `kept_hypotheses` go on.
        later_steps: on each finer level, where one hypothesis is left and the way is short.
        kept_hypotheses: see `first_steps`.
        voxels_per_pixel: resolution of the blurred field, in voxels along its longer edge per pixel of the photo's.
        outlier_factor: a frame whose mean squared error is so many times the median of the others is an outlier, and
            a search that ends so far above it has failed.
        patience: iterations before the same frame is searched for as an outlier again.
        at_once: searches that advance at once; the frames they register help the next ones.
        attempts: of a search that fails, each from other hypotheses, before its best result is taken or rejected.
        compared_frames: frames whose errors say what is usual, where a frame that was never registered is judged.
    """

    hypotheses: int = 12
    pixels: int = 700
    first_steps: int = 14
    later_steps: int = 8
    kept_hypotheses: int = 3
    voxels_per_pixel: float = 1.25
    outlier_factor: float = 4.0
    patience: int = 400
    at_once: int = 4
    attempts: int = 3
    compared_frames: int = 8


DEFAULTS = SearchOptions()


@dataclass
class Search:
    """The search for one frame.

    Attributes:
        frame: index among the training frames.
        alignment: the hypotheses.
        level: into the photo pyramid, coarse to fine.
        steps: taken on this level.
        done: whether the last level is behind it.
        failed_attempts: before this one.
        best: the least error (mean squared, of colours) with which an attempt ended, and the pose there.
        candidates: of a frame that was never registered, the frames at whose poses each attempt starts; None where
            the frame has a pose of its own.
        fits: whether it ended with an error like the others'; only frames that were never registered are judged.
    """

    frame: int
    alignment: Alignment
    level: int = 0
    steps: int = 0
    done: bool = False
    failed_attempts: int = 0
    best: tuple[float, Tensor] | None = None
    candidates: CandidateFrames | None = None
    fits: bool = True

    @property
    def pose(self) -> Float[Tensor, "3 4"]:
        """The best so far, world-to-camera."""
        return self.best[1] if self.done and self.best is not None else self.alignment.best

    @property
    def begun(self) -> bool:
        """Whether a step has been taken."""
        return self.level > 0 or self.steps > 0


def start_hypotheses(
    frame: int,
    poses: Float[Tensor, "frames 3 4"],
    unregistered: set[int],
    candidates: CandidateFrames | None = None,
    attempt: int = 0,
    options: SearchOptions = DEFAULTS,
) -> Alignment:
    """Starts at the frame's own pose and those of the nearest other frames, frames in `unregistered` last.

    With `candidates`, at the poses of this attempt's candidates instead. Distances count centres in units of their
    r.m.s. spread plus the angle in radians.
    """
    if candidates is not None:
        return photometric_alignment.start(poses[list(candidates[attempt % len(candidates)])])
    centres = se3.camera_centre(poses)
    spread = (centres - centres.mean(dim=0)).norm(dim=-1).square().mean().sqrt().clamp(min=1e-6)
    turned = se3.rotation_angle(poses[frame, :, :3].mT @ poses[..., :3])
    distance = (centres - centres[frame]).norm(dim=-1) / spread + turned
    order = sorted((index for index in distance.argsort().tolist() if index != frame), key=unregistered.__contains__)
    chosen = torch.tensor([frame, *order[: options.hypotheses - 1]], device=poses.device)
    return photometric_alignment.start(poses[chosen])


def advance_search(
    search: Search,
    pyramid: list[PhotoLevel],
    field: Field,
    generator: Generator,
    options: SearchOptions = DEFAULTS,
) -> None:
    """Takes one step of the search, in place.

    Args:
        search: under way.
        pyramid: the photos, coarse to fine.
        field: blurred as the search's level wants it.
        generator: chooses pixels.
        options: how many.
    """
    data = pyramid[search.level]
    points, colours = draw_pixels(search.frame, data, generator, options.pixels)
    # every step sees other pixels, so the cost of the last one is not comparable
    search.alignment.cost.fill_(torch.inf)
    photometric_alignment.improve(search.alignment, field, points, colours)
    search.steps += 1
    if search.steps == options.first_steps // 2 and search.level == 0:
        search.alignment = keep_best(search.alignment, options.kept_hypotheses)
    if search.steps >= (options.first_steps if search.level == 0 else options.later_steps):
        search.alignment = keep_best(search.alignment, 1)
        search.alignment.damping.fill_(1e-3)
        search.level, search.steps = search.level + 1, 0
        search.done = search.level == len(pyramid)
    if search.done:
        error = photometric_alignment.error(search.alignment.best, field, points, colours)
        if search.best is None or error < search.best[0]:
            search.best = (error, search.alignment.best)


def draw_pixels(
    frame: int, data: PhotoLevel, generator: Generator, most: int
) -> tuple[Float[Tensor, "points 2"], Float[Tensor, "points 3"]]:
    """Draws up to `most` pixels of a frame that count: their points on the plane z = 1, and their colours."""
    if data.masks is None:
        pixels = torch.randperm(data.pixels, generator=generator)[: min(most, data.pixels)]
    else:
        counting = data.masks.of(frame).cpu()
        pixels = counting[torch.randperm(len(counting), generator=generator)[:most]]
    pixels = pixels.to(data.points.device)[None]
    index = torch.tensor([frame], device=data.points.device)
    return data.plane(index, pixels)[0], data.colours(index, pixels)[0]
