"""Alignment of one camera with a fixed field: Gauss-Newton on the photometric residual of its photo.

It relocalises kicked frames, outliers and added frames, and refines held-out frames before they are scored. Several
hypotheses are refined at once and compared at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from engine.fields.field import Field
from engine.geometry import rays, se3
from engine.registration.gauss_newton import DampingOptions, limit_step, update_damping


@dataclass(frozen=True)
class AlignmentOptions:
    """How hypotheses about one camera are refined.

    Attributes:
        robust_scale: colour residual (RGB in [0, 1]) at which a pixel's Cauchy weight has halved.
        longest_step: largest component of a step, radians and scene units; a longer step is not first order any more.
        damping: of the steps.
    """

    robust_scale: float = 0.1
    longest_step: float = 0.5
    damping: DampingOptions = field(default_factory=lambda: DampingOptions(initial=1e-3, least=1e-6, largest=1e4))


DEFAULT = AlignmentOptions()


@dataclass
class Alignment:
    """Hypotheses about the pose of one camera, refined against its photo.

    Attributes:
        poses: world-to-camera, the best so far of each hypothesis.
        cost: mean robust photometric cost of each; infinite before the first step.
        damping: of the next step of each, relative to the diagonal of the normal equations.
    """

    poses: Float[Tensor, "hypotheses 3 4"]
    cost: Float[Tensor, " hypotheses"]
    damping: Float[Tensor, " hypotheses"]

    @property
    def best(self) -> Float[Tensor, "3 4"]:
        """The pose of the lowest cost."""
        return self.poses[self.cost.argmin()]


def keep_best(alignment: Alignment, count: int) -> Alignment:
    """The `count` hypotheses of the lowest costs, in their order."""
    chosen = alignment.cost.argsort()[:count]
    return Alignment(alignment.poses[chosen], alignment.cost[chosen], alignment.damping[chosen])


def start(poses: Float[Tensor, "hypotheses 3 4"], options: AlignmentOptions = DEFAULT) -> Alignment:
    """Hypotheses before their first step."""
    unknown = torch.full(poses.shape[:1], torch.inf, device=poses.device)
    return Alignment(poses.clone(), unknown, torch.full_like(unknown, options.damping.initial))


def colour_jacobian(
    field: Field, poses: Float[Tensor, "hypotheses 3 4"], points: Float[Tensor, "points 2"]
) -> tuple[Float[Tensor, "hypotheses points 3"], Float[Tensor, "hypotheses points 3 6"]]:
    """Rendered colours, and their derivatives by a motion of the camera in its own axes.

    A camera whose pose becomes exp(w, v) T, with rotation w and translation v, sees its point p = (u, 1) along
    R^T exp(-w) p, whose derivative by w is R^T [p]_x; the derivative of its centre by v is -R^T.

    Args:
        field: rendered with gradients by the rays only.
        poses: world-to-camera.
        points: pixels on the normalised image plane, the same for all hypotheses.
    Returns:
        RGB in [0, 1], and its derivatives by (w, v).
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
    # A row vector times [p]_x is its cross product with p.
    turn = torch.linalg.cross(in_camera, plane[None, :, None].expand_as(in_camera), dim=-1)
    move = -(by_origin @ to_world)
    return colour.detach().view(hypotheses, count, 3), torch.cat([turn, move], dim=-1)


def improve(
    alignment: Alignment,
    field: Field,
    points: Float[Tensor, "points 2"],
    colours: Float[Tensor, "points 3"],
    options: AlignmentOptions = DEFAULT,
) -> Bool[Tensor, " hypotheses"]:
    """Takes one damped Gauss-Newton step of every hypothesis, in place; no cost rises.

    Args:
        alignment: the hypotheses.
        field: rendered, not changed.
        points: pixels on the normalised image plane.
        colours: the photo at these pixels, RGB in [0, 1].
        options: of the step.
    Returns:
        which hypotheses have a lower cost than before.
    """
    rendered, jacobian = colour_jacobian(field, alignment.poses, points)
    residual = rendered - colours
    weights = 1 / (1 + residual.square().sum(dim=-1) / options.robust_scale**2)
    cost = _cost(residual, options)
    weighted = jacobian * weights[..., None, None]
    normal = torch.einsum("hpci,hpcj->hij", weighted, jacobian)
    gradient = torch.einsum("hpci,hpc->hi", weighted, residual)
    diagonal = torch.diagonal(normal, dim1=-2, dim2=-1)
    damped = normal + torch.diag_embed(diagonal * alignment.damping[:, None] + diagonal.mean(-1, True) * 1e-6 + 1e-9)
    twist = -torch.linalg.solve(damped.double(), gradient.double()[..., None])[..., 0].to(gradient)
    twist = limit_step(twist, options.longest_step)
    candidate = se3.compose(se3.exponential(twist), alignment.poses)
    origins, directions = rays.rays_through(candidate[:, None], points[None])
    with torch.no_grad():
        colour = field.render(origins.expand_as(directions).reshape(-1, 3), directions.reshape(-1, 3)).colour
    new_cost = _cost(colour.view_as(residual) - colours, options)
    better = new_cost < cost
    alignment.poses = torch.where(better[:, None, None], candidate, alignment.poses)
    alignment.cost = torch.where(better, new_cost, cost)
    alignment.damping = update_damping(alignment.damping, better, options.damping)
    return better


@torch.no_grad()
def error(
    pose: Float[Tensor, "3 4"], field: Field, points: Float[Tensor, "points 2"], colours: Float[Tensor, "points 3"]
) -> float:
    """Mean squared colour difference between the rendering from a pose and the photo, at some pixels."""
    origins, directions = rays.rays_through(pose[None], points)
    colour = field.render(origins.expand_as(directions), directions).colour
    return float((colour - colours).square().mean())


def _cost(
    residual: Float[Tensor, "hypotheses points 3"], options: AlignmentOptions = DEFAULT
) -> Float[Tensor, " hypotheses"]:
    """Mean of Cauchy's robust cost over the points; infinite where it is not a number."""
    cost = torch.log1p(residual.square().sum(dim=-1) / options.robust_scale**2).mean(dim=-1)
    return torch.nan_to_num(cost, nan=torch.inf)
