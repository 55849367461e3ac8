"""One optimisation step of a planar run: pixels from the registration, colours from the learned image, a loss."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from engine.config.rows import PlanarStage
from engine.config.settings import Settings
from engine.fields.image.field import ImageField
from engine.fields.stages import stages
from engine.geometry.homography import apply_homography
from engine.registration.planar.adjustment import adjust_patches
from engine.registration.planar.mosaic import Mosaic
from engine.registration.planar.planar_registration import PatchWarp, PlanarRegistration
from engine.registration.planar.relocalisation import PlanarRecovery
from engine.scenes.planar import PlanarScene, half_extent, pixel_transforms, plane_of_patch, plane_warps
from engine.scenes.pyramid.patch_level import PatchLevel, downsample_patches, draw_patch_pixels
from engine.system import cores
from engine.training.base import Learner, below
from engine.training.build import build_image_field, build_planar_registration
from engine.training.pose_optimiser import PoseOptimiser

HELP_FROM = 60  # steps: before, all patches train as the method has it
LOOK_EVERY = 50  # steps
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
        self._levels: dict[int, PatchLevel] = {}
        self._recovery = PlanarRecovery(scene.warp, scene.patch_size)
        self._lost: set[int] = set()  # looked for in vain since another one joined
        self._joined = [index == 0 for index in range(len(scene.patches))]
        self._perturbations: list[tuple[int, Tensor]] = []
        self._begin_stage(0)

    # ------------------------------------------------------------------ where the run stands

    @property
    def finished(self) -> bool:
        """Whether the schedule is done and no patch is being looked for; `step` goes on training all the same."""
        return self.iteration >= self.iterations and not self._recovery.searches

    @property
    def midway(self) -> bool:
        """A planar step is always a whole one."""
        return False

    @property
    def stage(self) -> PlanarStage:
        return self.stages[self.stage_index]

    def transforms(self) -> Float[Tensor, "patches 3 3"]:
        """Fitted, from pixels of a patch to pixels of the image; in the middle of a search the best so far."""
        warps = self.registration.transforms()
        for search in self._recovery.searches:
            warps[search.patch] = search.best
        return pixel_transforms(self.scene, warps)

    def joined(self) -> list[bool]:
        """Which patches agree with what the others say of the image."""
        return list(self._joined)

    @property
    def _helps(self) -> bool:
        """Whether patches are looked for and adjusted."""
        return self.settings.assisted

    @property
    def _adjusting(self) -> bool:
        """Whether this step moves the patches by second order."""
        done = self.iteration - self.stage_start
        return done < self.stage.adjust or 0 <= self.stage.iterations - 1 - done < self.stage.polish

    def patch_warp(self, patch: int) -> PatchWarp:
        """The warp field of a patch, in the plane."""
        return self.registration.patch_warp(patch)

    # ------------------------------------------------------------------ the step

    def step(self) -> None:
        """One optimisation step, of the searches under way too."""
        if self._stage_over:
            self._begin_stage(self.stage_index + 1)
        with cores.leave_one_core_free():  # on two cores a step takes a third longer with both
            self._advance_searches()
            adjusting = self._adjusting
            if adjusting:
                self._adjust()
            self._optimise(poses_move=not adjusting)
        self.iteration += 1
        if self.iteration >= HELP_FROM and (self.iteration - HELP_FROM) % LOOK_EVERY == 0:
            self._look_around()

    def _optimise(self, poses_move: bool) -> None:
        data = self.level(self.stage.downsample)
        everyone = torch.arange(len(self.scene.patches), device=self.device)
        pixels = draw_patch_pixels(data, self.stage.batch, self.generator)
        warped = self.registration.warp(everyone, data.points[pixels])
        self.field.progress(min(self.iteration / self._whole_schedule, 1.0))
        difference = self.field.colours(warped.points) - data.colours_of(pixels)
        error = difference.square().mean(dim=(1, 2))
        self._learn(self.field, self._optimiser, error, warped.alignment, self._kept(), poses_move=poses_move)

    def _kept(self) -> Float[Tensor, " patches"]:
        """1 for patches that train, 0 for those that would harm the others.

        In the first steps all of them train: some join by themselves.
        """
        kept = torch.ones(len(self.scene.patches), device=self.device)
        if self._helps and self.iteration >= HELP_FROM:
            kept[[patch for patch, joined in enumerate(self._joined) if not joined]] = 0.0
        return kept

    def _adjust(self) -> None:
        chosen = [patch for patch, joined in enumerate(self._joined) if joined]
        data = self.level(self.stage.downsample)
        before = self.registration.transforms()
        after = adjust_patches(self.scene.warp, before, chosen, data, self.generator)
        self.registration.rebase(torch.tensor(chosen[1:], device=self.device), after[chosen[1:]])

    def _begin_stage(self, index: int) -> None:
        self.stage_index, self.stage_start = index, self.iteration
        self.field.begin_stage(self.stage)
        self._forget_errors()
        self._note("stage", self.stage.name)

    def level(self, downsample: int) -> PatchLevel:
        """The patches, downsampled; made once."""
        if downsample not in self._levels:
            self._levels[downsample] = downsample_patches(self.scene, downsample, self.device)
        return self._levels[downsample]

    # ------------------------------------------------------------------ patches that lost their way

    def _advance_searches(self) -> None:
        if not self._recovery.searches:
            return
        for outcome in self._recovery.advance(self.level, self._mosaic_without, self.generator):
            self._put(outcome.patch, outcome.warp)
            self._joined[outcome.patch] = outcome.found
            self._lost = (
                set() if outcome.found else self._lost | {outcome.patch}
            )  # who joins may show where others lie
            self._note("found" if outcome.found else "rejected", self.scene.names[outcome.patch])

    def _look_around(self) -> None:
        """Asks of every patch but the first whether it agrees with the others, and helps those that do not.

        The first time all of them are looked for: one that agrees may do so at a place that is only nearly right.
        """
        searched = {search.patch for search in self._recovery.searches}
        for patch, warp in enumerate(self.registration.transforms()):
            if patch == 0 or patch in searched:
                continue
            agrees = self._recovery.agrees(patch, warp, self.level, self._mosaic_without)
            if not agrees and self._helps and patch not in self._lost:
                self._note("outlier", self.scene.names[patch])
            if self._helps and (self.iteration == HELP_FROM or (not agrees and patch not in self._lost)):
                self._recovery.look_for(patch, warp)
            self._joined[patch] = agrees

    def _mosaic_without(self, patch: int, downsample: int) -> Mosaic:
        """What the others say: where patches are helped those of them that have joined, else all."""
        others = [other for other, joined in enumerate(self._joined) if other != patch and (joined or not self._helps)]
        return Mosaic(self.level(downsample), self.registration.transforms(), others, half_extent(self.scene))

    # ------------------------------------------------------------------ patches knocked off

    def perturb(self, patch: int, transform: Float[Tensor, "3 3"]) -> None:
        """Puts a patch elsewhere (from its pixels to those of the image) and lets it find its way back."""
        self._perturbations.append((patch, self.registration.transforms()[patch]))
        self._put(patch, plane_warps(self.scene, transform[None])[0])
        self._note("perturb-patch", self.scene.names[patch])
        self._joined[patch] = False
        self._lost.discard(patch)
        if self._helps:
            self._recovery.look_for(patch, self.registration.transforms()[patch])

    def undo_perturbation(self) -> bool:
        """Takes the last perturbation back; False if there is none."""
        if not self._perturbations:
            return False
        patch, warp = self._perturbations.pop()
        self._recovery.forget(patch)
        self._put(patch, warp)
        self._joined[patch] = self._recovery.agrees(patch, warp, self.level, self._mosaic_without)
        self._note("undo-perturbation", self.scene.names[patch])
        return True

    def _put(self, patch: int, warp: Float[Tensor, "3 3"]) -> None:
        self.registration.rebase(torch.tensor([patch], device=self.device), warp[None].to(self.device))

    # ------------------------------------------------------------------ bookkeeping

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors and JSON-able metadata that make `load_state` continue as if never interrupted.

        A search under way is not kept half done: it starts anew.
        """
        tensors = {f"field.{name}": tensor for name, tensor in self.field.state().items()}
        learned, metadata = self._learner_state(self.registration.module(), self._optimiser)
        if self._perturbations:
            tensors["perturbed_warps"] = torch.stack([warp for _, warp in self._perturbations])
        return tensors | learned, metadata | {
            "perturbed": [patch for patch, _ in self._perturbations],
            "joined": list(self._joined),
            "lost": sorted(self._lost),
            "searching": [search.patch for search in self._recovery.searches],
        }

    def load_state(self, tensors: dict[str, Tensor], metadata: dict[str, Any]) -> None:
        """Takes up what `state` gave, on a trainer of the same scene and settings."""
        moved = {name: tensor.to(self.device) for name, tensor in tensors.items()}
        self.field.begin_stage(self.stages[metadata["stage_index"]])
        self.field.load_state(below("field.", moved))
        self._load_learner_state(tensors, metadata, self.registration.module(), self._optimiser)
        self._perturbations = list(zip(metadata["perturbed"], moved.get("perturbed_warps", ()), strict=True))
        self._joined, self._lost = list(metadata["joined"]), set(metadata["lost"])
        self._recovery.searches = []
        for patch in metadata["searching"]:
            self._recovery.look_for(patch, self.registration.transforms()[patch])


def lattice(scene: PlanarScene) -> Float[Tensor, "points 2"]:
    """Over a patch from border to border, row by row, in its plane."""
    width, height = scene.patch_size
    axes = torch.linspace(0, width, LATTICE), torch.linspace(0, height, LATTICE)
    pixels = torch.stack(torch.meshgrid(*axes, indexing="xy"), dim=-1).reshape(-1, 2)
    return apply_homography(plane_of_patch(scene).float(), pixels)
