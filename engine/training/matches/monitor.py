"""The evidence of a run with cameras while it trains: measured now and then, for snapshots, and whole at the end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from engine.evidence.focal_check import FocalFit, check_focal
from engine.evidence.frame_fit import FrameFit, add_match_facts, measure_fit
from engine.evidence.judgement import DEFAULT as JUDGEMENT
from engine.evidence.judgement import RunEvidence, judge
from engine.evidence.tracks import Tracks
from engine.evidence.triangulation import Observations
from engine.evidence.verdict import Verdict
from engine.geometry.intrinsics import Intrinsics
from engine.messages import FrameStatus


@dataclass(frozen=True)
class MonitorOptions:
    """How often it is measured.

    Attributes:
        period: seconds between two measurements, at least.
        share: of the time that measuring may take.
        supported: share of a frame's observations that fit, from which its pose is right, whatever its colours say.
    """

    period: float = 3.0
    share: float = 0.03
    supported: float = 0.7


DEFAULT = MonitorOptions()


@dataclass(frozen=True)
class CameraEvidence:
    """What was measured last.

    Attributes:
        fit: of the tracks; None without any.
        verdict: on the run.
    """

    fit: FrameFit | None
    verdict: Verdict


class EvidenceMonitor:
    """Measures how poses fit the tracks, whether or not the matches drive the run."""

    def __init__(
        self,
        observations: Observations | None,
        tracks: Tracks | None = None,
        options: MonitorOptions = DEFAULT,
    ) -> None:
        """`observations` are of the training frames; None where the photos were not matched. `tracks` are those that
        they were taken from."""
        self._observations, self._tracks, self._options = observations, tracks, options
        self._fit: FrameFit | None = None
        self._focal: FocalFit | None = None
        self._measured_at, self._took = -float("inf"), 0.0
        self._iteration: int | None = None

    def due(self, iteration: int) -> bool:
        """Whether the evidence may be measured anew for a snapshot."""
        if self._iteration is None:
            return True
        pause = max(self._options.period, self._took / self._options.share)
        return iteration != self._iteration and time.monotonic() - self._measured_at >= pause

    def measure(
        self,
        poses: Float[Tensor, "frames 3 4"],
        intrinsics: Intrinsics,
        statuses: Sequence[FrameStatus],
        iteration: int,
    ) -> None:
        """Measures the fit of the tracks; some hundredths of a second."""
        start = time.monotonic()
        if self._observations is not None and len(poses) == len(statuses):
            fit = measure_fit(self._observations, poses.cpu(), intrinsics, _registered(statuses))
            self._fit = fit if self._tracks is None else add_match_facts(fit, self._tracks)
        self._iteration, self._measured_at = iteration, time.monotonic()
        self._took = self._measured_at - start

    def check_focal(
        self, poses: Float[Tensor, "frames 3 4"], intrinsics: Intrinsics, statuses: Sequence[FrameStatus]
    ) -> None:
        """Asks the tracks for the focal length; takes longer, some tenths of a second."""
        if self._observations is not None:
            seen = self._observations.select(_registered(statuses)[self._observations.frame])
            self._focal = check_focal(seen, poses.cpu(), intrinsics)

    @property
    def cameras_may_be_right(self) -> bool:
        """Whether what was measured last does not contradict the cameras already."""
        return self._fit is not None and self._fit.fitting >= JUDGEMENT.run_contradicts

    def supported(self) -> Bool[Tensor, " frames"] | None:
        """The frames whose poses most of their matches fitted when it was measured last; None before."""
        return None if self._fit is None else self._fit.share > self._options.supported

    def evidence(
        self,
        names: Sequence[str],
        statuses: Sequence[FrameStatus],
        train_psnr: Sequence[float],
        held_out_psnr: float | None = None,
    ) -> CameraEvidence:
        """The verdict on what was measured last."""
        registered = [status is FrameStatus.REGISTERED for status in statuses]
        excluded = [status is FrameStatus.EXCLUDED for status in statuses]
        fit = self._fit if self._fit is not None and len(self._fit.tracks) == len(names) else None
        known = RunEvidence(names, registered, excluded, fit, train_psnr, held_out_psnr, self._focal)
        return CameraEvidence(fit, judge(known))


def _registered(statuses: Sequence[FrameStatus]) -> Tensor:
    return torch.tensor([status is FrameStatus.REGISTERED for status in statuses])
