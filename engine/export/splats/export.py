"""`l2g-export --to splat`: Gaussians made of the field, fitted to the photos, compared with the field, and written."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from engine.errors import UserError
from engine.export.progress import Progress, part_of
from engine.export.splats.comparison import compare, list_compared_views
from engine.export.splats.fit import fit_gaussians
from engine.export.splats.initial import NO_SURFACE, make_gaussians, sample_surfaces
from engine.export.splats.ply_file import BYTES, write_splats
from engine.export.splats.views import list_training_views
from engine.geometry.similarity import Similarity
from engine.run.saved_run import SavedRun
from engine.system.files import replace_file, write_json

MOST_GAUSSIANS = 280_000  # by default: 29 MB
_SHARES = 0.15, 0.85, 0.95  # of the progress: when the fit begins, when it ends, and when held-out poses are refined


def export_splats(
    run: SavedRun, gauge: Similarity, wanted: int, seconds: float, output: Path, progress: Progress
) -> list[str]:
    """Writes a PLY file of Gaussians, and a JSON file beside it that compares them with the field.

    Args:
        run: not changed.
        gauge: from the world of the run to the exported one.
        wanted: most Gaussians.
        seconds: of the fit, wall time; 0 for none.
        output: the PLY file.
        progress: called while the work goes on.
    Returns:
        sentences for the user.
    Raises:
        UserError: the cameras see no surface, or a file cannot be written.
    """
    trainer = run.trainer
    begin, end, refined = _SHARES
    background = np.array(trainer.scene.background or (0.0, 0.0, 0.0), np.float32)
    views = list_training_views(trainer, gauge)
    samples = sample_surfaces(trainer, views, gauge, part_of(progress, 0.0, begin))
    initial, sizes = make_gaussians(samples, wanted)
    started = time.monotonic()
    gaussians = fit_gaussians(initial, sizes, views, background, seconds, part_of(progress, begin, end))
    seconds = time.monotonic() - started
    if not len(gaussians):
        raise UserError(NO_SURFACE)
    compared = list_compared_views(run, gauge, views, part_of(progress, end, refined))
    comparison = compare(run, gaussians, background, compared, part_of(progress, refined, 1.0))
    with replace_file(output) as temporary:
        write_splats(gaussians, temporary)
    content = {
        "file": output.name,
        "bytes": output.stat().st_size,
        "gaussians": len(gaussians),
        "initial_gaussians": len(initial),
        "fit_seconds": round(seconds, 1),
        "held_out": comparison.held_out,
        "psnr": comparison.splats,
        "field_psnr": comparison.field,
        "per_frame": [view._asdict() for view in comparison.views],
    }
    write_json(name_comparison(output), content)
    return [f"{len(gaussians):,} Gaussians, {BYTES * len(gaussians) / 1e6:.1f} MB.", comparison.sentence]


def name_comparison(output: Path) -> Path:
    """The file beside the Gaussians that compares them with the field."""
    return output.with_suffix(".json")
