"""The rows of the neural radiance field and, for planar scenes, of the neural image. Needs no torch."""

from __future__ import annotations

from engine.config.rows import FieldRows, PlanarRow, PlanarRows, Row

# One adjustment per stage, and poses that stand still for most of the stage after it. A second adjustment would take
# its points from depth maps that belong to the poses before the first (0.6 degrees became 2.0), and poses that move
# sooner are pulled back by a field that has not followed yet (1.5 degrees became 5.0).
_FORWARD_FACING = (
    #   planes, iterations, rays, samples, proposals, field rate, pose rate, smoothness
    Row(12, 400, 3000, 18, False, (5e-3, 3e-3), (1e-2, 5e-3), 0.0, bands=(0.0, 4.0)),
    Row(16, 300, 3000, 24, False, (3e-3, 2e-3), (5e-3, 3e-3), 0.0, bands=(4.0, 5.0)),
    Row(24, 300, 3000, 16, True, (3e-3, 2e-3), (5e-4, 2e-4), 0.0, settle=200, bundle=(8,), bands=(5.0, 6.0)),
    Row(32, 400, 4000, 16, True, (3e-3, 2e-3), (1e-4, 5e-5), 0.0, settle=250, bundle=(4,), bands=(6.0, 7.0)),
    Row(
        *(32, 5000, 4000, 16, True, (3e-3, 3e-4), (3e-5, 3e-6), 0.0),
        settle=500,
        bundle=(2,),
        bands=(7.0, 8.0),
        directional=True,
    ),
)
_OBJECT = (
    Row(24, 500, 3000, 36, False, (5e-3, 5e-3), (1e-3, 7e-4), 0.0, settle=60, bands=(2.0, 4.0)),
    Row(32, 300, 3000, 20, True, (4e-3, 3e-3), (7e-4, 4e-4), 0.0, bands=(4.0, 5.0)),
    Row(48, 300, 4000, 20, True, (3e-3, 2e-3), (2e-4, 1e-4), 0.0, settle=150, bundle=(8,), bands=(5.0, 5.5)),
    Row(64, 400, 4000, 20, True, (3e-3, 2e-3), (5e-5, 3e-5), 0.0, settle=250, bundle=(4,), bands=(5.5, 6.0)),
    Row(
        *(64, 5000, 4000, 20, True, (3e-3, 3e-4), (2e-5, 2e-6), 0.0),
        settle=500,
        bundle=(2,),
        bands=(6.0, 7.0),
        directional=True,
    ),
)
# As for objects, with more samples: most of a ray is empty, and it does not end.
_UNBOUNDED = (
    Row(24, 500, 3000, 48, False, (5e-3, 5e-3), (1e-3, 7e-4), 0.0, settle=60, bands=(2.0, 4.0)),
    Row(32, 300, 3000, 28, True, (4e-3, 3e-3), (7e-4, 4e-4), 0.0, bands=(4.0, 5.0)),
    Row(48, 300, 4000, 28, True, (3e-3, 2e-3), (2e-4, 1e-4), 0.0, settle=150, bundle=(8,), bands=(5.0, 6.0)),
    Row(64, 400, 4000, 28, True, (3e-3, 2e-3), (5e-5, 3e-5), 0.0, settle=250, bundle=(4,), bands=(6.0, 7.0)),
    Row(
        *(64, 5000, 4000, 28, True, (3e-3, 3e-4), (2e-5, 2e-6), 0.0),
        settle=500,
        bundle=(2,),
        bands=(7.0, 8.0),
        directional=True,
    ),
)
_PLANAR = PlanarRows(
    #         iterations, batch, field rate, pose rate
    first=PlanarRow(200, 4000, (3e-3, 2e-3), (5e-3, 2e-3), polish=15),
    between=PlanarRow(100, 6000, (2e-3, 1e-3), (5e-4, 2e-4), adjust=15),
    last=PlanarRow(300, 8000, (1e-3, 2e-4), (5e-5, 1e-5), adjust=30, polish=20),
    paper=PlanarRow(5000, 0, (1e-3, 1e-4), (1e-3, 1e-5)),
)
ROWS = FieldRows(
    default={"forward-facing": _FORWARD_FACING, "object": _OBJECT, "unbounded": _UNBOUNDED}, planar=_PLANAR
)
