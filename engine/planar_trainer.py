"""One optimisation step of a planar run: pixels from the registration, colours from the learned image, a loss."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from engine.build import build_image_field, build_planar_registration
from engine.fields.image_field import ImageField
from engine.geometry.homography import apply_homography
from engine.learner import Learner, below
from engine.patch_data import PatchData, downsampled, draw_points
from engine.planar_schedule import PlanarStage, stages
from engine.pose_optimiser import PoseOptimiser
from engine.registration.planar.planar_registration import PatchWarp, PlanarRegistration
from engine.scenes.planar import PlanarScene, pixel_transforms, plane_of_patch, plane_warps
from engine.settings import Settings

LATTICE = 17  # points a side, from border to border of a patch, that published transforms are fitted to


class PlanarTrainer(Learner):
    """The state of a planar run between two steps."""

    def __init__(self, scene: PlanarScene, settings: Settings, device: torch.device | str = "cpu") -> None:
        self.stages = stages(scene, settings)
        super().__init__(settings, device, len(scene.patches), self.stages)
        self.scene = scene
        self.registration: PlanarRegistration = build_planar_registration(
            scene, settings, lattice(scene).to(self.device), self.generator
        )
        self.field: ImageField = build_image_field(scene, settings, self.generator, self.device)
        self._optimiser = PoseOptimiser(self.registration.module())
        self._levels: dict[int, PatchData] = {}
        self._perturbations: list[tuple[int, Tensor]] = []
        self._begin_stage(0)

    # ------------------------------------------------------------------ where the run stands

    @property
    def finished(self) -> bool:
        """Whether the schedule is done; `step` goes on training all the same."""
        return self.iteration >= self.iterations

    @property
    def midway(self) -> bool:
        """A planar step is always a whole one."""
        return False

    @property
    def stage(self) -> PlanarStage:
        return self.stages[self.stage_index]

    def transforms(self) -> Float[Tensor, "patches 3 3"]:
        """Fitted, from pixels of a patch to pixels of the image."""
        return pixel_transforms(self.scene, self.registration.transforms())

    def joined(self) -> list[bool]:
        """Which patches agree with what the others say of the image."""
        return [True] * len(self.scene.patches)

    def patch_warp(self, patch: int) -> PatchWarp:
        """The warp field of a patch, in the plane."""
        return self.registration.patch_warp(patch)

    # ------------------------------------------------------------------ the step

    def step(self) -> None:
        """One optimisation step."""
        if self._stage_over:
            self._begin_stage(self.stage_index + 1)
        self._optimise()
        self.iteration += 1

    def _optimise(self) -> None:
        data = self.level(self.stage.downsample)
        everyone = torch.arange(len(self.scene.patches), device=self.device)
        pixels = draw_points(data, self.stage.batch, self.generator)
        warped = self.registration.warp(everyone, data.points[pixels])
        self.field.progress(min(self.iteration / self._whole_schedule, 1.0))
        difference = self.field.colours(warped.points) - data.colours_of(pixels)
        error = difference.square().mean(dim=(1, 2))
        self._learn(self.field, self._optimiser, error, warped.alignment, torch.ones_like(error))

    def _begin_stage(self, index: int) -> None:
        self.stage_index, self.stage_start = index, self.iteration
        self.field.begin_stage(self.stage)
        self._forget_errors()
        self._note("stage", self.stage.name)

    def level(self, downsample: int) -> PatchData:
        """The patches, downsampled; made once."""
        if downsample not in self._levels:
            self._levels[downsample] = downsampled(self.scene, downsample, self.device)
        return self._levels[downsample]

    # ------------------------------------------------------------------ patches knocked off

    def perturb(self, patch: int, transform: Float[Tensor, "3 3"]) -> None:
        """Puts a patch elsewhere (from its pixels to those of the image) and lets it find its way back."""
        self._perturbations.append((patch, self.registration.transforms()[patch]))
        self._put(patch, plane_warps(self.scene, transform[None])[0])
        self._note("perturb", self.scene.names[patch])

    def undo_perturbation(self) -> bool:
        """Takes the last perturbation back; False if there is none."""
        if not self._perturbations:
            return False
        patch, warp = self._perturbations.pop()
        self._put(patch, warp)
        self._note("undo", self.scene.names[patch])
        return True

    def _put(self, patch: int, warp: Float[Tensor, "3 3"]) -> None:
        self.registration.rebase(torch.tensor([patch], device=self.device), warp[None].to(self.device))

    # ------------------------------------------------------------------ bookkeeping

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors and JSON-able metadata that make `load_state` continue as if never interrupted."""
        tensors = {f"field.{name}": tensor for name, tensor in self.field.state().items()}
        learned, metadata = self._learner_state(self.registration.module(), self._optimiser)
        if self._perturbations:
            tensors["perturbed_warps"] = torch.stack([warp for _, warp in self._perturbations])
        return tensors | learned, metadata | {"perturbed": [patch for patch, _ in self._perturbations]}

    def load_state(self, tensors: dict[str, Tensor], metadata: dict[str, Any]) -> None:
        """Takes up what `state` gave, on a trainer of the same scene and settings."""
        moved = {name: tensor.to(self.device) for name, tensor in tensors.items()}
        self.field.begin_stage(self.stages[metadata["stage_index"]])
        self.field.load_state(below("field.", moved))
        self._load_learner_state(tensors, metadata, self.registration.module(), self._optimiser)
        self._perturbations = list(zip(metadata["perturbed"], moved.get("perturbed_warps", ()), strict=True))


def lattice(scene: PlanarScene) -> Float[Tensor, "points 2"]:
    """Over a patch from border to border, row by row, in its plane."""
    width, height = scene.patch_size
    axes = torch.linspace(0, width, LATTICE), torch.linspace(0, height, LATTICE)
    pixels = torch.stack(torch.meshgrid(*axes, indexing="xy"), dim=-1).reshape(-1, 2)
    return apply_homography(plane_of_patch(scene).float(), pixels)
