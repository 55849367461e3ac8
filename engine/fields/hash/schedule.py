"""The rows of the hash field. Needs no torch."""

from __future__ import annotations

from engine.config.rows import FieldRows, Row

# Planes are those of the lattice from which intervals are drawn. Adjustments read depth from the field, whose surfaces
# may be thinner than a spacing of its planes: with the voxel grid's 12 samples of 16 planes they made poses worse
# (scenes/fern at a quarter: 2.0 degrees became 6.2), with 32 of 48 better (5.2 became 3.5).
_FORWARD_FACING = (
    #   planes, iterations, rays, samples, proposals, field rate, pose rate, smoothness
    Row(12, 300, 4000, 18, False, (5e-2, 1e-2), (1e-2, 5e-3), 0.0, block=1, bands=(2.0, 2.0)),
    Row(16, 200, 4000, 24, False, (5e-2, 1e-2), (5e-3, 3e-3), 0.0, block=1, bands=(3.0, 3.0)),
    Row(32, 200, 5000, 24, True, (3e-2, 1e-2), (1e-3, 5e-4), 0.0, settle=60, bundle=(8, 4), block=1, bands=(4.0, 4.0)),
    Row(
        48, 500, 5000, 24, True, (3e-2, 1e-2), (5e-4, 2e-4), 0.0, settle=120, bundle=(4, 2), block=1, bands=(5.0, 5.0)
    ),
    Row(
        *(48, 6000, 6000, 24, True, (2e-2, 1e-3), (2e-4, 1e-5), 0.0),
        settle=200,
        directional=True,
        block=1,
        bands=(6.0, 6.0),
    ),
)
# More rays of fewer samples see more in the same time (tests/benchmarks/README.md). The last rows are meant to take
# about as long as a voxel grid's in seconds of the processor.
_OBJECT = (
    Row(24, 400, 5000, 36, False, (5e-2, 1e-2), (1e-2, 5e-3), 0.0, block=1, bands=(2.0, 2.0)),
    Row(48, 300, 5000, 72, False, (5e-2, 1e-2), (5e-3, 3e-3), 0.0, block=1, bands=(3.0, 3.0)),
    Row(80, 200, 6000, 24, True, (2e-2, 1e-2), (5e-4, 2e-4), 0.0, settle=60, bundle=(8, 4), block=1, bands=(4.0, 4.0)),
    Row(
        96, 300, 8000, 24, True, (2e-2, 1e-2), (2e-4, 1e-4), 0.0, settle=100, bundle=(4, 2), block=1, bands=(5.0, 5.0)
    ),
    Row(
        *(96, 3000, 9000, 16, True, (2e-2, 1e-3), (1e-4, 1e-5), 0.0),
        settle=200,
        bundle=(2,),
        directional=True,
        block=1,
        bands=(6.0, 6.0),
    ),
)
_UNBOUNDED = (
    Row(32, 400, 5000, 48, False, (5e-2, 1e-2), (1e-2, 5e-3), 0.0, block=1, bands=(2.0, 2.0)),
    Row(64, 300, 5000, 96, False, (5e-2, 1e-2), (5e-3, 3e-3), 0.0, block=1, bands=(3.0, 3.0)),
    Row(96, 300, 6000, 28, True, (2e-2, 1e-2), (5e-4, 2e-4), 0.0, settle=60, bundle=(8, 4), block=1, bands=(4.0, 4.0)),
    Row(
        96, 500, 6000, 28, True, (2e-2, 1e-2), (2e-4, 1e-4), 0.0, settle=100, bundle=(4, 2), block=1, bands=(5.0, 5.0)
    ),
    Row(
        *(96, 3500, 7000, 28, True, (2e-2, 1e-3), (1e-4, 1e-5), 0.0),
        settle=200,
        bundle=(2,),
        directional=True,
        block=1,
        bands=(6.0, 6.0),
    ),
)
ROWS = FieldRows(default={"forward-facing": _FORWARD_FACING, "object": _OBJECT, "unbounded": _UNBOUNDED})
