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
from jaxtyping import Float

from engine.sfm.lens import Lens
from engine.sfm.quick.lenses.model_lenses import make_adjuster, make_options
from engine.sfm.quick.lenses.own_lenses import PhotoGroups, PhotoLenses
from engine.sfm.quick.lenses.rebuilding import (
    build_reconstruction,
    list_points,
    measure_errors,
    measure_mean_error,
    measure_median_error,
)
from engine.sfm.quick.lenses.selection import choose_points, choose_some, list_registered
from engine.sfm.quick.mapping import SmallModel


@dataclass(frozen=True)
class PhotoLensOptions:
    """When photos have lenses of their own. Pixels are those of the small copies.

    Attributes:
        scale: of the robust loss, pixels: about the errors of SIFT's keypoints.
        finer_scale: of the last adjustment, in medians of the errors, and
        least_scale: at least, pixels.
        observations: of a photo that the question is asked with, about, those of the points that most photos see;
        many_observations: of all photos from which they are fewer, so that many photos take no longer, and
        least_observations: of a photo then.
        fewest: of a photo, below which its lens stays that of its camera.
        gain: by which share the robust cost has to fall. Of photos that share a lens it falls by 5 to 22 % (a lens
            that is not quite the model's), of cropped ones by 49 to 91 %.
        least_error: median error, pixels, below which one lens fits: of cropped and zoomed photos it is 0.5 to 0.7.
            Of a wall free lenses explain some of any error.
        centre: from which distance of a principal point from the others', relative to the longer side, it is its own.
            Of photos that share a lens it varies by 1 % where it is determined badly.
        focal: the same of the logarithm of the focal length.
        own: share of the photos that must have such a lens, and
        fewest_own: how many, at least.
        simpler: by which factor the cost may be larger where only principal points, or only focal lengths, are free.
        farthest: principal point from the middle, relative to the longer side; beyond, lenses are not certain.
        certain: how far the lenses of two halves of the points may be apart, principal points relative to the longer
            side and focal lengths' logarithms; beyond, matches (of a wall, say) do not tell them.
        moved: where the two halves begin, likewise, from what was found.
        step, wide_step: of the logarithm of the focal length that photos share, where it is known and where it is not.
        least_step: at which its search ends, and
        tries: after which it does, at most.
        deviations: of the common focal length's logarithm and of k1 afterwards.
    """

    scale: float = 1.0
    finer_scale: float = 3.0
    least_scale: float = 0.1
    observations: int = 250
    many_observations: int = 10_000
    least_observations: int = 80
    fewest: int = 30
    gain: float = 0.35
    least_error: float = 0.3
    centre: float = 0.025
    focal: float = 0.04
    own: float = 0.1
    fewest_own: int = 2
    simpler: float = 1.15
    farthest: float = 1.0
    certain: float = 0.03
    moved: float = 0.04
    step: float = 0.02
    wide_step: float = 0.15
    least_step: float = 0.002
    tries: int = 16
    deviations: tuple[float, float] = (0.005, 0.005)


OPTIONS = PhotoLensOptions()


def find_photo_lenses(model: SmallModel, groups: PhotoGroups) -> Iterator[SmallModel | None]:
    """Asks whether photos have lenses of their own (a task of `Workers`).

    Args:
        model: adjusted with a lens for each camera, observations sorted by point.
        groups: of the photos.
    Yields:
        the model adjusted to lenses of their own; the model as it is, with lenses that are not certain, where matches
        do not tell these; None where the photos of each camera share its lens.
    """
    registered = list_registered(model)
    if any(model.lenses[groups.camera_of[photo]] is None for photo in registered):
        yield None
        return
    count = len(registered)
    most = min(OPTIONS.observations * count, max(OPTIONS.many_observations, OPTIONS.least_observations * count))
    found = _ask(choose_points(model, most), groups)
    if found is None:
        yield None
        return
    adjusted = _adjust(model, groups, found) if found.certain else replace(model, own=found)
    own = adjusted.own
    if own is None or not own.certain or not _measure_ambiguity(adjusted, groups, own) < OPTIONS.certain:
        shared = _Adjusted(model, groups, None).read_lenses(False, False)
        adjusted = replace(model, own=replace(shared, certain=False))  # lenses of chance would make the cameras worse
    yield adjusted


def adjust_photo_lenses(model: SmallModel, groups: PhotoGroups) -> Iterator[SmallModel]:
    """Adjusts poses, points and the photos' own lenses to the keypoints, robustly (a task of `Workers`).

    Args:
        model: with lenses of the photos, observations sorted by point; what differs between these is free.
        groups: of the photos.
    Yields:
        the adjusted model.
    """
    assert model.own is not None
    yield _adjust(model, groups, model.own)


def _ask(model: SmallModel, groups: PhotoGroups) -> PhotoLenses | None:
    """Lenses of their own, where the photos have such."""
    state = _Adjusted(model, groups, None)
    before, middle = state.measure_cost(), state.middle
    if state.measure_median() < OPTIONS.least_error:
        return None
    state.adjust(focal=True, centre=True, radial=True)
    if not state.measure_cost() < (1 - OPTIONS.gain) * before:
        return None
    if state.is_sane():
        state.share(radial=True)
        state.adjust(focal=True, centre=True)
    if not state.is_sane():  # too much was free at once: one focal length for all, which is looked for
        state = _Adjusted(model, groups, None)
        state.share(focal=True, radial=True)
        state.adjust(centre=True, radial=True)
        state.share(radial=True)
        state = state.search_focal(OPTIONS.wide_step)
    free, cost = state.read_lenses(), state.measure_cost()
    if not cost < (1 - OPTIONS.gain) * before:
        return None
    if not state.is_sane():
        return replace(free, certain=False)
    registered, side = np.isfinite(free.focal), 2 * middle.max(axis=1)
    shared = _share(free, groups.camera_of, middle, groups.unit)
    apart = np.linalg.norm(free.centre - shared.centre, axis=1) / side > OPTIONS.centre
    apart |= np.abs(np.log(free.focal / shared.focal)) > OPTIONS.focal
    if (apart & registered).sum() < max(OPTIONS.fewest_own, OPTIONS.own * registered.sum()):
        return None
    cropped, zoomed = _choose(state, groups, free, cost)
    lenses = cropped if cropped[0] <= zoomed[0] else zoomed
    return lenses[1] if lenses[0] < OPTIONS.simpler * cost else free


def _choose(
    state: _Adjusted, groups: PhotoGroups, free: PhotoLenses, cost: float
) -> tuple[tuple[float, PhotoLenses], tuple[float, PhotoLenses]]:
    """Costs and lenses where only principal points differ, and where only focal lengths do."""
    shared = _share(free, groups.group_of, state.middle, groups.unit)
    model = state.read_model()
    cropped = _Adjusted(model, groups, replace(free, focal=shared.focal))
    cropped.adjust(centre=True)
    if cropped.measure_cost() < 2 * cost:  # near enough for the rest to be that of the focal length
        cropped = cropped.search_focal(OPTIONS.step)
    zoomed = _Adjusted(model, groups, replace(free, centre=state.middle))
    zoomed.adjust(focal=True)
    return (
        (cropped.measure_cost(), cropped.read_lenses(True, False)),
        (zoomed.measure_cost(), zoomed.read_lenses(False, True)),
    )


def _measure_ambiguity(model: SmallModel, groups: PhotoGroups, lenses: PhotoLenses) -> float:
    """How far the lenses differ that two halves of the points lead to from two sides, relative to the longer side.

    Median over the photos of the distance of principal points and of the difference of focal lengths' logarithms, the
    larger. Where matches do not tell lenses, as on a wall, both stay where they begin.
    """
    middle = np.array([model.cameras[number].size for number in groups.camera_of]) / 2
    side, found = 2 * middle.max(axis=1), list[PhotoLenses]()
    direction = np.random.default_rng(0).normal(size=middle.shape)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    for half, sign in enumerate((1, -1)):
        begun = replace(
            lenses,
            centre=lenses.centre + lenses.cropped * sign * OPTIONS.moved * side[:, None] * direction,
            focal=lenses.focal * np.exp(lenses.zoomed * sign * OPTIONS.moved * np.sign(direction[:, 0])),
        )
        state = _Adjusted(choose_some(model, np.arange(len(model.points)) % 2 == half), groups, begun)
        state.adjust(focal=lenses.zoomed, centre=lenses.cropped)
        found.append(state.read_lenses())
    apart = found[0].centre - found[1].centre
    apart -= np.nanmedian(apart, axis=0)  # what all have in common turns all cameras alike
    centre = np.linalg.norm(apart, axis=1) / side
    focal = np.abs(np.log(np.maximum(found[0].focal, 1e-9) / np.maximum(found[1].focal, 1e-9)))
    return float(max(np.nanmedian(centre), np.nanmedian(focal)))


def _adjust(model: SmallModel, groups: PhotoGroups, lenses: PhotoLenses) -> SmallModel:
    state = _Adjusted(model, groups, lenses)
    state.adjust(focal=lenses.zoomed, centre=lenses.cropped)
    scale = max(OPTIONS.finer_scale * state.measure_median(), OPTIONS.least_scale)
    state.adjust(focal=lenses.zoomed, centre=lenses.cropped, scale=scale)
    found = state.read_lenses(lenses.cropped, lenses.zoomed)
    found = replace(found, certain=lenses.certain and state.is_sane())
    middles = _share(found, groups.camera_of, state.middle, groups.unit)
    of_camera = list(model.lenses)
    for photo in list_registered(model):
        focal, radial = float(middles.focal[photo]), float(found.radial[photo])
        of_camera[groups.camera_of[photo]] = Lens(focal, radial, np.diag(OPTIONS.deviations) ** 2)
    return replace(state.read_model(), lenses=tuple(of_camera), own=found)


class _Adjusted:
    """A model in which each photo has a camera of its own, and its adjustments.

    Attributes:
        middle: of each photo, pixels.
    """

    def __init__(self, model: SmallModel, groups: PhotoGroups, lenses: PhotoLenses | None) -> None:
        """`lenses` begin with those of the cameras where there are none."""
        self._model, self._groups, camera_of = model, groups, groups.camera_of
        cameras = tuple(model.cameras[number] for number in camera_of)
        self.middle: Float[np.ndarray, "photos 2"] = np.array([camera.size for camera in cameras]) / 2
        counts = np.bincount(model.photo, minlength=len(camera_of))
        own = tuple(model.lenses[number] if seen else None for number, seen in zip(camera_of, counts, strict=True))
        self._made = build_reconstruction(replace(model, cameras=cameras, lenses=own), list(range(len(camera_of))))
        if lenses is not None:
            for photo, camera in self._cameras():
                if np.isfinite(lenses.focal[photo]):
                    camera.params = [lenses.focal[photo], *lenses.centre[photo], lenses.radial[photo]]
        self._held = [photo + 1 for photo, _ in self._cameras() if counts[photo] < OPTIONS.fewest]

    def _cameras(self) -> list[tuple[int, Any]]:
        """Numbers of the registered photos, and their cameras."""
        return [(number - 1, camera) for number, camera in sorted(self._made.cameras.items())]

    def adjust(
        self, *, focal: bool = False, centre: bool = False, radial: bool = False, scale: float = OPTIONS.scale
    ) -> None:
        """Adjusts poses, points and what is free of the lenses."""
        options = make_options(scale)
        options.refine_focal_length, options.refine_principal_point = focal, centre
        options.refine_extra_params = radial
        adjuster = make_adjuster(self._made, options, self._held)
        adjuster.solve()
        self._made.update_point_3d_errors()

    def share(self, *, focal: bool = False, radial: bool = False) -> None:
        """Gives the photos of each group their median focal length, or k1; those with few observations too."""
        for number in set(self._groups.group_of):
            own = [(photo, one) for photo, one in self._cameras() if self._groups.group_of[photo] == number]
            free = [(photo, one) for photo, one in own if one.camera_id not in self._held] or own
            if not own:
                continue
            of_group = float(np.median([one.params[0] * self._groups.unit[photo] for photo, one in free]))
            k1 = float(np.median([one.params[3] for _, one in free]))
            for photo, one in own:
                known, own_focal = one.params, of_group / self._groups.unit[photo]
                one.params = [own_focal if focal else known[0], known[1], known[2], k1 if radial else known[3]]

    def measure_cost(self) -> float:
        """Sum of the robust costs of all observations."""
        errors = np.nan_to_num(measure_errors(self._made, self._model), nan=1e3)
        return float(np.log1p((errors / OPTIONS.scale) ** 2).sum())

    def measure_median(self) -> float:
        """Of the errors of all observations, pixels."""
        return measure_median_error(self._made, self._model)

    def search_focal(self, step: float) -> _Adjusted:
        """The best for one factor on all focal lengths, principal points free, by steps of the factor's logarithm."""
        best, cost, tries = self, self.measure_cost(), 0
        while step > OPTIONS.least_step and tries < OPTIONS.tries:
            for way in (step, -step):
                tries += 1
                lenses = best.read_lenses()
                tried = _Adjusted(best.read_model(), self._groups, replace(lenses, focal=lenses.focal * np.exp(way)))
                tried.adjust(centre=True)
                if (less := tried.measure_cost()) < cost:
                    best, cost = tried, less
                    break
            else:
                step /= 3
        return best

    def is_sane(self) -> bool:
        """Whether the photos' focal lengths and principal points are those of possible photos."""
        lenses = self.read_lenses()
        known = np.isfinite(lenses.focal)
        sides = 2 * self.middle.max(axis=1)
        off = np.linalg.norm(lenses.centre - self.middle, axis=1) > OPTIONS.farthest * sides
        return not (off | (lenses.focal <= 0))[known].any()

    def read_lenses(self, cropped: bool = True, zoomed: bool = True) -> PhotoLenses:
        """The photos' lenses; `cropped` and `zoomed` as in the result."""
        table: Float[np.ndarray, "photos 4"] = np.full((len(self.middle), 4), np.nan)
        for photo, camera in self._cameras():
            table[photo] = camera.params
        return PhotoLenses(table[:, 0], table[:, 3], table[:, 1:3], cropped, zoomed)

    def read_model(self) -> SmallModel:
        """The model with the poses and points as they are now."""
        poses = np.full_like(self._model.poses, np.nan)
        for number, image in self._made.images.items():
            poses[number - 1] = image.cam_from_world().matrix()
        error = measure_mean_error(self._made, self._model)
        return replace(self._model, poses=poses, points=list_points(self._made, len(self._model.points)), error=error)


def _share(
    lenses: PhotoLenses,
    group_of: Sequence[int],
    middle: Float[np.ndarray, "photos 2"],
    unit: Float[np.ndarray, " photos"],
) -> PhotoLenses:
    """Each photo with the median of its group's focal lengths, and of all offsets of principal points."""
    focal, offset = lenses.focal.copy(), lenses.centre - middle
    registered = np.isfinite(focal)
    for number in set(group_of):
        own = registered & (np.array(group_of) == number)
        if own.any():
            focal[own] = np.median(focal[own] * unit[own]) / unit[own]
    return replace(lenses, focal=focal, centre=middle + np.median(offset[registered], axis=0))
