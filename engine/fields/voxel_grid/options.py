"""The tunable numbers of the voxel grid's optimiser, the same for both implementations."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OptimiserOptions:
    """How the voxels are optimised.

    Attributes:
        beta1, beta2: decay of Adam's moments per step. beta2 is below the usual 0.999, because the rays meet a voxel
            in few steps of a stage.
        epsilon: of Adam; tiny, because gradients of single voxels are tiny.
        smoothness_period: steps from one smoothness gradient to the next, which counts so many times as much; the
            gradient costs as much as Adam itself.
        tint_rate: learning rate of the directional coefficients, relative to that of the voxels.
        tint_smoothness: weight of their smoothness, relative to that of the voxels.
    """

    beta1: float = 0.9
    beta2: float = 0.99
    epsilon: float = 1e-12
    smoothness_period: int = 4
    tint_rate: float = 0.3
    tint_smoothness: float = 10.0


DEFAULT = OptimiserOptions()
