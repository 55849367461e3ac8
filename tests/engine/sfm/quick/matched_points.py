"""Features of synthetic points whose cameras are known, and the verified matches of all pairs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import roma
import torch
from jaxtyping import Float

from engine.geometry import rays
from engine.sfm.quick.features import FeatureFile, Features
from engine.sfm.quick.matching import MatchedPair, SmallCamera, verify_pair

SIZE, FOCAL = (640, 480), 520.0


@dataclass(frozen=True)
class MatchedPoints:
    """Photos of the same points.

    Attributes:
        features: of each photo; those of one point have the same descriptor.
        seen: which point each feature of a photo shows.
        poses: world-to-camera, the truth.
        points: the truth.
        pairs: verified matches.
    """

    features: list[Features]
    seen: list[np.ndarray]
    poses: Float[np.ndarray, "photos 3 4"]
    points: Float[np.ndarray, "points 3"]
    pairs: list[MatchedPair]

    def write(self, folder: Path) -> Path:
        """Writes the features for the tasks of the processes."""
        folder.mkdir(exist_ok=True)
        FeatureFile.write(folder, self.features)
        return folder


def camera(focal: float = FOCAL, nominal: bool = False) -> SmallCamera:
    return SmallCamera(SIZE, focal, nominal)


def match_points(
    photos: int,
    count: int,
    *,
    turned: float,
    moved: float = 0.6,
    noise: float = 0.3,
    radial: float = 0.0,
    start: SmallCamera | None = None,
    offsets: Float[np.ndarray, "photos 2"] | None = None,
    zooms: Float[np.ndarray, " photos"] | None = None,
    flat: bool = False,
) -> MatchedPoints:
    """Photos of points in a box before the cameras.

    Args:
        photos: how many.
        count: of the points.
        turned: standard deviation of the cameras' rotations, radians.
        moved: standard deviation of their centres; the points are about 5.5 away.
        noise: standard deviation of the features, pixels.
        radial: k1 of the lens.
        start: camera that the verification assumes; None is the true one without distortion.
        offsets: of each photo's principal point from its middle, pixels, as in cropped photos.
        zooms: of each photo, the factor on the focal length.
        flat: whether the points lie in a plane.
    """
    generator = torch.Generator().manual_seed(0)
    points = (torch.rand(count, 3, generator=generator) - 0.5) * torch.tensor([5.0, 4.0, 5.0])
    points[:, 2] = 0.3 * points[:, 0] + 5.5 if flat else points[:, 2] + 5.5
    turns = roma.rotvec_to_rotmat(torch.randn(photos, 3, generator=generator) * turned)
    steps = torch.randn(photos, 3, 1, generator=generator) * torch.tensor([[moved], [moved], [moved / 2]])
    poses = torch.cat([turns, steps], dim=-1)
    lens = torch.tensor([[radial, 0.0, 0.0, 0.0]]).expand(photos, 4)
    focal, centre = torch.full((photos, 2), FOCAL), torch.tensor(SIZE).div(2).expand(photos, 2)
    if offsets is not None:
        centre = centre + torch.from_numpy(offsets).float()
    if zooms is not None:
        focal = focal * torch.from_numpy(zooms).float()[:, None]
    pixels, _ = rays.project(points[None].expand(photos, -1, -1), poses, focal, centre, lens)
    pixels = pixels + noise * torch.randn(pixels.shape, generator=generator)
    inside = ((pixels > 0) & (pixels < torch.tensor(SIZE))).all(dim=-1).numpy()
    seen = [np.nonzero(row)[0] for row in inside]
    descriptors = np.random.default_rng(0).integers(0, 120, (count, 128), dtype=np.uint8)
    features = [
        Features(pixels[photo, index].double().numpy(), np.ones(len(index)), np.zeros(len(index)), descriptors[index])
        for photo, index in enumerate(seen)
    ]
    pairs = []
    for one, other in combinations(range(photos), 2):
        _, first, second = np.intersect1d(seen[one], seen[other], return_indices=True)
        matches = np.stack([first, second], axis=-1).astype(np.uint32)
        placed = features[one].points, features[other].points
        pairs.append(verify_pair((one, other), matches, placed, (start or camera(),) * 2))
    good = [pair for pair in pairs if pair.geometry is not None]
    return MatchedPoints(features, seen, poses.double().numpy(), points.double().numpy(), good)
