"""Poses, renderings and scores of the held-out frames of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from engine.evaluation.initial_poses import align_reference_poses, interpolate_pose, list_candidate_poses
from engine.evaluation.metrics import lpips, psnr, ssim
from engine.evaluation.refinement import Level, make_pyramid, refine_pose
from engine.evaluation.views import Photo, View, image_points, render_view
from engine.evidence.resection import KnownPoints, find_known_points, locate_frame
from engine.fields.field import Field
from engine.geometry.intrinsics import Intrinsics
from engine.geometry.se3 import is_finite
from engine.scenes.scene import Scene

HELD_BACK = (1.0, 0.5, 0.25, 0.125, 0.0625)  # of the way from the pose by matches to that by light, tried in order


@dataclass(frozen=True)
class Scores:
    """Similarity of a rendering and a photo: PSNR in dB, SSIM and LPIPS (None where they cannot be computed)."""

    psnr: float
    ssim: float | None
    lpips: float | None


@dataclass(frozen=True)
class HeldOutFrame:
    """One held-out frame and its evaluation.

    Attributes:
        frame: index within the scene.
        name: as in `Scene.names`.
        photo: RGB in [0, 1].
        view: the rendering from `pose`.
        pose: world-to-camera in the world of the fitted poses, refined against the photo; it is no part of the
            pose errors of a run.
        scores: of the rendering, over the pixels that count.
        mask: True for pixels that count; None if all do.
    """

    frame: int
    name: str
    photo: Float[Tensor, "height width 3"]
    view: View
    pose: Float[Tensor, "3 4"]
    scores: Scores
    mask: Bool[Tensor, "height width"] | None = None


@dataclass(frozen=True)
class Summary:
    """Means over the evaluated frames, as in the papers' tables; None where there is nothing to average."""

    psnr: float | None
    ssim: float | None
    lpips: float | None
    frames: int


def evaluate_held_out(
    field: Field,
    scene: Scene,
    fitted: Float[Tensor, "frames 3 4"],
    *,
    refine: bool = True,
    intrinsics: Intrinsics | None = None,
    limit: int | None = None,
) -> Iterator[HeldOutFrame]:
    """Evaluate the held-out frames one after the other, as BARF does.

    A frame's reference pose is brought into the world of the fitted poses by the similarity that aligns the
    training cameras, then refined photometrically with the field fixed. Without a reference the refinement starts from
    several training cameras and from between the two neighbouring ones, and the best result is taken. Where the
    photos were matched, it starts from the pose by the matches, and ends there if it fits them worse than before.

    Args:
        field: not changed; no training may go on meanwhile.
        scene: the scene of the run; photos are compared at its resolution.
        fitted: world-to-camera poses of the training frames; rendering runs on their device.
        refine: whether poses are refined where a reference exists (not for runs that fit no poses).
        intrinsics: of all frames, where the run has fitted them; by default those of the scene.
        limit: most frames to evaluate, evenly spread.
    Yields:
        the frames in order; none if the scene has no held-out frames.
    Reference:
        BARF (Lin et al., ICCV 2021), section 4.1.
    """
    cameras = (intrinsics or scene.intrinsics).to(fitted.device)
    aligned = align_reference_poses(scene, fitted) if scene.held_out_frames else None
    levels: list[Level] = []
    for position in spread_evenly(len(scene.held_out_frames), limit):
        frame = scene.held_out_frames[position]
        colours = scene.picture(frame).to(fitted.device).to(fitted.dtype) / 255
        mask = scene.mask(frame)
        mask = None if mask is None else mask.to(fitted.device)
        photo = Photo(image_points(cameras, frame).to(fitted.dtype), colours, mask)
        pose = aligned[position] if aligned is not None and is_finite(aligned[position]) else None
        if refine or pose is None:
            starts = list_candidate_poses(scene, fitted, frame) if pose is None else pose[None]
            known, located = _locate(scene, fitted, frame, cameras, starts)
            levels = levels or make_pyramid(field, max(cameras.width, cameras.height), int(cameras.own_sizes.min()))
            pose = refine_pose(levels, photo, starts if located is None else located[None])
            if known is not None and located is not None:
                pose = _hold_back(known, located, pose)
        view = render_view(field, pose, photo.points)
        pair = (view.colour, colours, mask)
        scores = Scores(psnr(*pair), ssim(*pair), lpips(*pair))
        yield HeldOutFrame(frame, scene.names[frame], colours, view, pose, scores, mask)


def _hold_back(
    known: KnownPoints, located: Float[Tensor, "3 4"], refined: Float[Tensor, "3 4"]
) -> Float[Tensor, "3 4"]:
    """The refined pose, or as much of the way to it as the matches allow."""
    for fraction in HELD_BACK:
        pose = refined if fraction == 1 else interpolate_pose(located, refined, fraction)
        if not known.worse(pose, located):
            return pose
    return located


def _locate(
    scene: Scene,
    fitted: Float[Tensor, "frames 3 4"],
    frame: int,
    intrinsics: Intrinsics,
    starts: Float[Tensor, "starts 3 4"],
) -> tuple[KnownPoints | None, Float[Tensor, "3 4"] | None]:
    """What the training frames know of a held-out one's matches, and its pose by them; None where it is too little."""
    if scene.tracks is None:
        return None, None
    known = find_known_points(scene.tracks, frame, list(scene.training_frames), fitted, intrinsics.to("cpu"))
    located = locate_frame(known, starts)
    return known, None if located is None else located.to(fitted)


def summarise(scores: Sequence[Scores]) -> Summary:
    """Means over frames; PSNR is averaged in dB, as in the papers."""
    return Summary(
        psnr=_mean([score.psnr for score in scores]),
        ssim=_mean([score.ssim for score in scores]),
        lpips=_mean([score.lpips for score in scores]),
        frames=len(scores),
    )


def spread_evenly(count: int, limit: int | None) -> list[int]:
    """At most `limit` indices below `count`, evenly spread, ascending; all of them without a limit."""
    if limit is None or limit >= count:
        return list(range(count))
    return [int(position) for position in torch.linspace(0, count - 1, limit).round()] if limit > 0 else []


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
