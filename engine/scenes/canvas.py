"""Pictures of several sizes in one tensor: each lies in the top left corner of a canvas that all frames share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Bool, Int64, UInt8
from numpy.typing import NDArray
from torch import Tensor

from engine.geometry.intrinsics import Intrinsics

Size = tuple[int, int]  # width, height in pixels
Value = TypeVar("Value", bound=np.generic)


def choose_canvas(sizes: Sequence[Size]) -> Size:
    """(width, height) of the canvas that holds pictures of these sizes: the largest of each."""
    return max(width for width, _ in sizes), max(height for _, height in sizes)


def stack_sizes(sizes: Sequence[Size]) -> Int64[Tensor, "frames 2"] | None:
    """The sizes for `Intrinsics.sizes`; None if all are the same."""
    return torch.tensor(sizes, dtype=torch.int64) if len(set(sizes)) > 1 else None


def list_sizes(intrinsics: Intrinsics) -> list[Size]:
    """(width, height) of each frame's own picture, pixels."""
    return [(width, height) for width, height in intrinsics.own_sizes.tolist()]


def stack_pictures(pictures: Sequence[NDArray[Value]]) -> NDArray[Value]:
    """Pictures (height, width, ...) in the corners of a canvas, zero outside: (frames, height, width, ...)."""
    width, height = choose_canvas([(picture.shape[1], picture.shape[0]) for picture in pictures])
    canvas: NDArray[Value] = np.zeros((len(pictures), height, width, *pictures[0].shape[2:]), pictures[0].dtype)
    for place, picture in zip(canvas, pictures, strict=True):
        place[: picture.shape[0], : picture.shape[1]] = picture
    return canvas


def mark_pictures(sizes: Int64[Tensor, "frames 2"], canvas: Size) -> Bool[Tensor, "frames height width"]:
    """True for the pixels of a canvas (width, height) that lie in a frame's own picture."""
    columns = torch.arange(canvas[0], device=sizes.device) < sizes[:, :1]
    rows = torch.arange(canvas[1], device=sizes.device) < sizes[:, 1:]
    return rows[:, :, None] & columns[:, None, :]


def cut_picture(canvas: NDArray[Value], size: Size) -> NDArray[Value]:
    """A frame's own picture of `size` (width, height) from its canvas (height, width, ...), as a view."""
    return canvas[: size[1], : size[0]]


def cut_pictures(
    images: UInt8[Tensor, "frames height width 3"], intrinsics: Intrinsics
) -> list[UInt8[Tensor, "own_height own_width 3"]]:
    """Each frame's own picture from its canvas, as a view."""
    return [image[:height, :width] for image, (width, height) in zip(images, list_sizes(intrinsics), strict=True)]
