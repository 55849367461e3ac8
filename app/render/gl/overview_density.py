"""Which part of a volume is shown among the cameras: the surfaces they see, not the haze in space they do not see."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float, Float16

from app.render.gl.values import as_half, as_single, functions_of
from engine.fields.baking import FieldVolume, Values


@dataclass(frozen=True)
class OverviewOptions:
    """Which density is shown in the overview.

    Attributes:
        haze: densities per voxel: below the first nothing is shown, above the second everything, in between a share.
            The field fills space that no camera sees with densities of this size.
        most_voxels: per side; an overview a few hundred pixels wide shows no finer detail.
        visible_depth: optical depth up to which a surface is shown although its own front lies before it.
    """

    haze: tuple[float, float] = (0.1, 0.5)
    most_voxels: int = 200
    visible_depth: float = 1.5


OPTIONS = OverviewOptions()


class OverviewDensity:
    """Density to be shown, on the volume's lattice or a coarser one whose corners are about the same.

    Where all cameras look along one axis, the space behind a surface was never learned and holds arbitrary density.
    In a projective volume density is therefore multiplied by the transmittance from there to the world's origin, near
    which the cameras stand. Planes count from infinity; they are computed from the last one, the nearest, on.

    Attributes:
        shape: (depth, height, width), voxels.
    """

    def __init__(self, volume: FieldVolume) -> None:
        """Computes nothing yet. Beside a detail, the pooled density counts per voxel of the detail, and is thinner: it
        is not used, as an average over larger blocks."""
        self._projective = volume.space == "projective"
        self._pooled = volume.proposal_density is not None and volume.detail is None
        if self._pooled:
            self._values: Values = volume.proposal_density
        else:
            steps = [-(-size // OPTIONS.most_voxels) for size in volume.voxels.shape[:3]]
            self._values = volume.voxels[:: steps[0], :: steps[1], :: steps[2], 0]
        depth, height, width = self._values.shape
        self.shape: tuple[int, int, int] = (depth, height, width)
        self._left = depth
        self._nearer: Values | None = None  # optical depth of the planes so far

    def next_planes(self, count: int) -> tuple[int, Float16[Values, "planes height width"]]:
        """So many planes, and the number of the first: they end where those before began."""
        last, self._left = self._left, max(self._left - count, 0)
        values, (low, high) = self._values[self._left : last], OPTIONS.haze
        density = as_single(values) if self._pooled else softplus(as_single(values))
        thick = ((density - low) / (high - low)).clip(0, 1)
        if self._projective:
            use = functions_of(density)
            through = use.flip(use.cumsum(use.flip(density, (0,)), 0), (0,))
            if self._nearer is not None:
                through = through + self._nearer
            self._nearer = through[0]
            thick = thick * use.exp(-(through - density - OPTIONS.visible_depth).clip(0, None))
        return self._left, as_half(density * thick)


def compute_overview_density(volume: FieldVolume) -> Float16[Values, "depth height width"]:
    """All planes of it at once."""
    overview = OverviewDensity(volume)
    return overview.next_planes(overview.shape[0])[1]


def softplus(raw: Float[Values, "*shape"]) -> Float[Values, "*shape"]:
    """Density of raw values: log(1 + exp(raw)), per voxel; values below 1e-7 may be 0."""
    use = functions_of(raw)
    return raw.clip(0, None) + use.log(1 + use.exp(-abs(raw)))
