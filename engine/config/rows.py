"""Rows of a schedule, as a field brings them along, and stages: rows made for a scene. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

Rate = tuple[float, float]


@dataclass(frozen=True)
class Row:
    """One row of the table of a scene with cameras.

    Attributes:
        planes: depth planes of a projective grid; voxels along an edge of a box, or of the cube of an unbounded scene.
        iterations: optimisation steps.
        rays: rays per step, over all frames.
        samples: intervals per ray.
        proposals: draw the intervals from the field's own density (else uniform).
        field_rate: Adam's rate for the field, first and last, exponential in between.
        pose_rate: Adam's rate for the registration, likewise.
        smoothness: weight, per voxel, of half the squared differences to its neighbours.
        settle: first iterations in which poses stand still, for the field to follow a jump.
        bundle: before the stage, refine poses by surface bundle adjustment on images this many times smaller
            than the scene's, one after the other; empty for none.
        directional: whether colour may depend on the direction.
        block: pixels are drawn in blocks of this many by this many: neighbours share voxels, and a volume that no
            cache holds is fetched less often.
        sparse: whether a voxel grid stores its voxels in blocks, only where something was seen in the stage before.
            Other fields ignore it.
        bands: how many frequencies of a positional encoding are open at the first and at the last iteration, linear
            in between; fields without an encoding ignore it.
    """

    planes: int
    iterations: int
    rays: int
    samples: int
    proposals: bool
    field_rate: Rate
    pose_rate: Rate
    smoothness: float
    settle: int = 0
    bundle: tuple[int, ...] = ()
    directional: bool = False
    block: int = 2
    sparse: bool = False
    bands: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class Stage(Row):
    """A row, made for a scene.

    Attributes:
        name: what the progress bar shows.
        downsample: integer factor between the scene's images and the stage's.
        voxels: voxels along the longer side of the image (projective) or along an edge of the box or cube.
    """

    name: str
    downsample: int
    voxels: int

    @property
    def cost(self) -> float:
        """Of a step, relative to those of other stages: a bin of the proposals takes a fraction of a sample's time."""
        bins = self.planes / (16 if self.sparse else 8) if self.proposals else 0.0
        return self.rays * (self.samples + bins)


@dataclass(frozen=True)
class PlanarRow:
    """One row of the table of a planar scene.

    Attributes:
        iterations: optimisation steps.
        batch: pixels per step, over all patches; 0 for all of them.
        field_rate: Adam's rate for the field, first and last, exponential in between.
        pose_rate: Adam's rate for the registration, likewise.
        adjust, polish: so many of the first and of the last iterations step the transforms of all patches together
            by Gauss-Newton (see `engine.registration.planar.adjustment`), in place of Adam.
    """

    iterations: int
    batch: int
    field_rate: Rate
    pose_rate: Rate
    adjust: int = 0
    polish: int = 0


@dataclass(frozen=True, kw_only=True)
class PlanarStage(PlanarRow):
    """A row, made for a scene.

    Attributes:
        name: what the progress bar shows.
        downsample: integer factor between the scene's patches and the stage's.
        pixels: of a grid, along the longer side of the image.
        margin: by how much of the image's size a grid reaches beyond it on each side.
    """

    name: str
    downsample: int
    pixels: int
    margin: float

    @property
    def cost(self) -> float:
        """Of a step, relative to those of other stages."""
        return float(self.batch or self.pixels**2)


AnyStage = Stage | PlanarStage


@dataclass(frozen=True)
class PlanarRows:
    """The rows of a planar scene: of the coarsest patches, of all sizes in between, and of the patches as they are.

    `paper` is the one row of the published options, on all pixels.
    """

    first: PlanarRow
    between: PlanarRow
    last: PlanarRow
    paper: PlanarRow


# The official code's options, one stage on whole images (BARF's `options/barf_*.yaml`, L2G-NeRF's likewise).
PAPER_ROWS: Mapping[str, Row] = MappingProxyType(
    {
        "forward-facing": Row(
            *(48, 200_000, 2048, 128, False, (1e-3, 1e-4), (3e-3, 1e-8), 0.0), directional=True, block=1
        ),
        "object": Row(*(48, 200_000, 1024, 128, False, (5e-4, 1e-4), (1e-3, 1e-8), 0.0), directional=True, block=1),
        # The papers have no such scenes: the object's rates, which are made for cameras all around.
        "unbounded": Row(*(48, 200_000, 1024, 128, False, (5e-4, 1e-4), (1e-3, 1e-8), 0.0), directional=True, block=1),
    }
)


@dataclass(frozen=True)
class FieldRows:
    """A field's own schedule: its rates and what a step costs it.

    Attributes:
        default: for each kind of scene with cameras that the field can live in, the rows of this project's recipe
            from coarse to fine. The last row sees the scene's own images, each row before it half of their size; a
            small image takes fewer of the rows, from the end.
        planar: the rows of planar scenes; None for a field that has no form for images.
        paper: for each kind of scene the one row of the published options.
    """

    default: Mapping[str, tuple[Row, ...]]
    planar: PlanarRows | None = None
    paper: Mapping[str, Row] = field(default_factory=lambda: PAPER_ROWS)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of scene that the field can live in."""
        return (*self.default, *(("planar",) if self.planar else ()))
