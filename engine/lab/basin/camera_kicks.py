"""Kicks of cameras: angles against distances, in directions that all cells of the map share."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import normalize

from engine.geometry import se3
from engine.lab.basin.kicks import Sizes
from engine.lab.basin.options import BasinOptions, BasinRequest
from engine.lab.frozen.frame import FrozenFrame
from engine.system.arrays import frozen


class CameraKicks:
    """See `Kicks`. Rows are distances, columns angles; a kick is a twist in the camera's own axes."""

    numbers = ("rx", "ry", "rz", "tx", "ty", "tz")
    measures = ("final_angle_deg", "final_distance_units")

    def __init__(self, request: BasinRequest, options: BasinOptions) -> None:
        self._request, self._options, self.pixels = request, options, options.pixels
        percent = request.spread / 100
        angles = torch.linspace(0, request.turn_deg, options.side)
        shifts = torch.linspace(0, request.shift, options.side) / percent
        self.columns = Sizes("turned by", "°", "°", frozen(angles), {"turn_deg": 1.0})
        names = {"shift_units": percent, "shift_percent_of_spread": 1.0}
        self.rows = Sizes("moved by", "%", "% of the cameras' spread", frozen(shifts), names)
        self.definition = (
            f"Came back: within {options.angle_deg:g}° and {100 * options.distance:g} % of the cameras' spread "
            f"({options.distance * request.spread:.3g} units) of where the pose ends that was not kicked, after "
            f"{options.steps} steps."
        )

    def draw(self, direction: int, frame: FrozenFrame) -> Float[Tensor, "rows columns 6"]:
        """Twists as `engine.messages.PerturbPose` has them, radians and scene units.

        Axis of the turn and direction of the shift are drawn evenly from all.
        """
        generator = torch.Generator().manual_seed(1000 * self._options.seed + direction)
        turn, shift = normalize(torch.randn(2, 3, generator=generator), dim=-1)
        angles = torch.linspace(0, self._request.turn_deg, self._options.side)
        distances = torch.linspace(0, self._request.shift, self._options.side)
        rotation = (angles * math.pi / 180)[None, :, None] * turn
        translation = distances[:, None, None] * shift
        return torch.cat(torch.broadcast_tensors(rotation, translation), dim=-1)

    def place(self, kicks: Float[Tensor, "rows columns 6"], frame: FrozenFrame) -> Float[Tensor, "rows columns 3 4"]:
        return se3.compose(se3.exponential(kicks.to(frame.placement)), frame.placement)

    def measure(self, placements: Float[Tensor, "poses 3 4"]) -> Float[Tensor, "kicked 2"]:
        """Angle (degrees) and distance of the centre (scene units)."""
        poses = placements.cpu()
        centres = se3.camera_centre(poses)
        turned = se3.rotation_angle(poses[:-1, :, :3] @ poses[-1, :, :3].mT)
        return torch.stack([torch.rad2deg(turned), (centres[:-1] - centres[-1]).norm(dim=-1)], dim=-1)

    def is_back(self, measured: Float[Tensor, "kicked 2"]) -> Bool[Tensor, " kicked"]:
        angle, distance = measured.unbind(dim=-1)
        return (angle <= self._options.angle_deg) & (distance <= self._options.distance * self._request.spread)
