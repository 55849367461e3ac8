"""What the user chose for a run; frozen, saved with the run, and read by every room of the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.config.methods import Method, find_method

Preset = Literal["default", "paper"]
HIGHEST_EXPONENT = 30.0  # of λ and μ: 10^30 squared is still a finite float32 when it meets a small residual


@dataclass(frozen=True)
class Settings:
    """One run.

    Attributes:
        method: where rays come from, and how the band limit opens: a key of `engine.config.methods.METHODS`.
        field: what a ray sees: a key of `engine.fields.FIELDS`.
        preset: `default` is this project's coarse-to-fine recipe; `paper` the published networks and schedule.
        lambda_exponent: x of lambda = 10^x, the weight of the alignment term of l2g.
        auto_lambda: let the run choose lambda as it goes (`engine.registration.warp_motion.choose_lambda`).
        seed: of everything random in the run.
        optimise_focal: let the shared focal length move with the poses.
        refine_intrinsics: let the focal length and the radial distortion k1, which all frames share, move too.
        optimise_exposure: let a gain per frame and channel absorb exposure changes.
        max_iterations: stop there, or None for the whole schedule.
        assist: help that every method gets alike: surface bundle adjustment, Gauss-Newton steps of patches,
            relocalisation of outliers and of perturbed and added frames. Without it every frame stays in the loss
            and moves by gradient descent alone. None, where nothing was chosen, becomes True, but False with the
            preset `paper`, which publishes no such help; it is a bool from then on.
        matches: let the matches of the photos help to register them, where the scene has any and there is `assist`.
        mu_exponent: y of mu = 10^y, the weight of the matches.
    """

    method: str = "l2g"
    field: str = "grid"
    preset: Preset = "default"
    lambda_exponent: float = 2.0
    seed: int = 0
    optimise_focal: bool = False
    optimise_exposure: bool = False
    max_iterations: int | None = None
    refine_intrinsics: bool = False
    assist: bool | None = None
    matches: bool = True
    mu_exponent: float = 0.0
    auto_lambda: bool = False

    def __post_init__(self) -> None:
        if self.assist is None:
            object.__setattr__(self, "assist", assists_by_default(self.preset))

    @property
    def method_spec(self) -> Method:
        """The row of `METHODS`; raises `UserError` where there is none."""
        return find_method(self.method)

    @property
    def registers(self) -> bool:
        """Whether poses are fitted at all."""
        return self.method_spec.fits_poses

    @property
    def assisted(self) -> bool:
        """Whether poses are fitted, and with help."""
        return bool(self.assist) and self.registers

    @property
    def uses_matches(self) -> bool:
        """Whether a run begins with the help of its photos' matches."""
        return self.matches and self.assisted


def assists_by_default(preset: Preset) -> bool:
    """Whether runs of a preset get help where nothing was chosen."""
    return preset != "paper"


def is_exponent(value: float) -> bool:
    """Whether λ or μ can be 10 to this power; not if it is NaN."""
    return abs(value) <= HIGHEST_EXPONENT
