"""What each contestant has come to: one row of the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.lab.race.runner import Entrant
from engine.messages import Status
from engine.run.history import History, Row, summary


@dataclass(frozen=True)
class RaceRow:
    """One contestant at the end of a race; what is not known is None.

    Attributes:
        contestant: its name. method, field, assist, matches, lambda_exponent, init, seed: of its run.
        state: `finished`: its schedule has ended; `stopped` before that; `failed`.
        reason: why it failed, in a sentence, else empty.
        iterations, seconds: that it has had, on its own clock; making the run counts, compiling kernels does not.
        share: of the seconds of all contestants, in [0, 1].
        processor_seconds: of all cores together.
        rotation_mean_deg, rotation_max_deg: rotation errors of the frames, degrees.
        relative_rotation_mean_deg: the same after an alignment of the orientations alone.
        translation_mean, translation_max: distances of camera centres, scene units.
        corner_mean_px, corner_max_px: planar: of the patches but the first, which is fixed, pixels.
        train_psnr: dB.
        reprojection_px: median over the frames of their median reprojection errors, pixels; with tracks only.
        verdict: registered, doubtful or failed.
    """

    contestant: str
    method: str
    field: str
    assist: bool
    matches: bool
    lambda_exponent: float | None
    init: str
    seed: int
    state: Status
    reason: str
    iterations: int
    seconds: float
    share: float
    processor_seconds: float
    rotation_mean_deg: float | None = None
    rotation_max_deg: float | None = None
    relative_rotation_mean_deg: float | None = None
    translation_mean: float | None = None
    translation_max: float | None = None
    corner_mean_px: float | None = None
    corner_max_px: float | None = None
    train_psnr: float | None = None
    reprojection_px: float | None = None
    verdict: str | None = None


def make_rows(entrants: Sequence[Entrant]) -> list[RaceRow]:
    """The rows of a race that has ended, in the order of its contestants."""
    total = sum(entrant.session.seconds for entrant in entrants)
    return [_make_row(entrant, total) for entrant in entrants]


def _make_row(entrant: Entrant, total: float) -> RaceRow:
    session, settings = entrant.session, entrant.contestant.settings
    failed = session.error is not None
    figures = {} if failed or not session.history.rows else _figures(session.history.rows)
    if not failed and session.trainer is not None:
        figures["verdict"] = session.trainer.verdict().state
    return RaceRow(
        contestant=entrant.contestant.name,
        method=settings.method,
        field=settings.field,
        assist=settings.assisted,
        matches=settings.uses_matches,
        lambda_exponent=settings.lambda_exponent if settings.method_spec.warps_pixels else None,
        init=entrant.contestant.options.init,
        seed=settings.seed,
        state="stopped" if session.status == "starting" else session.status,
        reason=" ".join(session.state.message.split()) if failed else "",
        iterations=_count_iterations(session.history),
        seconds=session.seconds,
        share=session.seconds / total if total > 0 else 0.0,
        processor_seconds=entrant.processor_seconds,
        **figures,
    )


def _count_iterations(history: History) -> int:
    """By the last that is known of a run: a row, or the event that it failed."""
    return max([0, *(row.iteration for row in history.rows[-1:]), *(event.iteration for event in history.events[-1:])])


def _figures(rows: Sequence[Row]) -> dict[str, Any]:
    last = rows[-1]
    rotation, translation = summary(last.rotation_error_deg), summary(last.translation_error)
    corners = summary(None if last.corner_error_px is None else last.corner_error_px[1:])
    return {
        "rotation_mean_deg": rotation["mean"],
        "rotation_max_deg": rotation["max"],
        "relative_rotation_mean_deg": summary(last.relative_rotation_error_deg)["mean"],
        "translation_mean": translation["mean"],
        "translation_max": translation["max"],
        "corner_mean_px": corners["mean"],
        "corner_max_px": corners["max"],
        "train_psnr": next((row.psnr for row in reversed(rows) if np.isfinite(row.psnr)), None),
        "reprojection_px": summary(last.reprojection_px)["median"],
    }
