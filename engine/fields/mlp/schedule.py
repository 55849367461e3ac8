"""The rows of the neural radiance field and, for planar scenes, of the neural image. Needs no torch."""

from __future__ import annotations

from engine.config.rows import FieldRows, PlanarRow, PlanarRows
from engine.fields.voxel_grid import schedule as grid

_PLANAR = PlanarRows(
    #         iterations, batch, field rate, pose rate
    first=PlanarRow(200, 4000, (3e-3, 2e-3), (5e-3, 2e-3), polish=15),
    between=PlanarRow(100, 6000, (2e-3, 1e-3), (5e-4, 2e-4), adjust=15),
    last=PlanarRow(300, 8000, (1e-3, 2e-4), (5e-5, 1e-5), adjust=30, polish=20),
    paper=PlanarRow(5000, 0, (1e-3, 1e-4), (1e-3, 1e-5)),
)
ROWS = FieldRows(default=grid.ROWS.default, planar=_PLANAR)
