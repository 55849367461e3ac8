"""The rows of the voxel grid and, for planar scenes, of the pixel grid. Needs no torch."""

from __future__ import annotations

from engine.config.rows import FieldRows, PlanarRow, PlanarRows, Row

_FORWARD_FACING = (
    #     planes, iterations, rays, samples, proposals, field rate, pose rate, smoothness
    Row(12, 300, 5000, 18, False, (5e-2, 1e-2), (1e-2, 5e-3), 3.5e-8),
    Row(16, 200, 5000, 24, False, (5e-2, 1e-2), (5e-3, 3e-3), 6e-9),
    Row(24, 150, 5000, 12, True, (5e-2, 1e-2), (1e-3, 5e-4), 1e-9, settle=60, bundle=(8, 4)),
    Row(32, 500, 6000, 12, True, (5e-2, 1e-2), (5e-4, 2e-4), 1e-9, settle=120, bundle=(4, 2)),
    # Fern at 504 pixels has up to 2.5 pixels of parallax between 64 planes. Half of them and of the samples end 1.2 dB
    # lower on held-out photos (measured at half of the size), and more planes with few samples are no better.
    Row(64, 2800, 12000, 24, True, (1e-1, 3e-3), (2e-4, 1e-5), 5e-10, settle=200, directional=True, block=4),
)
_OBJECT = (
    Row(24, 400, 6000, 36, False, (5e-2, 1e-2), (1e-2, 5e-3), 3.5e-8),
    Row(48, 300, 6000, 72, False, (5e-2, 1e-2), (5e-3, 3e-3), 4.5e-9),
    Row(80, 200, 6000, 24, True, (5e-2, 1e-2), (5e-4, 2e-4), 1e-9, settle=60, bundle=(8, 4)),
    Row(128, 300, 6000, 24, True, (5e-2, 1e-2), (2e-4, 1e-4), 1e-9, settle=100, bundle=(4, 2)),
    Row(
        *(400, 5000, 8000, 32, True, (1e-1, 3e-3), (1e-4, 1e-5), 1.5e-9),
        settle=200,
        bundle=(2,),
        directional=True,
        sparse=True,
    ),
)
_UNBOUNDED = (
    Row(32, 400, 6000, 48, False, (5e-2, 1e-2), (1e-2, 5e-3), 3.5e-8),
    Row(64, 300, 6000, 96, False, (5e-2, 1e-2), (5e-3, 3e-3), 4.5e-9),
    Row(112, 300, 6000, 24, True, (5e-2, 1e-2), (5e-4, 2e-4), 1e-9, settle=60, bundle=(8, 4)),
    # At 5e-2 the last two rows end 0.3 dB lower on the held-out photos of scenes/desk (256 pixels, 1,000 iterations).
    Row(176, 500, 6000, 24, True, (1e-1, 2e-2), (2e-4, 1e-4), 1e-9, settle=100, bundle=(4, 2)),
    Row(
        *(400, 4000, 8000, 32, True, (1e-1, 3e-3), (1e-4, 1e-5), 1.5e-9),
        settle=200,
        bundle=(2,),
        directional=True,
        block=4,
        sparse=True,
    ),
)
_PLANAR = PlanarRows(
    #         iterations, batch, field rate, pose rate
    first=PlanarRow(200, 4000, (5e-2, 1e-2), (5e-3, 2e-3), polish=15),
    between=PlanarRow(100, 6000, (5e-2, 1e-2), (5e-4, 2e-4), adjust=15),
    last=PlanarRow(300, 8000, (5e-2, 3e-3), (5e-5, 1e-5), adjust=30, polish=20),
    paper=PlanarRow(5000, 0, (1e-2, 1e-3), (1e-3, 1e-5)),
)
ROWS = FieldRows(
    default={"forward-facing": _FORWARD_FACING, "object": _OBJECT, "unbounded": _UNBOUNDED}, planar=_PLANAR
)
