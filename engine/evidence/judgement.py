"""From evidence to a verdict: which frames agree with their matches, and whether the run as a whole is right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from engine.evidence.focal_check import FocalFit
from engine.evidence.frame_fit import FrameFit
from engine.evidence.verdict import FrameVerdict, Verdict, VerdictState


@dataclass(frozen=True)
class JudgementOptions:
    """Thresholds, measured on right and on wrong runs of many kinds of scenes (see tests/benchmarks/README.md).

    Attributes:
        frame_tracks: observations of a frame below which its matches say nothing.
        frame_fits: share of a frame's observations that fit a right pose, at least.
        frame_contradicts: share below which they contradict it.
        run_fits: share of all observations that fit right poses, at least.
        run_contradicts: share below which they contradict them.
        registered: share of the frames that have to agree for a run to be registered.
        failed: share of the frames that have to agree for a run to be more than failed.
        parallax_deg: median angle at which the rays of a track meet, below which photos show no depth.
        still: share of matches that stand still while others move, from which a part of the picture does so.
        still_much: share from which a run has failed, for the field cannot show both parts.
        still_fits: share of all observations that fit, above which something far away only seems to stand still.
        repeated: share of a photo's features that look like another place of it, from which it shows a pattern.
        opposed: share of the frames with strong matches that contradict the cameras, from which things that look alike
            were taken for one another.
        one_lens_fits: share of all observations that fit, above which photos share a lens after all.
        least_psnr: dB, of training photos: below it the field does not show them.
        held_out_gap: dB by which held-out photos may be worse than training photos while cameras are right.
        supported_gap: the same where nearly all matches fit: a photo that looks past the others shows more of what the
            field does not know.
        supported: share of all observations that fit, for that.
        held_out_psnr: dB, of held-out photos, that supports cameras of which no tracks are known.
        focal_ratio: how far the focal length that the tracks want may be from that of the run, as a factor.
        focal_gain: by which share the cost of the tracks has to fall with it, to be believed.
    """

    frame_tracks: int = 12
    frame_fits: float = 0.55
    frame_contradicts: float = 0.3
    run_fits: float = 0.65
    run_contradicts: float = 0.4
    registered: float = 0.9
    failed: float = 0.6
    parallax_deg: float = 0.8
    still: float = 0.15
    still_much: float = 0.3
    still_fits: float = 0.95
    repeated: float = 0.4
    opposed: float = 0.2
    one_lens_fits: float = 0.95
    least_psnr: float = 13.0
    held_out_gap: float = 8.0
    supported_gap: float = 14.0
    supported: float = 0.9
    held_out_psnr: float = 20.0
    focal_ratio: float = 1.3
    focal_gain: float = 0.25


DEFAULT = JudgementOptions()
_ORDER: dict[VerdictState, int] = {"registered": 0, "doubtful": 1, "failed": 2}


@dataclass(frozen=True)
class RunEvidence:
    """What is known of a run without any reference.

    Attributes:
        names: of the training frames.
        registered: whether each frame has a pose and trains.
        excluded: whether the user has left it out.
        fit: of the tracks; None where the photos were not matched.
        train_psnr: of each frame, dB; NaN where unknown.
        held_out_psnr: mean over the held-out photos, dB; None where there was no evaluation.
        focal: that the tracks want; None where they were not asked.
    """

    names: Sequence[str]
    registered: Sequence[bool]
    excluded: Sequence[bool]
    fit: FrameFit | None
    train_psnr: Sequence[float]
    held_out_psnr: float | None = None
    focal: FocalFit | None = None

    @property
    def mean_psnr(self) -> float:
        """Over the frames of which it is known, dB; NaN for none."""
        known = [value for value in self.train_psnr if math.isfinite(value)]
        return sum(known) / len(known) if known else math.nan


def judge(evidence: RunEvidence, options: JudgementOptions = DEFAULT) -> Verdict:
    """The verdict: the worst of what its parts say, with the reason of that part."""
    frames = tuple(_judge_frame(index, evidence, options) for index in range(len(evidence.names)))
    counted = [frame for frame, excluded in zip(frames, evidence.excluded, strict=True) if not excluded]
    found = [
        *_judge_matches(evidence, counted, options),
        *_judge_pictures(evidence, options),
    ]
    state, reason = max(found, key=lambda part: _ORDER[part[0]])
    return Verdict(state, reason, frames)


Part = tuple[VerdictState, str]


def _judge_frame(index: int, evidence: RunEvidence, options: JudgementOptions) -> FrameVerdict:
    name, fit = evidence.names[index], evidence.fit
    tracks = int(fit.tracks[index]) if fit is not None else 0
    share = None if fit is None else _number(fit.share[index])
    median = None if fit is None else _number(fit.median_px[index])
    state: VerdictState
    if evidence.excluded[index]:
        state, reason = "doubtful", "excluded"
    elif not evidence.registered[index]:
        state, reason = "failed", "no pose was found that fits it"
    elif share is None or tracks < options.frame_tracks:
        state, reason = "doubtful", "too few matches to tell" if fit is not None else "no matches are in use"
    elif share < options.frame_contradicts:
        state, reason = "failed", f"only {share:.0%} of its matches fit"
    elif fit is not None and not bool(fit.connected[index]):
        state, reason = "failed", "it shares no matches with most of the others"
    elif share < options.frame_fits:
        state, reason = "doubtful", f"only {share:.0%} of its matches fit"
    else:
        state, reason = "registered", f"{share:.0%} of its matches fit"
    return FrameVerdict(name, state, reason, tracks, share, median)


def _judge_matches(evidence: RunEvidence, frames: Sequence[FrameVerdict], options: JudgementOptions) -> list[Part]:
    """What the matches say; the first that is as bad as any gives the reason."""
    fit, count = evidence.fit, len(frames)
    if fit is None or not math.isfinite(fit.fitting):
        return [_judge_without_matches(evidence, options)]
    right = sum(frame.state == "registered" for frame in frames)
    share = f"{fit.fitting:.0%} of the matches fit the cameras"
    parts: list[Part] = []
    apart = count - int(fit.connected.sum())
    no_parallax = fit.parallax_deg < options.parallax_deg
    seems_still = fit.still if no_parallax or fit.fitting < options.still_fits else 0.0
    still = max(fit.still_part, seems_still if math.isfinite(seems_still) else 0.0)
    if still > options.still:
        much = no_parallax or fit.fitting < options.run_fits or fit.still_part > options.still_much
        parts.append(
            (
                "failed" if much else "doubtful",
                f"{still:.0%} of the matches stand still while others move: an object was turned before a still "
                "room, or something in the room moved; mask what stands still (masks/).",
            )
        )
    parts += _judge_alike(fit, right < options.registered * count, options)
    if apart > (1 - options.registered) * count:
        parts.append(
            (
                "failed" if count - apart < options.failed * count else "doubtful",
                f"{apart} of {count} photos share no matches with the others: they show another place, or photos "
                "between the two are missing.",
            )
        )
    if fit.fitting < options.run_contradicts:
        parts.append(("failed", f"Only {share}: they are wrong, or the photos were matched wrongly."))
    elif right < options.failed * count:
        parts.append(("failed", f"Only {right} of {count} photos agree with their matches."))
    elif fit.fitting < options.run_fits:
        parts.append(("doubtful", f"Only {share}."))
    elif right < options.registered * count:
        wrong = f"{count - right} of {count} photos"
        parts.append(("doubtful", f"{wrong} do not agree with their matches, or have too few."))
    if evidence.focal is not None and evidence.focal.gain > options.focal_gain:
        ratio = evidence.focal.ratio
        if max(ratio, 1 / ratio) > options.focal_ratio:
            sentence = f"The matches want a focal length {ratio:.2f} times that of the run: it is wrong."
            parts.append(("failed" if max(ratio, 1 / ratio) > options.focal_ratio**2 else "doubtful", sentence))
    if no_parallax:
        parts.append(
            ("doubtful", f"Rays meet at {fit.parallax_deg:.1f}° only: photos from nearly one place show no depth.")
        )
    if fit.uncertain_lenses and fit.fitting < options.one_lens_fits:
        sentence = (
            "The photos do not share a lens, as where they were cropped, and their matches do not tell the lens of "
            "each: cameras may fit and be wrong; use the photos as they were taken."
        )
        parts.append(("doubtful", sentence))
    if fit.unplaced:  # short tracks fit cameras that turn too little as well, with a scene that is too deep
        sentence = (
            "The matches are too few to place the photos by themselves: these cameras may fit them and be wrong."
        )
        parts.append(("doubtful", sentence))
    return parts or [("registered", f"{right} of {count} photos agree with their matches: {share}.")]


def _judge_alike(fit: FrameFit, some_wrong: bool, options: JudgementOptions) -> list[Part]:
    """Things that look alike: within a photo, or on several sides of what is photographed."""
    parts: list[Part] = []
    if fit.repeated > options.repeated:
        parts.append(
            (
                "failed" if fit.fitting < options.run_fits else "doubtful",
                f"{fit.repeated:.0%} of what a photo shows looks like another place of it: cameras may be off by "
                "whole repeats of the pattern; take something into the photos that is there once.",
            )
        )
    if fit.opposed > options.opposed and fit.fitting >= options.run_contradicts:
        parts.append(
            (
                "failed" if some_wrong else "doubtful",
                f"{fit.opposed:.0%} of the photos match others that the cameras have elsewhere: parts that look alike "
                "were taken for one another; leave such photos out, or add some that show both parts.",
            )
        )
    return parts


def _judge_without_matches(evidence: RunEvidence, options: JudgementOptions) -> Part:
    """Photos that were not matched, or without features: only held-out photos can support the cameras."""
    held_out, training = evidence.held_out_psnr, evidence.mean_psnr
    if held_out is None:
        return (
            "doubtful",
            "There are no matches to judge the cameras by, and no photo was held out: nothing supports them.",
        )
    if held_out >= options.held_out_psnr and held_out >= training - options.held_out_gap / 2:
        return "registered", f"Held-out photos are seen as well as the others: {held_out:.1f} dB."
    return (
        "doubtful",
        f"There are no matches to judge the cameras by, and held-out photos are seen at {held_out:.1f} dB only.",
    )


def _judge_pictures(evidence: RunEvidence, options: JudgementOptions) -> list[Part]:
    """What the rendered photos say against the cameras."""
    held_out, training = evidence.held_out_psnr, evidence.mean_psnr
    if math.isfinite(training) and training < options.least_psnr:
        return [("doubtful", f"The photos are hardly seen in the field: {training:.1f} dB.")]
    supported = evidence.fit is not None and evidence.fit.fitting > options.supported
    if held_out is not None and training - held_out > (options.supported_gap if supported else options.held_out_gap):
        gap = f"{held_out:.1f} dB against {training:.1f} dB"
        return [("doubtful", f"Held-out photos are seen much worse than those that trained: {gap}.")]
    return []


def _number(value: object) -> float | None:
    number = float(value)  # type: ignore[arg-type]
    return number if math.isfinite(number) else None
