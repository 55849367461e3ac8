"""Where a frame of which nothing is known is looked for: at the poses of similar and of spread-out frames."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from engine.geometry import se3

PLACES = 12  # where one attempt starts
ALIKE = 8  # of them, those of the frames with the most similar pictures, in the first attempt
LITTLE = 16  # pixels along the longer side of the pictures that are compared

Places = tuple[tuple[int, ...], ...]  # for each attempt, frames at whose poses it starts


def places(
    frame: int,
    images: Float[Tensor, "frames 3 height width"],
    poses: Float[Tensor, "frames 3 4"],
    others: Sequence[int],
) -> Places:
    """Where a frame of which nothing is known is looked for: one tuple of frames for each attempt.

    First beside those with the most similar pictures and some that are spread out, then all around, then beside
    those that follow in similarity.

    Args:
        frame: that is lost.
        images: of all frames, small ones will do.
        poses: of all frames.
        others: frames whose poses can be trusted; not empty.
    """
    alike = by_similarity(frame, images, others)
    around = spread_out(poses, others, PLACES)
    first = list(dict.fromkeys([*alike[:ALIKE], *around]))[:PLACES]
    rest = [other for other in alike if other not in first][:PLACES]
    return tuple(first), tuple(around), tuple(rest or first)


def by_similarity(frame: int, images: Float[Tensor, "frames 3 height width"], others: Sequence[int]) -> list[int]:
    """Other frames, the most similar picture first, whatever its exposure."""
    factor = max(max(images.shape[-2:]) // LITTLE, 1)
    little = F.avg_pool2d(images[[frame, *others]], factor).flatten(start_dim=2)
    little = (little - little.mean(dim=-1, keepdim=True)) / little.std(dim=-1, keepdim=True).clamp(min=1e-6)
    order = (little[1:] - little[0]).square().mean(dim=(1, 2)).argsort()
    return [others[index] for index in order.tolist()]


def spread_out(poses: Float[Tensor, "frames 3 4"], others: Sequence[int], count: int) -> list[int]:
    """Frames far from each other, in place and direction: each the farthest from those before it."""
    chosen = poses[list(others)]
    centres = se3.camera_centre(chosen)
    spread = (centres - centres.mean(dim=0)).norm(dim=-1).square().mean().sqrt().clamp(min=1e-6)
    apart = torch.cdist(centres, centres) / spread
    apart = apart + se3.rotation_angle(chosen[:, None, :, :3].mT @ chosen[None, :, :, :3])
    order = [int(apart.sum(dim=0).argmin())]
    nearest = apart[order[0]].clone()
    while len(order) < min(count, len(others)):
        order.append(int(nearest.argmax()))
        nearest = torch.minimum(nearest, apart[order[-1]])
    return [others[index] for index in order]
