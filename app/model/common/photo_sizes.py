"""Photos at the sizes at which panels show them, and cameras that render at these sizes. Pure functions."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float32, UInt8
from torch import Tensor

from engine.geometry.intrinsics import Intrinsics
from engine.geometry.rays import distort, pixel_grid
from engine.geometry.view_camera import ViewCamera


def fit_size(image: tuple[int, int], box: tuple[float, float]) -> tuple[int, int]:
    """The largest (width, height) with an image's aspect ratio inside a box, at least one pixel each."""
    scale = min(box[0] / image[0], box[1] / image[1])
    return max(int(image[0] * scale), 1), max(int(image[1] * scale), 1)


def resize_photo(
    photo: UInt8[Tensor, "height width 3"], size: tuple[int, int]
) -> Float32[np.ndarray, "rows columns 3"]:
    """A photo reduced to (width, height) by averaging areas; RGB in [0, 1]."""
    planes = photo.permute(2, 0, 1)[None].float() / 255
    small = torch.nn.functional.adaptive_avg_pool2d(planes, (size[1], size[0]))
    return small[0].permute(1, 2, 0).contiguous().numpy()


def straighten_photo(
    photo: Float32[np.ndarray, "rows columns 3"], intrinsics: Intrinsics, frame: int
) -> Float32[np.ndarray, "rows columns 3"]:
    """A photo as an ideal pinhole of the same focal length would have taken it, which is how pictures are rendered.

    What the lens did not show is black.

    Args:
        photo: a reduced copy, RGB in [0, 1].
        intrinsics: of the scene.
        frame: of the scene.
    """
    distortion = intrinsics.distortion[frame]
    if not bool(distortion.any()):
        return photo
    rows, columns = photo.shape[:2]
    size = torch.tensor(intrinsics.own_size(frame), dtype=torch.float32)
    pixels = pixel_grid(rows, columns) * (size / torch.tensor([columns, rows]))
    focal, centre = intrinsics.focal[frame].cpu(), intrinsics.centre[frame].cpu()
    seen = distort((pixels - centre) / focal, distortion.cpu()) * focal + centre
    planes = torch.from_numpy(photo).permute(2, 0, 1)[None]
    straight = torch.nn.functional.grid_sample(planes, (2 * seen / size - 1)[None], align_corners=False)
    return straight[0].permute(1, 2, 0).contiguous().numpy()


def resize_mask(mask: Bool[Tensor, "height width"] | None, size: tuple[int, int]) -> Bool[np.ndarray, "rows columns"]:
    """A mask reduced to (width, height): what counts is what averages only pixels that count; None hides nothing."""
    if mask is None:
        return np.ones(size[::-1], dtype=bool)
    small = torch.nn.functional.adaptive_avg_pool2d(mask[None, None].float(), (size[1], size[0]))
    return (small[0, 0] > 0.999).numpy()


def make_frame_camera(intrinsics: Intrinsics, frame: int, pose: np.ndarray, size: tuple[int, int]) -> ViewCamera:
    """The camera of a frame of the scene for a picture of (width, height) pixels, without lens distortion."""
    width, height = intrinsics.own_size(frame)
    across, down = size[0] / width, size[1] / height
    (fx, fy), (cx, cy) = intrinsics.focal[frame].tolist(), intrinsics.centre[frame].tolist()
    return ViewCamera(pose, (fx * across, fy * down), (cx * across, cy * down), size)
