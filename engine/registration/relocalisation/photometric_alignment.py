"""Finding a camera from its photo alone: Gauss-Newton on the photometric residual, the field held still.

One primitive serves frames that were knocked off, frames that went astray by themselves, held-out frames before they
are judged, and frames that join late. Several hypotheses are followed at once and compared at the end.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from engine.fields.field import Field
from engine.geometry import rays, se3

DAMPING_UP, DAMPING_DOWN = 6.0, 0.3
ROBUST_SCALE = 0.1  # colour residual at which a pixel's weight has halved


@dataclass
class Alignment:
    """Hypotheses for one camera, refined against one photo.

    Attributes:
        poses: world-to-camera, the best so far of each hypothesis.
        cost: mean robust photometric cost of each.
        damping: Levenberg's, of each.
    """

    poses: Float[Tensor, "hypotheses 3 4"]
    cost: Float[Tensor, " hypotheses"]
    damping: Float[Tensor, " hypotheses"]

    @property
    def best(self) -> Float[Tensor, "3 4"]:
        return self.poses[self.cost.argmin()]


def start(poses: Float[Tensor, "hypotheses 3 4"]) -> Alignment:
    """Hypotheses of which nothing is known yet."""
    unknown = torch.full(poses.shape[:1], torch.inf, device=poses.device)
    return Alignment(poses.clone(), unknown, torch.full_like(unknown, 1e-3))


def colour_jacobian(
    field: Field, poses: Float[Tensor, "hypotheses 3 4"], points: Float[Tensor, "points 2"]
) -> tuple[Float[Tensor, "hypotheses points 3"], Float[Tensor, "hypotheses points 3 6"]]:
    """Rendered colours and how they change when a camera moves by exp(rotation, translation) in its own axes.

    A camera turned by w sees its point p = (u, 1) along R^T exp(-w) p, whose derivative is R^T [p]_x; one moved by v
    has its centre moved by -R^T v.
    """
    hypotheses, count = poses.shape[0], points.shape[0]
    origins, directions = rays.rays_through(poses[:, None], points[None])
    origins = origins.expand_as(directions).reshape(-1, 3).clone().requires_grad_(True)
    directions = directions.reshape(-1, 3).clone().requires_grad_(True)
    with torch.enable_grad(), field.frozen():
        colour = field.render(origins, directions).colour
        slopes = [
            torch.autograd.grad(colour[:, channel].sum(), (origins, directions), retain_graph=channel < 2)
            for channel in range(3)
        ]
    by_origin = torch.stack([slope[0] for slope in slopes], dim=1).view(hypotheses, count, 3, 3)
    by_direction = torch.stack([slope[1] for slope in slopes], dim=1).view(hypotheses, count, 3, 3)
    to_world = poses[:, None, :, :3].mT  # R^T, the camera's axes in the world
    plane = torch.cat([points, torch.ones_like(points[:, :1])], dim=-1)
    in_camera = by_direction @ to_world
    # row . [p]_x = row x p, written as a cross product with the sign of d = R^T (p x w)^T
    turn = torch.linalg.cross(in_camera, plane[None, :, None].expand_as(in_camera), dim=-1)
    move = -(by_origin @ to_world)
    return colour.detach().view(hypotheses, count, 3), torch.cat([turn, move], dim=-1)


def improve(
    alignment: Alignment,
    field: Field,
    points: Float[Tensor, "points 2"],
    colours: Float[Tensor, "points 3"],
) -> Bool[Tensor, " hypotheses"]:
    """One damped Gauss-Newton step of every hypothesis, in place; says which became better.

    Args:
        alignment: where the hypotheses stand.
        field: what the camera looks at; not changed.
        points: pixels on the normalised image plane.
        colours: the photo at these pixels, RGB in [0, 1].
    """
    rendered, jacobian = colour_jacobian(field, alignment.poses, points)
    residual = rendered - colours
    weights = 1 / (1 + residual.square().sum(dim=-1) / ROBUST_SCALE**2)
    cost = _cost(residual)
    weighted = jacobian * weights[..., None, None]
    normal = torch.einsum("hpci,hpcj->hij", weighted, jacobian)
    gradient = torch.einsum("hpci,hpc->hi", weighted, residual)
    diagonal = torch.diagonal(normal, dim1=-2, dim2=-1)
    damped = normal + torch.diag_embed(diagonal * alignment.damping[:, None] + diagonal.mean(-1, True) * 1e-6 + 1e-9)
    twist = -torch.linalg.solve(damped.double(), gradient.double()[..., None])[..., 0].to(gradient)
    # a step longer than half a radian or the scene's unit is no longer first order
    twist = twist * (0.5 / twist.abs().amax(dim=-1, keepdim=True).clamp(min=0.5))
    candidate = se3.compose(se3.exponential(twist), alignment.poses)
    origins, directions = rays.rays_through(candidate[:, None], points[None])
    with torch.no_grad():
        colour = field.render(origins.expand_as(directions).reshape(-1, 3), directions.reshape(-1, 3)).colour
    new_cost = _cost(colour.view_as(residual) - colours)
    better = new_cost < cost
    alignment.poses = torch.where(better[:, None, None], candidate, alignment.poses)
    alignment.cost = torch.where(better, new_cost, cost)
    factor = torch.where(better, DAMPING_DOWN, DAMPING_UP)
    alignment.damping = (alignment.damping * factor).clamp(1e-6, 1e4)
    return better


@torch.no_grad()
def error(
    pose: Float[Tensor, "3 4"], field: Field, points: Float[Tensor, "points 2"], colours: Float[Tensor, "points 3"]
) -> float:
    """Mean squared difference between what a camera sees of the field and its photo."""
    origins, directions = rays.rays_through(pose[None], points)
    colour = field.render(origins.expand_as(directions), directions).colour
    return float((colour - colours).square().mean())


def _cost(residual: Float[Tensor, "hypotheses points 3"]) -> Float[Tensor, " hypotheses"]:
    """Cauchy's robust cost, per point; NaN counts as infinitely bad."""
    cost = torch.log1p(residual.square().sum(dim=-1) / ROBUST_SCALE**2).mean(dim=-1)
    return torch.nan_to_num(cost, nan=torch.inf)
