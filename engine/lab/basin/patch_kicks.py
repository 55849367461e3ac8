"""Kicks of patches: shifts against turns, or against displacements of the corners."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from engine.errors import UserError
from engine.geometry.planar_warps import corners
from engine.lab.basin.kicks import Sizes
from engine.lab.basin.options import BasinOptions, BasinRequest
from engine.lab.frozen.frame import FrozenFrame
from engine.messages import PerturbPatch
from engine.scenes.planar import PlanarScene, pixel_transforms, plane_warps
from engine.system.arrays import frozen
from engine.training.planar.moves import place_patch
from engine.training.planar.snapshot import patch_corners

TRIES = 64  # directions that are drawn until one does not fold the patch: corners of most bend it much less


class PatchKicks:
    """See `Kicks`. Rows are shifts, columns turns or displacements of the corners, as far as the family has them.

    A kick is 11 numbers: a shift (x, y), a turn (radians, clockwise) about the middle of the corners, and a
    displacement (x, y) of each corner, in pixels of the image. Where only turns are fitted they are about the
    middle of the image.
    """

    numbers = (
        *("shift_x_px", "shift_y_px", "turn_rad"),
        *(
            f"{corner}_{axis}_px"
            for corner in ("top_left", "top_right", "bottom_right", "bottom_left")
            for axis in "xy"
        ),
    )
    measures = ("final_corner_distance_px",)

    def __init__(self, scene: PlanarScene, request: BasinRequest, options: BasinOptions) -> None:
        """Raises `UserError` where corners shall be moved that the scene's warps cannot move apart."""
        self._scene, self._options, self.pixels = scene, options, options.patch_pixels
        if request.corners is not None and scene.warp != "homography":
            raise UserError("Corners are moved on their own in scenes of homographies only; try turns.")
        self._bends = request.corners is not None
        largest = (request.turn_deg if request.corners is None else request.corners) * (scene.warp != "translation")
        across, up = _list_sizes(largest, options), _list_sizes(request.shift * (scene.warp != "rotation"), options)
        if self._bends:
            self.columns = Sizes("corners moved by", "px", "px", frozen(across), {"corners_px": 1.0})
        else:
            self.columns = Sizes("turned by", "°", "°", frozen(across), {"turn_deg": 1.0})
        self.rows = Sizes("moved by", "px", "px", frozen(up), {"shift_px": 1.0})
        self._across, self._up = across, up
        self.definition = (
            f"Came back: the corners within {options.corners_px:g} px, in the mean, of where they end without a kick, "
            f"after {options.steps} steps."
        )

    def draw(self, direction: int, frame: FrozenFrame) -> Float[Tensor, "rows columns 11"]:
        """Directions of the shift and of each corner are drawn evenly from all; turns go either way by turns.

        Those that would fold the patch are drawn again.
        """
        generator = torch.Generator().manual_seed(1000 * self._options.seed + direction)
        if frame.frame == 0:
            raise UserError("The first patch is fixed: it says where the others are; select another one.")
        for _ in range(TRIES):
            kicks = self._make(torch.rand(5, generator=generator) * 2 * math.pi, -1 if direction % 2 else 1)
            if not self._bends or self._can_be(kicks[-1, -1], frame):
                return kicks
        raise UserError(
            f"Corners cannot be moved by {self._across[-1]:.0f} px: that folds the patch in nearly all directions. "
            "Choose less."
        )

    def _make(self, angles: Float[Tensor, "5"], sign: int) -> Float[Tensor, "rows columns 11"]:
        """Of the angles the first is that of the shift, the others are those of the corners, radians."""
        towards = torch.stack([angles.cos(), angles.sin()], dim=-1)
        shift = self._up[:, None, None] * towards[0]
        turn = torch.zeros(1, 1, 1) if self._bends else sign * torch.deg2rad(self._across)[None, :, None]
        bend = self._across[None, :, None] * towards[1:].flatten() * self._bends
        size = (len(self._up), len(self._across))
        return torch.cat([part.expand(*size, -1) for part in (shift, turn, bend)], dim=-1)

    def _can_be(self, kick: Float[Tensor, "11"], frame: FrozenFrame) -> bool:
        try:
            self._place_one(kick, frame)
        except UserError:
            return False
        return True

    def place(self, kicks: Float[Tensor, "rows columns 11"], frame: FrozenFrame) -> Float[Tensor, "rows columns 3 3"]:
        """As the command of the window would (`engine.messages.PerturbPatch`)."""
        placed = [self._place_one(kick, frame) for kick in kicks.flatten(0, 1)]
        return torch.stack(placed).to(frame.placement).unflatten(0, kicks.shape[:2])

    def _place_one(self, kick: Float[Tensor, "11"], frame: FrozenFrame) -> Float[Tensor, "3 3"]:
        transforms = pixel_transforms(self._scene, frame.placement[None])
        kicked = kick_corners(patch_corners(self._scene, transforms)[0], kick, self._scene)
        first, second, third, fourth = ((float(x), float(y)) for x, y in kicked)
        command = PerturbPatch(frame.frame, (first, second, third, fourth))
        known = transforms.expand(len(self._scene.patches), -1, -1)
        return plane_warps(self._scene, place_patch(self._scene, known, command)[0][None])[0]

    def measure(self, placements: Float[Tensor, "poses 3 3"]) -> Float[Tensor, "kicked 1"]:
        """Mean distance of the corners, pixels of the image."""
        placed = patch_corners(self._scene, pixel_transforms(self._scene, placements))
        return (placed[:-1] - placed[-1]).norm(dim=-1).mean(dim=-1, keepdim=True)

    def is_back(self, measured: Float[Tensor, "kicked 1"]) -> Bool[Tensor, " kicked"]:
        return measured[:, 0] <= self._options.corners_px


def kick_corners(found: Float[Tensor, "4 2"], kick: Float[Tensor, "11"], scene: PlanarScene) -> Float[Tensor, "4 2"]:
    """Where a kick (see `PatchKicks`) puts the corners of a patch, pixels of the image."""
    kick = kick.to(found)
    middle = corners(*scene.image_size).mean(dim=0) if scene.warp == "rotation" else found.mean(dim=0)
    cosine, sine = kick[2].cos(), kick[2].sin()
    turned = (found - middle) @ torch.stack([torch.stack([cosine, sine]), torch.stack([-sine, cosine])]) + middle
    return turned + kick[:2] + kick[3:].view(4, 2)


def _list_sizes(largest: float, options: BasinOptions) -> Float[Tensor, " sizes"]:
    """Evenly from none to the largest; one alone where there are none of the kind."""
    return torch.linspace(0, largest, options.side) if largest > 0 else torch.zeros(1)
