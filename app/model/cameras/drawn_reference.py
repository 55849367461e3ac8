"""Where reference cameras are drawn among fitted ones, also while all fitted centres lie in one point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32

from engine.geometry import so3
from engine.geometry.view_camera import centres

Poses = Float[np.ndarray, "frames 3 4"]
Points = Float[np.ndarray, "points 3"]


@dataclass(frozen=True)
class GaugeTrust:
    """When the gauge in which centres agree is used for drawing, by how well they agree in it.

    The misfit is the median distance of fitted to reference centres, in spreads of the reference centres.

    Attributes:
        full: misfit up to which the gauge of the centres is used alone: registration has converged.
        none: misfit from which the gauge of the orientations is used alone: the centres have no shape yet.
    """

    full: float = 0.03
    none: float = 0.15


TRUST = GaugeTrust()


class Gauge(NamedTuple):
    """A similarity: points x of the reference's world go to scale * turn @ x + shift."""

    scale: float
    turn: Float[np.ndarray, "3 3"]
    shift: Float[np.ndarray, "3"]


def draw_reference(reference: Poses, fitted: Poses) -> Float32[np.ndarray, "frames 3 4"]:
    """The reference poses, brought into the world of the fitted ones.

    Errors are measured, as in the papers, in the gauge in which centres agree best. At the start of a forward-facing
    scene all fitted centres lie in one point: that gauge scales the reference to nothing, with an arbitrary rotation.
    Until the centres have the reference's shape, the reference is therefore drawn in the gauge in which orientations
    agree, at its own size, so that cameras are seen to move towards their reference. Between the two (`GaugeTrust`)
    the gauge changes smoothly. Frames whose poses are not finite are left out.
    """
    gauge = find_drawing_gauge(reference, fitted)
    return np.full(reference.shape, np.nan, np.float32) if gauge is None else move_poses(reference, gauge)


def find_drawing_gauge(reference: Poses, fitted: Poses) -> Gauge | None:
    """The gauge that `draw_reference` applies to the reference; None where no pose is finite."""
    wanted, found = reference.astype(np.float64), fitted.astype(np.float64)
    good = np.isfinite(found).all(axis=(1, 2)) & np.isfinite(wanted).all(axis=(1, 2))
    if not good.any():
        return None
    upright = _fit_gauge_to_orientations(wanted[good], found[good])
    places, targets = centres(wanted[good]), centres(found[good])
    matched = fit_gauge_to_centres(places, targets)
    spread = max(_measure_spread(places), 1e-12)
    apart = np.linalg.norm(move_points(places, matched) - targets, axis=1) if matched else np.array([np.inf])
    misfit = float(np.median(apart)) / (spread * matched.scale) if matched else np.inf
    trust = min(max((TRUST.none - misfit) / (TRUST.none - TRUST.full), 0.0), 1.0)
    return (
        upright
        if matched is None
        else _blend_gauges(upright, matched, trust * trust * (3 - 2 * trust), places, targets)
    )


def move_poses(poses: Poses, gauge: Gauge) -> Float32[np.ndarray, "frames 3 4"]:
    """World-to-camera poses in the world that the gauge leads to."""
    poses = poses.astype(np.float64)
    rotations = poses[:, :, :3] @ gauge.turn.T
    translations = -np.einsum("fij,fj->fi", rotations, move_points(centres(poses), gauge))
    return np.concatenate([rotations, translations[..., None]], axis=2).astype(np.float32)


def move_points(points: Points, gauge: Gauge) -> Points:
    """Points in the world that the gauge leads to."""
    return gauge.scale * points @ gauge.turn.T + gauge.shift


def chain_gauges(first: Gauge, second: Gauge) -> Gauge:
    """The gauge that applies `first`, then `second`."""
    turn = second.turn @ first.turn
    return Gauge(second.scale * first.scale, turn, second.scale * second.turn @ first.shift + second.shift)


def invert_gauge(gauge: Gauge) -> Gauge:
    """The gauge that takes back what this one does."""
    turn = gauge.turn.T
    return Gauge(1 / gauge.scale, turn, -turn @ gauge.shift / gauge.scale)


def _fit_gauge_to_orientations(wanted: Poses, found: Poses) -> Gauge:
    """The rotation in which the cameras' axes agree best, the means of the centres matched, scale 1."""
    turn = _find_nearest_rotation(np.einsum("fki,fkj->ij", found[:, :, :3], wanted[:, :, :3]))
    return Gauge(1.0, turn, centres(found).mean(axis=0) - turn @ centres(wanted).mean(axis=0))


def fit_gauge_to_centres(places: Points, targets: Points) -> Gauge | None:
    """The inverse of the similarity that best takes `targets` (fitted) to `places` (reference), by least squares.

    None for fewer than three points, and for a scale outside 1e-3 to 1e3: the fitted centres lie in a point.
    """
    if len(places) < 3:
        return None
    from_middle, to_middle = targets.mean(axis=0), places.mean(axis=0)
    found, wanted = targets - from_middle, places - to_middle
    moment = wanted.T @ found
    turn = _find_nearest_rotation(moment)  # from the fitted world to the reference's
    scale = float((turn * moment).sum()) / max(float((found**2).sum()), 1e-30)
    if not 1e-3 < scale < 1e3:
        return None
    return Gauge(1 / scale, turn.T, from_middle - turn.T @ to_middle / scale)


def fit_gauge_to_cameras(poses: Poses, targets: Poses) -> Gauge | None:
    """The similarity in which the axes of two or more cameras agree best, and position and spread of their centres.

    Unlike `fit_gauge_to_centres` it needs no third camera, and cameras on a line determine it. None for fewer than two
    cameras, and where the centres of one set lie in a point.
    """
    good = np.isfinite(poses).all(axis=(1, 2)) & np.isfinite(targets).all(axis=(1, 2))
    if good.sum() < 2:
        return None
    wanted, found = poses[good].astype(np.float64), targets[good].astype(np.float64)
    spreads = _measure_spread(centres(wanted)), _measure_spread(centres(found))
    if min(spreads) < 1e-9:
        return None
    scale, turn = spreads[1] / spreads[0], _fit_gauge_to_orientations(wanted, found).turn
    return Gauge(scale, turn, centres(found).mean(axis=0) - scale * turn @ centres(wanted).mean(axis=0))


def _blend_gauges(one: Gauge, other: Gauge, share: float, places: Points, targets: Points) -> Gauge:
    """The gauge between two, `share` 0 is the first; the means of the centres stay matched."""
    between = torch.from_numpy(other.turn @ one.turn.T)
    turn = so3.rotation_from_vector(share * so3.vector_from_rotation(between)).numpy() @ one.turn
    scale = one.scale ** (1 - share) * other.scale**share
    return Gauge(scale, turn, targets.mean(axis=0) - scale * turn @ places.mean(axis=0))


def _measure_spread(places: Points) -> float:
    return float(np.sqrt(((places - places.mean(axis=0)) ** 2).sum(axis=1).mean()))


def _find_nearest_rotation(matrix: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "3 3"]:
    left, _, right = np.linalg.svd(matrix)
    return (left * [1.0, 1.0, np.sign(np.linalg.det(left @ right))]) @ right
