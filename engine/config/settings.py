"""What the user chose for a run; frozen, saved with the run, and read by every room of the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Method = Literal["l2g", "barf", "naive", "no-encoding", "reference"]
FieldName = Literal["grid", "mlp"]
Preset = Literal["default", "paper"]


@dataclass(frozen=True)
class Settings:
    """One run.

    Attributes:
        method: where rays come from, and how the band limit opens (see `engine.registration`, `engine.config`).
        field: what a ray sees (see `engine.fields`).
        preset: `default` is this project's coarse-to-fine recipe; `paper` the published networks and schedule.
        lambda_exponent: x of lambda = 10^x, the weight of the alignment term of l2g.
        seed: of everything random in the run.
        optimise_focal: let the shared focal length move with the poses.
        refine_intrinsics: let the focal length and the radial distortion k1, which all frames share, move too.
        optimise_exposure: let a gain per frame and channel absorb exposure changes.
        max_iterations: stop there, or None for the whole schedule.
    """

    method: Method = "l2g"
    field: FieldName = "grid"
    preset: Preset = "default"
    lambda_exponent: float = 2.0
    seed: int = 0
    optimise_focal: bool = False
    optimise_exposure: bool = False
    max_iterations: int | None = None
    refine_intrinsics: bool = False

    @property
    def registers(self) -> bool:
        """Whether poses are fitted at all."""
        return self.method != "reference"
