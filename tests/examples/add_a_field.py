"""A third field in one file: three planes of features and a small decoder, trained and shown like the built-in ones.

    python -m tests.examples.add_a_field scenes/fern --field tri-plane

opens the window on it. Nothing else of the program knows of it: `FIELDS` is the one place where a field is entered.

A point (x, y, z) of the scene's volume is looked up in the planes xy, xz and yz; the three features are added and
decoded into density and colour (the representation of EG3D, Chan et al., CVPR 2022, arXiv 2112.07945). The planes get
finer from stage to stage, which is this field's band limit.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Generator, Tensor, nn

from engine.config.rows import FieldRows, Row, Stage
from engine.config.settings import Settings
from engine.fields import FIELDS, FieldSpec
from engine.fields.sampled import SampledField
from engine.fields.spaces import space_of
from engine.scenes import Scene
from engine.system.recorded_work import WorkKind

FEATURES = 8
DENSITY = 24.0  # of a raw value of 1, per crossing of the volume
PLANES = (slice(0, 2), slice(0, 3, 2), slice(1, 3))  # which two of x, y and z a plane is spanned by


class Parameters(nn.Module):
    """Everything that is trained: the planes, of `side` by `side` points, and the decoder."""

    def __init__(self, side: int, generator: Generator) -> None:
        super().__init__()
        self.planes = nn.Parameter(0.1 * torch.randn(len(PLANES), FEATURES, side, side, generator=generator))
        self.hidden = nn.Parameter(torch.randn(32, FEATURES, generator=generator) / FEATURES**0.5)
        self.out = nn.Parameter(0.1 * torch.randn(4, 32, generator=generator))
        self.bias = nn.Parameter(torch.tensor([-2.0, 0.0, 0.0, 0.0]))  # thin at first, so that light comes through


class TriPlane(SampledField):
    """What `SampledField` leaves open: an answer at points, and finer planes when a stage begins."""

    def __init__(self, scene: Scene, settings: Settings, generator: Generator, device: torch.device) -> None:
        super().__init__(Parameters(8, generator), space_of(scene), scene.background, device)

    @property
    def parameters(self) -> Parameters:
        """The module, by its own type."""
        assert isinstance(self.module, Parameters)
        return self.module

    def begin_stage(self, stage: Stage) -> None:
        """Resamples the planes to the stage's resolution; Adam begins anew."""
        with torch.no_grad():
            finer = F.interpolate(
                self.parameters.planes, (stage.voxels, stage.voxels), mode="bilinear", align_corners=True
            )
        self.parameters.planes = nn.Parameter(finer)
        self.optimise(self.parameters)
        super().begin_stage(stage)

    def query(
        self, points: Float[Tensor, "*batch 3"], views: Float[Tensor, "*batch 3"] | None
    ) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch 3"]]:
        """Density per crossing of the volume, and RGB; colour is the same from everywhere."""
        places = (2 * points - 1).reshape(1, -1, 1, 3)
        features = sum(
            F.grid_sample(plane[None], places[..., axes], align_corners=True, padding_mode="border")
            for plane, axes in zip(self.parameters.planes, PLANES, strict=True)
        )
        assert isinstance(features, Tensor)
        hidden = F.relu(F.linear(features[0, ..., 0].T, self.parameters.hidden))
        raw = F.linear(hidden, self.parameters.out, self.parameters.bias).reshape(*points.shape[:-1], 4)
        return F.softplus(raw[..., 0]) * DENSITY, torch.sigmoid(raw[..., 1:])

    def step_kind(self) -> WorkKind:
        """A GPU may play its steps: no shape and no number in them follows from anything but the stage."""
        return self.make_step_kind()


ROWS = (
    #   planes, iterations, rays, samples, proposals, field rate, pose rate, smoothness
    Row(12, 300, 2000, 18, False, (2e-2, 1e-2), (1e-2, 5e-3), 0.0),
    Row(16, 200, 2000, 24, False, (2e-2, 5e-3), (5e-3, 3e-3), 0.0),
    Row(24, 200, 2000, 16, True, (1e-2, 5e-3), (1e-3, 5e-4), 0.0, settle=60, bundle=(8, 4)),
    Row(32, 1000, 4000, 16, True, (1e-2, 1e-3), (5e-4, 5e-5), 0.0, settle=120, bundle=(4, 2)),
)

TRI_PLANE = FieldSpec(
    label="Tri-plane",
    sentence="Three planes of features with a small decoder.",
    make=TriPlane,
    rows=FieldRows(default={"forward-facing": ROWS, "object": ROWS}),
)


def register() -> None:
    """Enters it into the table; from then on `--field tri-plane` and the window's menu know it."""
    FIELDS["tri-plane"] = TRI_PLANE


if __name__ == "__main__":
    register()
    from app.main import main

    main()
