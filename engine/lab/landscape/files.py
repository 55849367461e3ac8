"""Curves and maps of a loss as files: tables and pictures."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from engine.lab.landscape.curves import Curves
from engine.lab.landscape.map import LossMap
from engine.system.files import replace_file


def write_landscape(curves: Curves | None, loss_map: LossMap | None, name: str, folder: Path) -> list[Path]:
    """Writes `curves.csv` and `curves.png`, `map.csv` and `map.png`, of what there is, into a folder.

    Args:
        curves, loss_map: of one frame, or None.
        name: of the frame.
        folder: made if it is missing.
    Returns:
        the files.
    Raises:
        UserError: they could not be written; older files stay as they were.
    """
    # Here, because its library takes half a second, which only those wait for who write a picture.
    from engine.lab.landscape.pictures import draw_curves_figure, draw_map_figure, save_figure

    written = []
    if curves is not None:
        rows = [
            (axis.name, axis.unit, f"{offset:.6g}", f"{loss:.6g}")
            for axis, offsets, losses in zip(curves.axes, curves.offsets, curves.losses, strict=True)
            for offset, loss in zip(offsets, losses, strict=True)
        ]
        written.append(_write_table(folder / "curves.csv", ("axis", "unit", "offset", "mean_squared_error"), rows))
        written.append(save_figure(draw_curves_figure(curves, name), folder / "curves.png"))
    if loss_map is not None:
        head = tuple(f"{axis.name}_{axis.unit}" for axis in (loss_map.across, loss_map.down))
        places = [
            (f"{x:.6g}", f"{y:.6g}", f"{loss_map.losses[row, column]:.6g}")
            for row, y in enumerate(loss_map.y)
            for column, x in enumerate(loss_map.x)
        ]
        written.append(_write_table(folder / "map.csv", (*head, "mean_squared_error"), places))
        written.append(save_figure(draw_map_figure(loss_map, name), folder / "map.png"))
    return written


def _write_table(path: Path, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Path:
    with replace_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)
    return path
