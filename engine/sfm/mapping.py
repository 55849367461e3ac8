"""Incremental mapping: one frame after another is registered to the model, which is adjusted each time.

The order of the steps is that of Schönberger and Frahm, Structure-from-Motion Revisited (CVPR 2016), section 4. Each
step is pycolmap's, which holds Python's interpreter lock while it works: beside a window, use `engine.sfm.process`.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from typing import Any, Protocol

import numpy as np

from engine.errors import UserError
from engine.sfm.events import Mapped
from engine.sfm.stages import PHOTO_ADVICE, SfmPhotos

MINIMUM_REGISTERED = 3  # photos of a model; smaller models are discarded
MAXIMUM_MODELS = 40  # models to begin while all of them stay small; most of these end at once
MAXIMUM_RELAXATIONS = 5  # halvings of what the initial pair has to fulfil


class NumberedPhotos(Protocol):
    """Photos that COLMAP knows by their names, and we by their numbers."""

    @property
    def names(self) -> tuple[str, ...]:
        """In the order of the numbers."""

    def find_number(self, name: str) -> int:
        """Number of the photo with that name."""


def map_incrementally(photos: SfmPhotos) -> Generator[Mapped, None, Any]:
    """Registers as many photos as possible, see `map_largest_model`.

    Yields:
        the model after each step.
    Returns:
        `pycolmap.Reconstruction`: the model with most frames.
    Raises:
        UserError: there is no initial pair, or fewer than three photos could be registered together.
    """
    import pycolmap

    options = pycolmap.IncrementalPipelineOptions(min_model_size=MINIMUM_REGISTERED, random_seed=0)
    with pycolmap.Database.open(photos.database) as database:
        best = yield from map_largest_model(photos, database, options)
    if best is None:
        raise UserError(
            f"{photos.folder}: COLMAP found no {MINIMUM_REGISTERED} photos that it could register together; "
            f"{PHOTO_ADVICE}, or let L2G register them from the identity (--init identity)."
        )
    best.extract_colors_for_all_images(photos.folder)
    error = best.compute_mean_reprojection_error()
    yield make_mapped_event("model", photos, best, error, error)
    return best


def map_largest_model(
    photos: NumberedPhotos, database: Any, options: Any, most_models: int = MAXIMUM_MODELS
) -> Generator[Mapped, None, Any]:
    """Registers as many photos as possible in one model.

    Models are begun until one has half of the photos. Where no initial pair is good enough, the requirements are
    relaxed step by step.

    Args:
        photos: those of the database.
        database: an open `pycolmap.Database` with verified matches.
        options: `pycolmap.IncrementalPipelineOptions`.
        most_models: that are begun.
    Yields:
        the model after each step.
    Returns:
        `pycolmap.Reconstruction`: the model with most frames; None if no three photos could be registered together.
    """
    import pycolmap

    best: Any = None
    manager = pycolmap.ReconstructionManager()
    pipeline = pycolmap.IncrementalPipeline(options, database, manager)
    mapper = pycolmap.IncrementalMapper(pipeline.database_cache)
    chosen, relaxations = options.get_mapper(), 0
    for _ in range(most_models):
        model = pycolmap.Reconstruction()
        mapper.begin_reconstruction(model)
        status = pipeline.initialize_reconstruction(mapper, chosen, model)
        if status == pycolmap.IncrementalPipelineStatus.SUCCESS:
            yield from _Mapping(photos, options, pipeline, mapper, chosen, model).run()
        large = model.num_reg_images() >= MINIMUM_REGISTERED
        mapper.end_reconstruction(not large)
        if large and (best is None or model.num_reg_images() > best.num_reg_images()):
            best = model
        if best is not None and 2 * best.num_reg_images() >= len(photos.names):
            break
        if status == pycolmap.IncrementalPipelineStatus.NO_INITIAL_PAIR:
            if best is not None or relaxations == MAXIMUM_RELAXATIONS:
                break
            relaxations += 1
            _relax(chosen, relaxations)
            mapper.reset_initialization_stats()
    return best


def _relax(options: Any, relaxation: int) -> None:
    """Halves a requirement on the initial pair: in turn the number of its inliers and its triangulation angle."""
    if relaxation % 2:
        options.init_min_num_inliers = options.init_min_num_inliers // 2
    else:
        options.init_min_tri_angle = options.init_min_tri_angle / 2


class _Mapping:
    """The mapping of one model from an initial pair on."""

    def __init__(
        self, photos: NumberedPhotos, options: Any, pipeline: Any, mapper: Any, chosen: Any, model: Any
    ) -> None:
        self.photos, self.options, self.pipeline, self.mapper = photos, options, pipeline, mapper
        self.chosen, self.model = chosen, model
        self._adjusted = 0, 0  # number of frames and points at the last global adjustment

    def run(self) -> Iterator[Mapped]:
        after = self._error()
        yield make_mapped_event("initial pair", self.photos, self.model, after, after)
        self._note_adjusted()
        just_adjusted = False
        while True:
            image = self._register_next()
            if image is None:
                if just_adjusted:
                    return
                yield self._adjust_all("final adjustment")  # frames that failed before may succeed after it
                just_adjusted = True
                continue
            just_adjusted = False
            before = self._error()
            self.mapper.iterative_local_refinement(
                self.options.ba_local_max_refinements,
                self.options.ba_local_max_refinement_change,
                self.chosen,
                self.options.get_local_bundle_adjustment(),
                self.options.triangulation,
                image,
            )
            yield make_mapped_event("frame", self.photos, self.model, before, self._error())
            if self.pipeline.check_run_global_refinement(self.model, *self._adjusted):
                yield self._adjust_all("global adjustment")

    def _register_next(self) -> int | None:
        """Registers one more image and triangulates its points; its COLMAP id, or None if no image could be."""
        for image in self.mapper.find_next_images(self.chosen, False):
            if self.mapper.register_next_image(self.chosen, image):
                self.mapper.triangulate_image(self.options.triangulation, image)
                return image
        for image in self.mapper.find_next_images(self.chosen, True):
            if self.mapper.register_next_structure_less_image(self.chosen, image):
                self.mapper.triangulate_image(self.options.triangulation, image)
                return image
        return None

    def _adjust_all(self, what: str) -> Mapped:
        before = self._error()
        self.mapper.iterative_global_refinement(
            self.options.ba_global_max_refinements,
            self.options.ba_global_max_refinement_change,
            self.chosen,
            self.options.get_global_bundle_adjustment(),
            self.options.triangulation,
        )
        self._note_adjusted()
        return make_mapped_event(what, self.photos, self.model, before, self._error())

    def _note_adjusted(self) -> None:
        self._adjusted = self.model.num_reg_images(), self.model.num_points3D()

    def _error(self) -> float:
        self.model.update_point_3d_errors()
        return self.model.compute_mean_reprojection_error() if self.model.num_points3D() else math.nan


def make_mapped_event(what: str, photos: NumberedPhotos, model: Any, before: float, after: float) -> Mapped:
    """The event that describes the current model; `before` and `after` are its errors in pixels."""
    images = sorted((photos.find_number(image.name), image) for image in model.images.values() if image.has_pose)
    poses = [image.cam_from_world().matrix() for _, image in images]
    points = list(model.points3D.values())
    return Mapped(
        what=what,
        frames=tuple(number for number, _ in images),
        poses=np.array(poses).reshape(-1, 3, 4),
        points=np.array([point.xyz for point in points]).reshape(-1, 3),
        colours=np.array([point.color for point in points], dtype=np.uint8).reshape(-1, 3),
        before=before,
        after=after,
        focal=float(images[0][1].camera.mean_focal_length()) if images else math.nan,
        total=len(photos.names),
    )
