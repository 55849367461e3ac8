"""Candidate poses for a frame of which nothing is known: those of similar and of spread-out frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from engine.geometry import se3

CandidateFrames = tuple[tuple[int, ...], ...]
"""For each attempt of a search, the frames at whose poses it starts."""


@dataclass(frozen=True)
class CandidateOptions:
    """How candidate poses are chosen.

    Attributes:
        per_attempt: candidates of one attempt; each costs as much as the others.
        similar_first: so many of the first attempt's are those with the most similar pictures, the rest is spread out.
        compared_size: pictures are compared at about this size, pixels along the longer side: larger ones would
            tell frames with the same content from slightly different places apart.
    """

    per_attempt: int = 12
    similar_first: int = 8
    compared_size: int = 16


DEFAULTS = CandidateOptions()


def candidate_frames(
    frame: int,
    images: Float[Tensor, "frames 3 height width"],
    poses: Float[Tensor, "frames 3 4"],
    others: Sequence[int],
    options: CandidateOptions = DEFAULTS,
) -> CandidateFrames:
    """Chooses where the three attempts of a search start.

    The first starts at the frames with the most similar pictures and at some that are spread out, the second at
    spread-out ones only, the third at those that follow in similarity.

    Args:
        frame: that is searched for.
        images: of all frames; small ones will do.
        poses: of all frames, world-to-camera.
        others: frames whose poses can be trusted; not empty.
        options: how many.
    """
    count = options.per_attempt
    similar = rank_by_similarity(frame, images, others, options.compared_size)
    around = choose_spread_out(poses, others, count)
    first = list(dict.fromkeys([*similar[: options.similar_first], *around]))[:count]
    rest = [other for other in similar if other not in first][:count]
    return tuple(first), tuple(around), tuple(rest or first)


def rank_by_similarity(
    frame: int,
    images: Float[Tensor, "frames 3 height width"],
    others: Sequence[int],
    compared_size: int = DEFAULTS.compared_size,
) -> list[int]:
    """Orders other frames by the similarity of their pictures to that of `frame`, whatever their exposure."""
    factor = max(max(images.shape[-2:]) // compared_size, 1)
    small = F.avg_pool2d(images[[frame, *others]], factor).flatten(start_dim=2)
    small = (small - small.mean(dim=-1, keepdim=True)) / small.std(dim=-1, keepdim=True).clamp(min=1e-6)
    order = (small[1:] - small[0]).square().mean(dim=(1, 2)).argsort()
    return [others[index] for index in order.tolist()]


def choose_spread_out(poses: Float[Tensor, "frames 3 4"], others: Sequence[int], count: int) -> list[int]:
    """Chooses `count` frames far from each other in position and direction: each the farthest from those before it."""
    chosen = poses[list(others)]
    centres = se3.camera_centre(chosen)
    spread = (centres - centres.mean(dim=0)).norm(dim=-1).square().mean().sqrt().clamp(min=1e-6)
    distances = torch.cdist(centres, centres) / spread
    distances = distances + se3.rotation_angle(chosen[:, None, :, :3].mT @ chosen[None, :, :, :3])
    order = [int(distances.sum(dim=0).argmin())]
    nearest = distances[order[0]].clone()
    while len(order) < min(count, len(others)):
        order.append(int(nearest.argmax()))
        nearest = torch.minimum(nearest, distances[order[-1]])
    return [others[index] for index in order]
