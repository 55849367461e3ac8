"""COLMAP's pipeline as a stream of events: features, matches, verification, mapping, mesh."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.errors import UserError
from engine.sfm.background_call import silence_pycolmap
from engine.sfm.events import Finished, SfmEvent, Started
from engine.sfm.mapping import map_incrementally
from engine.sfm.mesh import reconstruct_mesh
from engine.sfm.stages import SfmPhotos, find_features, match_pairs, verify_pairs

FEWEST_PHOTOS = 3
DATABASE, MODEL, MESH = "database.db", "sparse/0", "mesh.ply"


@dataclass(frozen=True)
class SfmOptions:
    """What of the pipeline may be chosen; the defaults are COLMAP's own.

    Attributes:
        one_camera: all photos were taken with one camera and zoom.
        focal: length in pixels where it is known or guessed better than by COLMAP; None lets COLMAP look at EXIF.
        longer_side: photos larger than this are shrunk for the features, pixels.
        window: match each photo with so many after it, as in a video; None matches all with all.
        mesh: whether to make one.
    """

    one_camera: bool = True
    focal: float | None = None
    longer_side: int = 3200
    window: int | None = None
    mesh: bool = True


def run_sfm(folder: Path, names: tuple[str, ...], output: Path, options: SfmOptions) -> Iterator[SfmEvent]:
    """Registers photos by COLMAP's pipeline.

    Closing the iterator ends the work at once.

    Args:
        folder: that holds the photos.
        names: of the photos, relative to the folder, in the order in which they were taken.
        output: an empty folder; gets `database.db`, `sparse/0` and, where one can be made, `mesh.ply`.
        options: see there.
    Yields:
        what happens, `Finished` last.
    Raises:
        UserError: too few photos, no features, no matches, or no pair to start from.
    """
    if len(names) < FEWEST_PHOTOS:
        raise UserError(f"{folder} has {len(names)} usable photos; give at least {FEWEST_PHOTOS} that overlap.")
    silence_pycolmap()
    photos = SfmPhotos(folder, names, output / DATABASE)
    seconds: dict[str, float] = {}
    yield Started(folder, names)
    stages = (
        ("features", find_features(photos, options.longer_side, options.one_camera, options.focal)),
        ("matching", match_pairs(photos, options.window)),
        ("verification", verify_pairs(photos)),
    )
    for stage, events in stages:
        start = time.monotonic()
        yield from events
        seconds[stage] = time.monotonic() - start
    start = time.monotonic()
    model = yield from map_incrementally(photos)
    seconds["mapping"] = time.monotonic() - start
    if options.mesh:
        start = time.monotonic()
        yield reconstruct_mesh(model, output)
        seconds["mesh"] = time.monotonic() - start
    registered = photos.numbers_of(model)
    others = tuple(sorted(set(range(len(names))) - set(registered)))
    sparse = output / MODEL
    sparse.mkdir(parents=True)
    model.write(sparse)
    yield Finished(sparse, registered, others, seconds)
