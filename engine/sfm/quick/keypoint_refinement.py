"""Keypoints of one scene point brought into agreement by their surroundings in the photos. Pure functions.

SIFT places the keypoint of a point in each photo alone, to about half a pixel. With cameras and points roughly known,
the surroundings of the keypoints can be compared directly: the patch around one of them is searched for in the other
photos with a few tenths of that error. What is right of the cameras then grows by the same factor.

Reference:
    Furukawa and Ponce, Accurate Camera Calibration from Multi-View Stereo and Bundle Adjustment, IJCV 2009; the steps
    are those of Baker and Matthews, Lucas-Kanade 20 Years On, IJCV 2004, section 3.2 (inverse compositional).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from numpy.typing import NDArray


@dataclass(frozen=True)
class RefinementOptions:
    """Numbers of the refinement; pixels are those of the small copies.

    Attributes:
        half_width: of a patch, pixels: it has 2 n + 1 in a row.
        steps: of the alignment.
        least_correlation: between aligned patches, from which they show the same.
        largest_move: of a keypoint, pixels: SIFT is wrong by less, and a longer way leads to another point.
        largest_shear: change of an entry of the 2x2 matrix that deforms a patch.
        largest_zoom: between two photos, and its inverse the least: patches of more different sizes share no detail.
        damping: added to the Hessian of (shift, matrix entries): patches without detail do not move.
        observations: that are aligned at a time, which bounds the memory: 1,000 take about 20 MB.
    """

    half_width: int = 7
    steps: int = 8
    least_correlation: float = 0.8
    largest_move: float = 3.0
    largest_shear: float = 0.5
    largest_zoom: float = 3.0
    damping: tuple[float, float] = (0.01, 1.0)
    observations: int = 1000


OPTIONS = RefinementOptions()


@dataclass(frozen=True)
class SeenPoints:
    """Observations of points, sorted by point, with what the cameras say of them.

    Attributes:
        photo: of each observation, number of the photo.
        point: of each observation, number of the point, ascending.
        pixels: of each observation, its keypoint.
        poses: world-to-camera of each photo.
        focal, radial: of each photo: focal length in pixels, k1.
        points: in the world.
    """

    photo: Int[np.ndarray, " observations"]
    point: Int[np.ndarray, " observations"]
    pixels: Float[np.ndarray, "observations 2"]
    poses: Float[np.ndarray, "photos 3 4"]
    focal: Float[np.ndarray, " photos"]
    radial: Float[np.ndarray, " photos"]
    points: Float[np.ndarray, "points 3"]


class CopiesFile:
    """Grey images of any sizes in one file, mapped into memory, so that processes share them."""

    def __init__(self, folder: Path) -> None:
        self.sizes: Int[np.ndarray, "photos 2"] = np.load(folder / "copy_sizes.npy")  # height, width
        self.grey: UInt8[np.ndarray, " pixels"] = np.load(folder / "copies.npy", mmap_mode="r")
        self.first = np.concatenate([[0], np.cumsum(self.sizes.prod(axis=1))])

    @staticmethod
    def write(folder: Path, images: Sequence[UInt8[np.ndarray, "height width"]]) -> None:
        """Writes the files into an existing folder."""
        np.save(folder / "copy_sizes.npy", np.array([image.shape for image in images], dtype=np.int64))
        np.save(folder / "copies.npy", np.concatenate([image.reshape(-1) for image in images]))

    def sample(
        self, photo: Int[np.ndarray, " patches"], place: Float[np.ndarray, "patches pixels 2"]
    ) -> Float[np.ndarray, "patches pixels"]:
        """Bilinear values at places (x, y) with pixel centres at +0.5; those outside take the nearest pixel's."""
        height, width = (self.sizes[photo, axis, None] for axis in (0, 1))
        x = np.clip(place[..., 0] - 0.5, 0, width - 1.001)
        y = np.clip(place[..., 1] - 0.5, 0, height - 1.001)
        column, row = x.astype(np.int64), y.astype(np.int64)
        right, down = (x - column).astype(np.float32), (y - row).astype(np.float32)
        at = self.first[photo, None] + row * width + column
        upper = self.grey[at] * (1 - right) + self.grey[at + 1] * right
        lower = self.grey[at + width] * (1 - right) + self.grey[at + width + 1] * right
        return upper * (1 - down) + lower * down


def refine_keypoints(folder: Path, seen: SeenPoints) -> Iterator[Float[np.ndarray, "observations 2"]]:
    """Refines the keypoints of some points (a task of `Workers`).

    The reference of a point is the photo that looks at it most frontally, taking the mean viewing direction for the
    normal of its surface. Its keypoint stays; the others move to where their surroundings look like the reference's,
    up to an affine deformation, brightness and contrast. A keypoint for which no such place is found close by stays.

    Args:
        folder: of a `CopiesFile`.
        seen: the observations.
    Yields:
        the keypoints, pixels of the small copies.
    """
    copies = CopiesFile(folder)
    reference, deformation = _choose_references(seen)
    zoom = np.linalg.svd(deformation, compute_uv=False)
    largest = OPTIONS.largest_zoom
    wanted = (zoom[:, 0] < largest) & (zoom[:, 1] > 1 / largest) & (reference != np.arange(len(reference)))
    refined = seen.pixels.copy()
    todo = np.nonzero(wanted)[0]
    for start in range(0, len(todo), OPTIONS.observations):
        chosen = todo[start : start + OPTIONS.observations]
        moves, found = _align(copies, seen, chosen, reference[chosen], deformation[chosen])
        refined[chosen[found]] += moves[found]
    yield refined


def _choose_references(
    seen: SeenPoints,
) -> tuple[Int[np.ndarray, " observations"], Float[np.ndarray, "observations 2 2"]]:
    """For each observation, that of the reference photo, and the matrix from offsets there to offsets here."""
    rotation, position = seen.poses[seen.photo, :, :3], seen.points[seen.point]
    camera = np.einsum("nij,nj->ni", rotation, position) + seen.poses[seen.photo, :, 3]
    towards = -np.einsum("nji,nj->ni", rotation, camera)  # from the point to the camera
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    normal = np.zeros((len(seen.points), 3))
    np.add.at(normal, seen.point, towards)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)

    frontal = np.einsum("ni,ni->n", towards, normal[seen.point])
    order = np.lexsort([-frontal, seen.point])
    numbers, first = np.unique(seen.point[order], return_index=True)
    reference_of = np.zeros(len(seen.points), dtype=np.int64)
    reference_of[numbers] = order[first]
    reference = reference_of[seen.point]

    jacobian = _differentiate_projection(seen, camera, rotation @ _span_planes(normal)[seen.point])
    return reference, jacobian @ np.linalg.pinv(jacobian[reference])


def _span_planes(normal: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 3 2"]:
    """Two unit vectors at right angles to each normal and to each other."""
    helper = np.where(np.abs(normal[:, :1]) < 0.9, [[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]])
    one = np.cross(normal, helper)
    one /= np.maximum(np.linalg.norm(one, axis=1, keepdims=True), 1e-9)
    return np.stack([one, np.cross(normal, one)], axis=-1)


def _differentiate_projection(
    seen: SeenPoints, camera: Float[np.ndarray, "observations 3"], plane: Float[np.ndarray, "observations 3 2"]
) -> Float[np.ndarray, "observations 2 2"]:
    """Derivative of the pixels by offsets in a plane through the point, given in camera axes."""
    depth = np.maximum(camera[:, 2], 1e-9)
    x, y = camera[:, 0] / depth, camera[:, 1] / depth
    one, zero = np.ones_like(x), np.zeros_like(x)
    perspective = np.stack([one, zero, -x, zero, one, -y], axis=-1).reshape(-1, 2, 3) / depth[:, None, None]
    radial = seen.radial[seen.photo]
    diagonal, mixed = 1 + radial * (x * x + y * y), 2 * radial * x * y
    lens = np.stack([diagonal + 2 * radial * x * x, mixed, mixed, diagonal + 2 * radial * y * y], axis=-1)
    return seen.focal[seen.photo, None, None] * (lens.reshape(-1, 2, 2) @ perspective @ plane)


def _align(
    copies: CopiesFile,
    seen: SeenPoints,
    chosen: Int[np.ndarray, " chosen"],
    reference: Int[np.ndarray, " chosen"],
    deformation: Float[np.ndarray, "chosen 2 2"],
) -> tuple[Float[np.ndarray, "chosen 2"], Bool[np.ndarray, " chosen"]]:
    """How far keypoints move so that their patches look like those of their references, and which of them do.

    Args:
        chosen: observations.
        reference: that of each one's reference photo.
        deformation: from offsets there to offsets here.
    """
    side = np.arange(-OPTIONS.half_width, OPTIONS.half_width + 1.0)
    offsets = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    template, slopes = _cut_templates(copies, seen.photo[reference], seen.pixels[reference][:, None] + offsets)
    # the parameters: shift x, y, and the four entries of the matrix, row by row
    columns = [slopes[..., 0], slopes[..., 1]]
    columns += [slopes[..., row] * offsets[:, column] for row in (0, 1) for column in (0, 1)]
    steepest = np.stack(columns, axis=-1)
    steepest -= steepest.mean(axis=1, keepdims=True)
    shift_damping, matrix_damping = OPTIONS.damping
    hessian = np.swapaxes(steepest, 1, 2) @ steepest + np.diag([shift_damping] * 2 + [matrix_damping] * 4)
    inverse = np.linalg.inv(hessian)

    keypoint, photo = seen.pixels[chosen], seen.photo[chosen]
    matrix, shift = np.tile(np.eye(2), (len(chosen), 1, 1)), np.zeros((len(chosen), 2))
    for _ in range(OPTIONS.steps):
        warped = offsets @ np.swapaxes(matrix, 1, 2) + shift[:, None]
        patch = _standardise(copies.sample(photo, keypoint[:, None] + warped @ np.swapaxes(deformation, 1, 2)))[0]
        correlation = (patch * template).mean(axis=1)
        step = np.einsum("nij,nj->ni", inverse, np.einsum("npi,np->ni", steepest, patch - template))
        matrix = matrix @ np.linalg.inv(np.eye(2) + step[:, 2:].reshape(-1, 2, 2))
        shift = shift - np.einsum("nij,nj->ni", matrix, step[:, :2])
    moves = np.einsum("nij,nj->ni", deformation, shift)
    found = (correlation > OPTIONS.least_correlation) & (np.linalg.norm(moves, axis=1) < OPTIONS.largest_move)
    return moves, found & (np.abs(matrix - np.eye(2)).max(axis=(1, 2)) < OPTIONS.largest_shear)


def _cut_templates(
    copies: CopiesFile, photo: Int[np.ndarray, " patches"], place: Float[np.ndarray, "patches pixels 2"]
) -> tuple[Float[np.ndarray, "patches pixels"], Float[np.ndarray, "patches pixels 2"]]:
    """Patches of mean 0 and deviation 1, and their derivatives by x and y."""
    template, deviation = _standardise(copies.sample(photo, place))
    slopes = []
    for axis in (0, 1):
        half = np.zeros(2)
        half[axis] = 0.5
        slopes.append((copies.sample(photo, place + half) - copies.sample(photo, place - half)) / deviation)
    return template, np.stack(slopes, axis=-1)


def _standardise(patch: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Patches of mean 0 and deviation 1, and the deviations they had; a flat one stays flat."""
    deviation = patch.std(axis=1, keepdims=True) + np.float32(1e-3)
    return (patch - patch.mean(axis=1, keepdims=True)) / deviation, deviation
