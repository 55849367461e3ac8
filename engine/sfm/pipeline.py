"""COLMAP's pipeline as a stream of events: features, matches, verification, mapping, mesh."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from engine.errors import UserError
from engine.sfm.background_call import silence_pycolmap
from engine.sfm.events import Finished, SfmEvent, Started
from engine.sfm.mapping import map_incrementally
from engine.sfm.mesh import reconstruct_mesh
from engine.sfm.options import SfmOptions
from engine.sfm.stages import SfmPhotos, find_features, match_pairs, verify_pairs

MINIMUM_PHOTOS = 3
DATABASE, MODEL, MESH = "database.db", "sparse/0", "mesh.ply"


def run_sfm(folder: Path, names: tuple[str, ...], output: Path, options: SfmOptions) -> Iterator[SfmEvent]:
    """Registers photos by COLMAP's pipeline.

    Closing the iterator early cancels the work.

    Args:
        folder: folder of the photos.
        names: of the photos, relative to the folder, in the order in which they were taken.
        output: an empty folder; gets `database.db`, `sparse/0` and, where a mesh can be made, `mesh.ply`.
        options: of the pipeline.
    Yields:
        events in the order of the stages, `Finished` last.
    Raises:
        UserError: too few photos, no features, no matches, or no initial pair.
    """
    if len(names) < MINIMUM_PHOTOS:
        raise UserError(f"{folder} has {len(names)} usable photos; give at least {MINIMUM_PHOTOS} that overlap.")
    silence_pycolmap()
    photos = SfmPhotos(folder, names, output / DATABASE)
    seconds: dict[str, float] = {}
    yield Started(folder, names)
    stages = (
        ("features", find_features(photos, options.longer_side, options.one_camera, options.focal, options.masks)),
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
    registered = photos.list_registered(model)
    others = tuple(sorted(set(range(len(names))) - set(registered)))
    sparse = output / MODEL
    sparse.mkdir(parents=True)
    model.write(sparse)
    yield Finished(sparse, registered, others, seconds)
