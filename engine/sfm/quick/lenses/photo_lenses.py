"""Photos that do not share a lens though they look as if they did: cropped off their middle, or zoomed.

The photos of a camera share its lens, whose principal point is their middle. Photos that were cropped, or enlarged
afterwards, do not, and nothing in them says so; cameras that are adjusted to one lens nevertheless turn by what the
middle is off, and fit three quarters of their matches. So each photo's lens is freed once: where the errors fall by
far more than unknowns explain, and the lenses that come out differ, the photos have lenses of their own.

Reference:
    Heyden and Astrom, Euclidean Reconstruction from Image Sequences with Varying and Unknown Focal Length and
    Principal Point, CVPR 1997: square pixels are enough to determine both, where the scene is no plane.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from engine.sfm.lens import OPTIONS as LENS_OPTIONS
from engine.sfm.lens import Lens
from engine.sfm.quick.lenses.model_lenses import make_adjuster, make_options
from engine.sfm.quick.lenses.own_lenses import PhotoLenses
from engine.sfm.quick.lenses.rebuilding import build_reconstruction, list_points, measure_errors
from engine.sfm.quick.mapping import SmallModel


@dataclass(frozen=True)
class PhotoLensOptions:
    """When photos have lenses of their own. Pixels are those of the small copies.

    Attributes:
        scale: of the robust loss, pixels: about the errors of SIFT's keypoints.
        finer_scale: of the last adjustment, in medians of the errors, and
        least_scale: at least, pixels.
        observations: of a photo that the question is asked with, about, those of the points that most photos see.
        fewest: of a photo, below which its lens stays that of its camera.
        gain: by which share the robust cost has to fall. Of photos that share a lens it falls by 5 to 22 % (a lens
            that is not quite the model's), of cropped ones by 49 to 91 %.
        centre: from which distance of a principal point from the others', relative to the longer side, it is its own.
            Of photos that share a lens it varies by 1 % where it is determined badly.
        focal: the same of the logarithm of the focal length.
        own: share of the photos that must have such a lens, and
        fewest_own: how many, at least.
        simpler: by which factor the cost may be larger where only principal points, or only focal lengths, are free.
        farthest: principal point from the middle, relative to the longer side; beyond, nothing was found.
        certain: standard deviation of the principal points relative to the longer side, and of the focal lengths'
            logarithms, above which these matches (of a wall, say) do not tell them.
        deviations: of the common focal length's logarithm and of k1 afterwards.
    """

    scale: float = 1.0
    finer_scale: float = 3.0
    least_scale: float = 0.1
    observations: int = 250
    fewest: int = 30
    gain: float = 0.35
    centre: float = 0.025
    focal: float = 0.04
    own: float = 0.1
    fewest_own: int = 2
    simpler: float = 1.15
    farthest: float = 1.0
    certain: float = 0.03
    deviations: tuple[float, float] = (0.005, 0.005)


OPTIONS = PhotoLensOptions()


def find_photo_lenses(model: SmallModel, camera_of: Sequence[int]) -> Iterator[SmallModel | None]:
    """Asks whether photos have lenses of their own (a task of `Workers`).

    Args:
        model: adjusted with a lens for each camera, observations sorted by point.
        camera_of: number of each photo's camera.
    Yields:
        the model adjusted to lenses of their own; None where the photos of each camera share its lens.
    """
    if any(model.lenses[camera_of[photo]] is None for photo in _list_registered(model)):
        yield None
        return
    found = _ask(_choose_points(model), camera_of)
    yield None if found is None else _adjust(model, camera_of, found)


def adjust_photo_lenses(model: SmallModel, camera_of: Sequence[int]) -> Iterator[SmallModel]:
    """Adjusts poses, points and the photos' own lenses to the keypoints, robustly (a task of `Workers`).

    Args:
        model: with lenses of the photos, observations sorted by point; what differs between these is free.
        camera_of: number of each photo's camera.
    Yields:
        the adjusted model.
    """
    assert model.own is not None
    yield _adjust(model, camera_of, model.own)


def _ask(model: SmallModel, camera_of: Sequence[int]) -> PhotoLenses | None:
    """Lenses of their own, where the photos have such."""
    state = _Adjusted(model, camera_of, None)
    before = state.measure_cost()
    state.adjust(focal=True, centre=True, radial=True)
    if not state.measure_cost() < (1 - OPTIONS.gain) * before:
        return None
    state.share(radial=True)
    state.adjust(focal=True, centre=True)
    free, cost = state.read_lenses(), state.measure_cost()
    side = np.array([max(model.cameras[number].size) for number in camera_of])
    middle = state.middle
    registered = np.isfinite(free.focal)
    far = np.linalg.norm(free.centre - middle, axis=1) > OPTIONS.farthest * side
    if not cost < (1 - OPTIONS.gain) * before or (far & registered).any() or not (free.focal[registered] > 0).all():
        return None
    shared = _share(free, camera_of, middle)
    apart = np.linalg.norm(free.centre - shared.centre, axis=1) / side > OPTIONS.centre
    apart |= np.abs(np.log(free.focal / shared.focal)) > OPTIONS.focal
    if (apart & registered).sum() < max(OPTIONS.fewest_own, OPTIONS.own * registered.sum()):
        return None
    choices = list[tuple[float, PhotoLenses]]()
    for cropped, zoomed in ((True, False), (False, True)):
        chosen = replace(
            free,
            focal=free.focal if zoomed else shared.focal,
            centre=free.centre if cropped else middle,
            cropped=cropped,
            zoomed=zoomed,
        )
        simpler = _Adjusted(state.read_model(), camera_of, chosen)
        simpler.adjust(focal=zoomed, centre=cropped)
        choices.append((simpler.measure_cost(), simpler.read_lenses(cropped, zoomed)))
    best = min(choices, key=lambda choice: choice[0])
    return best[1] if best[0] < OPTIONS.simpler * cost else free


def _adjust(model: SmallModel, camera_of: Sequence[int], lenses: PhotoLenses) -> SmallModel:
    state = _Adjusted(model, camera_of, lenses)
    state.adjust(focal=lenses.zoomed, centre=lenses.cropped)
    scale = max(OPTIONS.finer_scale * state.measure_median(), OPTIONS.least_scale)
    if not lenses.zoomed:  # of a camera all focal lengths are one: the middle of those that they would have each
        state.adjust(focal=True, centre=True, scale=scale)
        state.share(focal=True)
    adjuster = state.adjust(focal=lenses.zoomed, centre=lenses.cropped, scale=scale)
    certain = state.measure_deviation(adjuster) < OPTIONS.certain
    found = replace(state.read_lenses(lenses.cropped, lenses.zoomed), certain=certain)
    middles = _share(found, camera_of, state.middle)
    of_camera = list(model.lenses)
    for photo in _list_registered(model):
        focal, radial = float(middles.focal[photo]), float(found.radial[photo])
        of_camera[camera_of[photo]] = Lens(focal, radial, np.diag(OPTIONS.deviations) ** 2)
    return replace(state.read_model(), lenses=tuple(of_camera), own=found)


class _Adjusted:
    """A model in which each photo has a camera of its own, and its adjustments.

    Attributes:
        middle: of each photo, pixels.
    """

    def __init__(self, model: SmallModel, camera_of: Sequence[int], lenses: PhotoLenses | None) -> None:
        """`lenses` begin with those of the cameras where there are none."""
        self._model, self._camera_of = model, camera_of
        cameras = tuple(model.cameras[number] for number in camera_of)
        self.middle: Float[np.ndarray, "photos 2"] = np.array([camera.size for camera in cameras]) / 2
        seen = np.bincount(model.photo, minlength=len(camera_of)) > 0
        own = tuple(model.lenses[number] if there else None for number, there in zip(camera_of, seen, strict=True))
        self._made = build_reconstruction(replace(model, cameras=cameras, lenses=own), list(range(len(camera_of))))
        if lenses is not None:
            for photo, camera in self._cameras():
                if np.isfinite(lenses.focal[photo]):
                    camera.params = [lenses.focal[photo], *lenses.centre[photo], lenses.radial[photo]]
        counts = np.bincount(model.photo, minlength=len(camera_of))
        self._held = [photo + 1 for photo, _ in self._cameras() if counts[photo] < OPTIONS.fewest]

    def _cameras(self) -> list[tuple[int, Any]]:
        """Numbers of the registered photos, and their cameras."""
        return [(number - 1, camera) for number, camera in sorted(self._made.cameras.items())]

    def adjust(self, *, focal: bool, centre: bool, radial: bool = False, scale: float = OPTIONS.scale) -> Any:
        """Adjusts poses, points and what is free of the lenses; the adjuster."""
        options = make_options(scale)
        options.refine_focal_length, options.refine_principal_point = focal, centre
        options.refine_extra_params = radial
        adjuster = make_adjuster(self._made, options, self._held)
        adjuster.solve()
        self._made.update_point_3d_errors()
        return adjuster

    def share(self, *, focal: bool = False, radial: bool = False) -> None:
        """Gives the photos of each camera their median focal length, or k1; those with few observations too."""
        for number in set(self._camera_of):
            own = [one for photo, one in self._cameras() if self._camera_of[photo] == number]
            free = [one for one in own if one.camera_id not in self._held] or own
            if not own:
                continue
            shared = np.median([one.params for one in free], axis=0)
            for one in own:
                known = one.params
                one.params = [shared[0] if focal else known[0], known[1], known[2], shared[3] if radial else known[3]]

    def measure_cost(self) -> float:
        """Sum of the robust costs of all observations."""
        errors = np.nan_to_num(measure_errors(self._made, self._model), nan=1e3)
        return float(np.log1p((errors / OPTIONS.scale) ** 2).sum())

    def measure_median(self) -> float:
        """Of the errors of all observations, pixels."""
        return float(np.nanmedian(measure_errors(self._made, self._model)))

    def measure_deviation(self, adjuster: Any) -> float:
        """The median over the photos of the largest relative standard deviation of what is free of their lenses.

        Infinite where these cannot be told apart from poses and points.
        """
        import pycolmap

        found = pycolmap.estimate_ba_covariance(
            pycolmap.BACovarianceOptions(params=pycolmap.BACovarianceOptionsParams.ALL), self._made, adjuster
        )
        noise = LENS_OPTIONS.deviation_factor * max(self.measure_median(), 1e-3)
        deviations = list[float]()
        for _, camera in self._cameras():
            if camera.camera_id in self._held:
                continue
            covariance = None if found is None else found.get_other_params_cov(camera.params)
            if covariance is None or not np.isfinite(covariance).all():
                return np.inf
            deviations.append(float(noise * np.sqrt(np.diag(covariance).max()) / max(camera.width, camera.height)))
        return float(np.median(deviations)) if deviations else np.inf

    def read_lenses(self, cropped: bool = True, zoomed: bool = True) -> PhotoLenses:
        """The photos' lenses; `cropped` and `zoomed` as in the result."""
        table: Float[np.ndarray, "photos 4"] = np.full((len(self._camera_of), 4), np.nan)
        for photo, camera in self._cameras():
            table[photo] = camera.params
        return PhotoLenses(table[:, 0], table[:, 3], table[:, 1:3], cropped, zoomed)

    def read_model(self) -> SmallModel:
        """The model with the poses and points as they are now."""
        poses = np.full_like(self._model.poses, np.nan)
        for number, image in self._made.images.items():
            poses[number - 1] = image.cam_from_world().matrix()
        error = float(self._made.compute_mean_reprojection_error())
        return replace(self._model, poses=poses, points=list_points(self._made, len(self._model.points)), error=error)


def _share(lenses: PhotoLenses, camera_of: Sequence[int], middle: Float[np.ndarray, "photos 2"]) -> PhotoLenses:
    """Each photo with the median of its camera's focal lengths, and of all offsets of principal points."""
    focal, offset = lenses.focal.copy(), lenses.centre - middle
    registered = np.isfinite(focal)
    for number in set(camera_of):
        own = registered & (np.array(camera_of) == number)
        if own.any():
            focal[own] = np.median(focal[own])
    return replace(lenses, focal=focal, centre=middle + np.median(offset[registered], axis=0))


def _list_registered(model: SmallModel) -> list[int]:
    registered: NDArray[np.bool_] = np.isfinite(model.poses[:, 0, 0])
    return np.nonzero(registered)[0].tolist()


def _choose_points(model: SmallModel) -> SmallModel:
    """The model with the points that most photos see, so many that photos have `observations` each on average."""
    views = np.bincount(model.point, minlength=len(model.points))
    order = np.argsort(-views, kind="stable")
    most = OPTIONS.observations * len(_list_registered(model))
    chosen: Bool[np.ndarray, " points"] = np.zeros(len(views), dtype=bool)
    chosen[order[: int(np.searchsorted(views[order].cumsum(), most)) + 1]] = True
    kept = chosen[model.point]
    number = chosen.cumsum() - 1
    return replace(
        model,
        points=model.points[chosen],
        photo=model.photo[kept],
        feature=model.feature[kept],
        point=number[model.point[kept]],
        pixels=model.pixels[kept],
    )
