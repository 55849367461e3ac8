"""The tunable numbers of the voxel grid and of its optimiser, the same for all implementations."""

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


@dataclass(frozen=True)
class GridOptions:
    """How a voxel grid begins and how its rays are sampled.

    Attributes:
        initial_noise: standard deviation of the raw values at the start.
        proposal_floor: weight that proposals spread evenly over a ray, so that no part of it is never sampled.
        proposal_period: steps after which the density that proposals are drawn from is computed anew.
        pooled_rows: rows from which that density is pooled.
        pooling: largest block of voxels along an axis that is pooled in a projective volume, or in a lattice that is
            stored in blocks; in a dense box half of it.
        whole: voxels along the longest side of the dense copy of a lattice in blocks, at most, that is looked at.
        light_voxels: a grid of fewer voxels is so fast that more threads do not help.
    """

    initial_noise: float = 0.01
    proposal_floor: float = 0.08
    proposal_period: int = 24
    pooled_rows: int = 64
    pooling: int = 4
    whole: int = 256
    light_voxels: int = 100_000


FIELD = GridOptions()
