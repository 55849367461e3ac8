"""The kind of a scene, from its cameras, its 3D points and the background of its photos.

Poses are world-to-camera `[R|t]` with OpenCV axes; lengths are in the unit of the poses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from engine.scenes.scene import SceneKind
from engine.scenes.world.axes import camera_centres, optical_axes
from engine.scenes.world.extent import find_nearest_point_to_axes


@dataclass(frozen=True)
class KindOptions:
    """Thresholds.

    Attributes:
        widest_cone: largest angle between an optical axis and the mean axis in a forward-facing scene, radians.
        widest_convergence: largest angle between a camera and the mean camera, seen from the point where the axes
            meet, in a forward-facing scene, radians.
        widest_spread: largest r.m.s. distance of the cameras from their mean in a forward-facing scene, in median
            depths of the points: 0.12 in LLFF's fern, 0.65 where people walk round something.
        nearest_share: of the points that may lie nearer than the foremost camera in a forward-facing scene, whose
            volume begins in front of all cameras.
        inside_share: of the points of an object that lie in its box; the others are outliers.
        border: width of the border that is looked at, as a share of the shorter side of the photos.
        border_tolerance: difference from the usual colour of the border up to which a pixel counts as blank, of 255.
        blank_share: of the border's pixels that are blank where the background is; the object may touch the border.
    """

    widest_cone: float = math.radians(60)
    widest_convergence: float = math.radians(35)
    widest_spread: float = 0.4
    nearest_share: float = 0.02
    inside_share: float = 0.95
    border: float = 0.03
    border_tolerance: float = 10.0
    blank_share: float = 0.9


OPTIONS = KindOptions()


def classify_scene(
    poses: Float[Tensor, "frames 3 4"],
    points: Float[Tensor, "points 3"] | None = None,
    is_blank: Callable[[], bool] = lambda: False,
    box: tuple[Float[Tensor, " 3"], float] | None = None,
) -> SceneKind:
    """The kind of a scene.

    - `forward-facing`: the cameras look in similar directions, stand close together compared with the depth of what
      they see, and have it in front of them.
    - `object`: they stand around something before a blank background, and no more than outliers lie outside its box.
    - `unbounded`: all others.

    Args:
        poses: of the cameras.
        points: that they see, if any are known.
        is_blank: whether the background of the photos is blank; called only where it matters.
        box: centre and half extent of the object's box, if it is one.
    """
    if looks_forward(poses) and (points is None or not len(points) or _keeps_in_front(poses, points)):
        return "forward-facing"
    return "object" if is_blank() and (points is None or box is None or _holds(box, points)) else "unbounded"


def looks_forward(poses: Float[Tensor, "frames 3 4"]) -> bool:
    """Whether no optical axis is more than 60 degrees from the mean axis; and, where all cameras look at one point,
    none of them stands more than 35 degrees from their mean direction, seen from that point."""
    axes = optical_axes(poses)
    if _widest_angle(axes) > OPTIONS.widest_cone:
        return False
    towards = find_nearest_point_to_axes(poses) - camera_centres(poses)
    looks_at_point = (towards * axes).sum(dim=-1) > 0.9 * towards.norm(dim=-1)
    return not bool(looks_at_point.all()) or _widest_angle(towards) <= OPTIONS.widest_convergence


def is_border_blank(pictures: Iterable[UInt8[Tensor, "height width 3"]]) -> bool:
    """Whether the borders of most photos have one colour, as renderings and photos of an object on a plain ground."""
    borders = [_cut_border(picture.float()) for picture in pictures]
    usual = torch.cat(borders).median(dim=0).values
    shares = [((border - usual).abs().amax(dim=-1) <= OPTIONS.border_tolerance).float().mean() for border in borders]
    return bool(torch.stack(shares).median() >= OPTIONS.blank_share)


def _cut_border(picture: Float[Tensor, "height width 3"]) -> Float[Tensor, "pixels 3"]:
    thick = max(round(OPTIONS.border * min(picture.shape[:2])), 1)
    sides = (picture[:thick], picture[-thick:], picture[:, :thick], picture[:, -thick:])
    return torch.cat([side.flatten(0, 1) for side in sides])


def _keeps_in_front(poses: Float[Tensor, "frames 3 4"], points: Float[Tensor, "points 3"]) -> bool:
    """Whether the points lie in front of all cameras, far away compared with the cameras' spread."""
    centres = camera_centres(poses)
    middle = centres.mean(dim=0)
    forward = torch.nn.functional.normalize(optical_axes(poses).mean(dim=0), dim=0)
    depths, foremost = (points - middle) @ forward, ((centres - middle) @ forward).max()
    spread = (centres - middle).norm(dim=-1).square().mean().sqrt()
    in_front = (depths <= foremost).to(poses.dtype).mean() <= OPTIONS.nearest_share
    return bool(in_front) and bool(spread <= OPTIONS.widest_spread * depths.median())


def _holds(box: tuple[Float[Tensor, " 3"], float], points: Float[Tensor, "points 3"]) -> bool:
    inside = (points - box[0]).abs().amax(dim=-1) <= box[1]
    return bool(inside.to(points.dtype).mean() >= OPTIONS.inside_share)


def _widest_angle(directions: Float[Tensor, "frames 3"]) -> float:
    """Largest angle between the directions and their mean, in radians."""
    directions = torch.nn.functional.normalize(directions, dim=-1)
    mean = torch.nn.functional.normalize(directions.mean(dim=0), dim=0)
    return torch.acos((directions @ mean).clamp(-1, 1)).max().item()
