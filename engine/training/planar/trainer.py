"""The trainer of planar scenes: points from the registration, colours from the learned image, a loss."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from engine.config.rows import PlanarStage
from engine.config.settings import Settings
from engine.errors import UserError
from engine.evidence.verdict import Verdict
from engine.fields.image.field import ImageField
from engine.fields.stages import stages
from engine.geometry.homography import apply_homography
from engine.messages import FrameStatus, Snapshot
from engine.registration.planar.adjustment import adjust_patches
from engine.registration.planar.agreement import judge_patches, measure_patches, measured_downsample
from engine.registration.planar.mosaic import Mosaic
from engine.registration.planar.planar_registration import PlanarRegistration
from engine.registration.planar.relocalisation import DEFAULTS as SEARCH_DEFAULTS
from engine.registration.planar.relocalisation import PatchRelocaliser, PatchSearchOptions
from engine.registration.warp_motion import WarpUnits
from engine.scenes.planar import PlanarScene, half_extent, pixel_transforms, plane_of_patch, plane_warps
from engine.scenes.pyramid.patch_level import PatchLevel, downsample_patches, draw_patch_pixels
from engine.system import cores
from engine.system.arrays import tensors_below
from engine.system.recorded_work import tensors_of, upload_made
from engine.training.base import BaseTrainer
from engine.training.build import build_image_field, build_planar_registration
from engine.training.losses import StepOutput
from engine.training.planar.moves import patch_moves
from engine.training.planar.snapshot import patch_warp_snapshot, planar_snapshot
from engine.training.pose_optimiser import PoseOptimiser
from engine.training.step_work import Learned, Moving, StepWork
from engine.training.tasks import Progress, Task, perform_all_due
from engine.training.trainer import Moves, Perturbation

LATTICE = 17  # points a side, from border to border of a patch, that published transforms are fitted to


@dataclass(frozen=True)
class PlanarOptions:
    """When a planar run searches.

    Attributes:
        search_from: iteration before which all patches train as the method has it: some register by themselves.
        check_period: iterations between two checks whether every patch agrees with the others.
        verdict_period: iterations after which a snapshot has a new verdict: it takes as long as ten steps.
        search: how patches are searched for.
    """

    search_from: int = 60
    check_period: int = 50
    verdict_period: int = 200
    search: PatchSearchOptions = SEARCH_DEFAULTS


class PlanarTrainer(BaseTrainer):
    """The state of a planar run between two steps."""

    thing = "patch"

    def __init__(
        self,
        scene: PlanarScene,
        settings: Settings,
        device: torch.device | str = "cpu",
        options: PlanarOptions | None = None,
    ) -> None:
        self.stages = stages(scene, settings)
        super().__init__(settings, device, len(scene.patches), self.stages)
        self.scene, self.options = scene, options or PlanarOptions()
        self.registration: PlanarRegistration = build_planar_registration(
            scene, settings, lattice(scene).to(self.device), self.generator
        )
        self.field: ImageField = build_image_field(scene, settings, self.generator, self.device)
        self._optimiser = PoseOptimiser(self.registration.module())
        self._warp_units = WarpUnits(2 / max(scene.image_size), 2)
        self._levels: dict[int, PatchLevel] = {}
        self._relocaliser = PatchRelocaliser(scene.warp, scene.patch_size, self.options.search)
        self._statuses = [FrameStatus.WAITING] * len(scene.patches)
        self._statuses[0] = FrameStatus.REGISTERED  # it is fixed
        # Patches whose search found nothing since the last one was registered: another search would end the same.
        self._searched_in_vain: set[int] = set()
        self._judged: tuple[tuple[object, ...], Verdict] | None = None
        self.tasks = (
            Task("search", lambda: bool(self._relocaliser.searches), self._search),
            Task("adjust all patches", lambda: self._adjusting, self._adjust),
            Task("optimise", lambda: True, self._optimise),
            Task("check agreement", self._check_due, self._check_agreement),
        )
        self._begin_stage(0)

    # ------------------------------------------------------------------ where the run stands

    @property
    def finished(self) -> bool:
        """Whether the schedule is done and no patch is being searched for; `step` goes on training all the same."""
        return self.iteration >= self.iterations and not self._relocaliser.searches

    @property
    def under_way(self) -> bool:
        """A planar step is always a whole one."""
        return False

    @property
    def stage(self) -> PlanarStage:
        return self.stages[self.stage_index]

    def frame_status(self) -> tuple[FrameStatus, ...]:
        """Of each patch; without assistance, a patch that does not agree with the others yet is waiting."""
        return tuple(self._statuses)

    def transforms(self) -> Float[Tensor, "patches 3 3"]:
        """Fitted, from pixels of a patch to pixels of the image; in the middle of a search the best so far."""
        return pixel_transforms(self.scene, self._warps())

    def _warps(self) -> Float[Tensor, "patches 3 3"]:
        """Of the plane; in the middle of a search the best so far."""
        warps = self.registration.transforms()
        for search in self._relocaliser.searches:
            warps[search.patch] = search.best
        return warps

    def verdict(self) -> Verdict:
        """On the patches as they lie now: whether they agree where they overlap."""
        downsample = measured_downsample(self.scene.patch_size)
        seen = self.scene.warp, self.level(downsample), half_extent(self.scene), downsample
        return judge_patches(self.scene.names, measure_patches(self._warps(), *seen))

    def _recent_verdict(self) -> Verdict:
        """A verdict of a short time ago, on patches of the same statuses."""
        state = (self.iteration // self.options.verdict_period, *self._statuses)
        if self._judged is None or self._judged[0] != state:
            self._judged = (state, self.verdict())
        return self._judged[1]

    def measure(self, snapshot: Snapshot, selected: int | None) -> Snapshot:
        """The snapshot with transforms, corners, the verdict, and the warp field of the selected patch."""
        warp = None
        if selected is not None:
            warp = patch_warp_snapshot(self.registration.patch_warp(selected), self.scene, selected, LATTICE)
        planar = planar_snapshot(self.scene, self.transforms(), warp)
        verdict = self._recent_verdict() if self.iteration >= self.options.search_from else None
        return replace(snapshot, planar=planar, frame_status=self.frame_status(), verdict=verdict)

    @property
    def _helps(self) -> bool:
        """Whether patches are searched for and adjusted together."""
        return self.settings.assisted

    @property
    def _adjusting(self) -> bool:
        """Whether this step moves the patches by second order."""
        done = self.iteration - self.stage_start
        return done < self.stage.adjust or 0 <= self.stage.iterations - 1 - done < self.stage.polish

    # ------------------------------------------------------------------ the step

    def step(self) -> None:
        """One optimisation step, with one step of each search under way."""
        if self._next_stage_due():
            self._begin_stage(self.stage_index + 1)
        with cores.leave_one_core_free():  # on two cores a step takes a third longer with both
            perform_all_due(self.tasks)

    def _optimise(self) -> Progress:
        data, stage = self.level(self.stage.downsample), self.stage
        self.field.progress(self._run_fraction)

        def render() -> StepOutput:
            patches = torch.arange(len(self.scene.patches), device=self.device)
            pixels = draw_patch_pixels(data, stage.batch, self.generator)
            warped = self.registration.warp(patches, data.points[pixels])
            rendered, trains = self.field.colours(warped.points), upload_made(self._trains, self.device)
            return StepOutput(rendered, data.colours_of(pixels), warped.alignment, trains)

        kind = self.field.step_kind()
        kind = kind and kind.extended([stage], (*tensors_of(self.registration.module()), data))
        learned = Learned(self.field, self.registration, self._optimiser)
        self._learn(learned, StepWork(render, kind, moving=Moving(poses=not self._adjusting)), self._statuses)
        self.iteration += 1
        return "complete"

    def _trains(self) -> Float[Tensor, " patches"]:
        """1 for patches that train, 0 for those that would harm the others; at first all train. A CPU tensor."""
        waits = self._helps and self.iteration >= self.options.search_from
        patches = range(len(self.scene.patches))
        return torch.tensor([float(not waits or self._is_registered(patch)) for patch in patches])

    def _adjust(self) -> Progress:
        """Steps the transforms of all registered patches together."""
        chosen = [patch for patch in range(len(self._statuses)) if self._is_registered(patch)]
        data = self.level(self.stage.downsample)
        before = self.registration.transforms()
        after = adjust_patches(self.scene.warp, before, chosen, data, self.generator)
        moved = torch.tensor(chosen[1:], dtype=torch.long, device=self.device)  # none where only the first is
        self.registration.rebase(moved, after[moved])
        return "complete"

    def _begin_stage(self, index: int) -> None:
        self.stage_index, self.stage_start = index, self.iteration
        self.field.begin_stage(self.stage)
        self.errors.forget()
        self._note("stage", self.stage.name)

    def level(self, downsample: int) -> PatchLevel:
        """The patches, downsampled; made once."""
        if downsample not in self._levels:
            self._levels[downsample] = downsample_patches(self.scene, downsample, self.device)
        return self._levels[downsample]

    # ------------------------------------------------------------------ searches for patches

    def _is_registered(self, patch: int) -> bool:
        return self._statuses[patch] is FrameStatus.REGISTERED

    def _search(self) -> Progress:
        """One step of every search."""
        for outcome in self._relocaliser.advance(self.level, self._mosaic_without, self.generator):
            patch = outcome.patch
            self._place(patch, outcome.warp)
            self._statuses[patch] = FrameStatus.REGISTERED if outcome.found else FrameStatus.REJECTED
            # one more that is registered may show where the others lie
            self._searched_in_vain = set() if outcome.found else self._searched_in_vain | {patch}
            self._note("found" if outcome.found else "rejected", self.scene.names[patch], patch)
        return "complete"

    def _check_due(self) -> bool:
        since = self.iteration - self.options.search_from
        return since >= 0 and since % self.options.check_period == 0

    def _check_agreement(self) -> Progress:
        """Asks of every patch but the first whether it agrees with the others, and searches for those that do not.

        The first time all of them are searched for: one that agrees may do so at a place that is only nearly right.
        """
        searched = {search.patch for search in self._relocaliser.searches}
        for patch, warp in enumerate(self.registration.transforms()):
            if patch == 0 or patch in searched:
                continue
            agrees = self._relocaliser.agrees(patch, warp, self.level, self._mosaic_without)
            outlier = self._helps and not agrees and patch not in self._searched_in_vain
            if outlier:
                self._note("outlier", self.scene.names[patch], patch)
            if outlier or (self._helps and self.iteration == self.options.search_from):
                self._relocaliser.begin(patch, warp)
            self._statuses[patch] = self._status_of(patch, agrees)
        return "complete"

    def _status_of(self, patch: int, agrees: bool) -> FrameStatus:
        if agrees:
            return FrameStatus.REGISTERED
        if any(search.patch == patch for search in self._relocaliser.searches):
            return FrameStatus.SEARCHING
        return FrameStatus.REJECTED if patch in self._searched_in_vain else FrameStatus.WAITING

    def _mosaic_without(self, patch: int, downsample: int) -> Mosaic:
        """What the other patches say of the image: with assistance the registered ones, else all."""
        others = [
            other
            for other in range(len(self._statuses))
            if other != patch and (self._is_registered(other) or not self._helps)
        ]
        return Mosaic(self.level(downsample), self.registration.transforms(), others, half_extent(self.scene))

    def exclude(self, frame: int, exclude: bool) -> None:
        raise UserError("A patch cannot be excluded: all of them together make up the image.")

    # ------------------------------------------------------------------ perturbations by hand

    def moves(self, command: Perturbation) -> Moves:
        """What a perturbation does to which patches; changes nothing."""
        return patch_moves(self.scene, self.transforms(), command)

    def placements(self) -> Float[Tensor, "patches 3 3"]:
        """The warps of the patches in the plane."""
        return self.registration.transforms()

    def perturb(self, frame: int, move: Float[Tensor, "3 3"]) -> None:
        """Puts a patch elsewhere (a transform from its pixels to those of the image), and has it searched for."""
        self._place(frame, plane_warps(self.scene, move[None])[0])
        self._note("perturb-patch", self.scene.names[frame], frame)
        self._searched_in_vain.discard(frame)
        if self._helps:
            self._relocaliser.begin(frame, self.registration.transforms()[frame])
        self._statuses[frame] = self._status_of(frame, agrees=False)

    def take_back(self, frame: int, placement: Float[Tensor, "3 3"]) -> None:
        """Undoes a `perturb`: puts a patch back where it was before it."""
        self._relocaliser.cancel(frame)
        self._place(frame, placement)
        agrees = self._relocaliser.agrees(frame, placement, self.level, self._mosaic_without)
        self._statuses[frame] = self._status_of(frame, agrees)
        self._note("undo-perturbation", self.scene.names[frame], frame)

    def _place(self, patch: int, warp: Float[Tensor, "3 3"]) -> None:
        self.registration.rebase(torch.tensor([patch], device=self.device), warp[None].to(self.device))

    # ------------------------------------------------------------------ checkpoints

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors and JSON-able metadata that make `load_state` continue as if never interrupted.

        A search under way is not kept half done: it starts anew.
        """
        tensors = {f"field.{name}": tensor for name, tensor in self.field.state().items()}
        learned, metadata = self._base_state(self.registration.module(), self._optimiser)
        return tensors | learned, metadata | {
            "statuses": [str(status) for status in self._statuses],
            "searched_in_vain": sorted(self._searched_in_vain),
            "searching": [search.patch for search in self._relocaliser.searches],
        }

    def load_state(self, tensors: dict[str, Tensor], metadata: dict[str, Any]) -> None:
        """Takes up what `state` gave, on a trainer of the same scene and settings."""
        moved = {name: tensor.to(self.device) for name, tensor in tensors.items()}
        self.field.begin_stage(self.stages[metadata["stage_index"]])
        self.field.load_state(tensors_below("field.", moved))
        self._load_base_state(tensors, metadata, self.registration.module(), self._optimiser)
        self._statuses = [FrameStatus(status) for status in metadata["statuses"]]
        self._searched_in_vain = set(metadata["searched_in_vain"])
        self._relocaliser.searches = []
        for patch in metadata["searching"]:
            self._relocaliser.begin(patch, self.registration.transforms()[patch])


def lattice(scene: PlanarScene) -> Float[Tensor, "points 2"]:
    """Over a patch from border to border, row by row, in its plane."""
    width, height = scene.patch_size
    axes = torch.linspace(0, width, LATTICE), torch.linspace(0, height, LATTICE)
    pixels = torch.stack(torch.meshgrid(*axes, indexing="xy"), dim=-1).reshape(-1, 2)
    return apply_homography(plane_of_patch(scene).float(), pixels)
