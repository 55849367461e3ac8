"""What the window shows as JSON, for tests that drive it from outside and for scripts that wait for something."""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dearpygui.dearpygui as dpg
import numpy as np

from app.model.state.colmap_run import ColmapRun
from app.model.state.opening import Opening
from app.model.state.state import State
from app.model.state.viewed_run import ViewedRun
from engine.messages import PlanarSnapshot

PERIOD = 0.1  # seconds between two files, at least
FRAMES = 600  # newest frames of the window whose durations are written
KINDS = {
    "mvButton": "button",
    "mvCheckbox": "box",
    "mvCombo": "combo",
    "mvGroup": "group",
    "mvImage": "image",
    "mvInputText": "input",
    "mvSelectable": "choice",
    "mvSliderFloat": "slider",
    "mvSliderInt": "slider",
}


class Report:
    """Replaces a file up to ten times a second; a reader never sees half of one."""

    def __init__(self, path: Path) -> None:
        """To be called once all items of the window have been made."""
        self._path = path
        self._items = list_named_items()
        self._written_at = self._called_at = 0.0
        self._lambda: float | None = None
        self._periods: deque[float] = deque(maxlen=FRAMES)

    def write(self, state: State, **more: Any) -> None:
        """Writes the file if `PERIOD` has passed, and at once when another λ is confirmed, whose delay tests measure.

        To be called in every frame: the durations of frames are written too.
        """
        now = time.monotonic()
        self._periods.append(now - self._called_at)
        self._called_at = now
        snapshot = state.run.snapshot if state.run is not None else None
        confirmed = snapshot.lambda_exponent if snapshot is not None else None
        if now - self._written_at < PERIOD and confirmed == self._lambda:
            return
        self._written_at, self._lambda = now, confirmed
        words = collect_facts(state) | {"items": measure_rectangles(self._items), "size": get_viewport_size()} | more
        words["frame_ms"] = [round(1e3 * period, 1) for period in self._periods]
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps(words), encoding="utf-8")
        os.replace(temporary, self._path)


def list_named_items() -> dict[str, list[int]]:
    """Items that can be clicked, by window and label ("Training/Pause").

    Items without a label are named by their kind and order ("Cameras/image 1", "Training/slider 1"). Windows of the
    same name are never shown at the same time.
    """
    found: dict[str, list[int]] = {}
    for window in dpg.get_windows():
        counts: dict[str, int] = {}
        for item in _below(window):
            kind = KINDS.get(dpg.get_item_type(item).split("::")[-1])
            label = (dpg.get_item_label(item) or "").split("##")[0]
            if kind is None or (kind == "group" and not label):  # groups without a label only arrange other items
                continue
            counts[kind] = counts.get(kind, 0) + 1
            found.setdefault(f"{dpg.get_item_label(window)}/{label or f'{kind} {counts[kind]}'}", []).append(item)
    return found


def measure_rectangles(items: dict[str, list[int]]) -> dict[str, list[float]]:
    """Left, top, width and height of the items that are visible, in pixels of the window."""
    found = {}
    for name, alike in items.items():
        for item in alike:
            state = dpg.get_item_state(item) if dpg.does_item_exist(item) else {}
            if state.get("visible"):
                found[name] = [*state["rect_min"], *state["rect_size"]]
    return found


def get_viewport_size() -> list[int]:
    return [dpg.get_viewport_client_width(), dpg.get_viewport_client_height()]


def _below(item: int) -> Iterator[int]:
    """All items within an item, in the order in which they were made."""
    for children in dpg.get_item_children(item).values():
        for child in children:
            yield child
            yield from _below(child)


def collect_facts(state: State) -> dict[str, Any]:
    """State and newest snapshot as values for JSON."""
    words: dict[str, Any] = {
        "selected": state.selected,
        "banner": state.banner,
        "notice": state.notice,
        "exporting": state.exporting,
        "lab": dict(state.lab),
        "help": state.help_open,
        "novel": {"mode": state.novel.mode, "channel": state.novel.channel, "wipe": state.novel.wipe},
        "race": {"beside": state.race.beside, "divider": state.race.divider},
        "timeline": state.timeline.seconds,
        "scene": None,
        "view": {"pose": state.cameras.orbit.pose.tolist(), "field_of_view": state.cameras.orbit.field_of_view},
    }
    if state.colmap.run is not None:
        words["colmap"] = collect_colmap_facts(state.colmap.run)
    run = state.run
    if run is None:
        return words
    words |= {
        "scene": run.name,
        "method": run.settings.method,
        "field": run.settings.field,
        "assist": run.settings.assist,
    }
    words["start"] = run.options.init
    words["opening"] = collect_opening_facts(run.opening)
    words["folder"] = str(run.opened.folder) if run.opened is not None else None
    snapshot = run.snapshot
    if snapshot is None:
        return words
    warp = snapshot.warp if snapshot.planar is None else snapshot.planar.warp
    words |= {
        "status": snapshot.status,
        "message": snapshot.message,
        "iteration": snapshot.iteration,
        "seconds": snapshot.seconds,
        "stage": snapshot.stage,
        "lambda_exponent": snapshot.lambda_exponent,
        "mu_exponent": snapshot.mu_exponent,
        "matches": snapshot.matches,
        "verdict": snapshot.verdict.state if snapshot.verdict is not None else None,
        "reprojection_px": None if snapshot.reprojection_px is None else list(map(_number, snapshot.reprojection_px)),
        "psnr": _number(snapshot.psnr),
        "poses": snapshot.poses.tolist(),
        "rotation_error_deg": _list(snapshot.rotation_error_deg),
        "translation_error": _list(snapshot.translation_error),
        "residual_px": _number(float(warp.residual_px.mean())) if warp is not None else None,
        "warp_frame": warp.frame if warp is not None else None,
        "frame_status": [status.value for status in snapshot.frame_status],
        "undoable": snapshot.undoable,
        "redoable": snapshot.redoable,
        "events": [[event.iteration, event.kind, event.detail] for event in snapshot.events[-20:]],
        "volume_version": run.volume.version if run.volume is not None else None,
    }
    if snapshot.planar is not None:
        words["planar"] = collect_planar_facts(state, snapshot.planar)
    words["beside"] = [collect_facts_beside(other) for other in state.runs if other is not run]
    return words


def collect_opening_facts(opening: Opening) -> dict[str, Any]:
    """How far the opening of a scene is, or how it ended."""
    return {
        "phase": opening.phase,
        "done": opening.done,
        "total": opening.total,
        "photos": len(opening.photos.names) if opening.photos is not None else 0,
        "features": len(opening.progress.features) if opening.progress is not None else 0,
        "cameras": len(opening.model.frames) if opening.model is not None else 0,
    }


def collect_planar_facts(state: State, planar: PlanarSnapshot) -> dict[str, Any]:
    """Patches, and the view of the image."""
    run = state.run
    return {
        "corners": planar.corners.tolist(),
        "reference_corners": planar.reference_corners.tolist(),
        "corner_error_px": _list(planar.corner_error_px),
        "centre": state.planar.plane.centre,
        "scale": state.planar.plane.scale,
        "image_version": run.image.version if run is not None and run.image is not None else None,
    }


def collect_facts_beside(run: ViewedRun) -> dict[str, Any]:
    """A second run beside the active one."""
    snapshot = run.snapshot
    if snapshot is None:
        return {"method": run.settings.method, "status": "opening"}
    planar = snapshot.planar
    return {
        "method": run.settings.method,
        "status": snapshot.status,
        "iteration": snapshot.iteration,
        "events": [event.kind for event in snapshot.events[-20:]],
        "reference_corners": planar.reference_corners.tolist() if planar is not None else None,
        "corner_error_px": _list(planar.corner_error_px) if planar is not None else None,
        "psnr": _number(snapshot.psnr),
        "folder": str(run.opened.folder) if run.opened is not None else None,
    }


def collect_colmap_facts(run: ColmapRun) -> dict[str, Any]:
    """The progress of COLMAP's pipeline."""
    progress = run.progress
    return {
        "status": run.status,
        "message": run.message,
        "stage": progress.stage,
        "features": len(progress.features),
        "pairs": len(progress.raw),
        "verified": len(progress.verified),
        "registered": list(progress.model.frames) if progress.model is not None else [],
        "folder": str(run.output),
    }


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _list(values: np.ndarray | None) -> list[float] | None:
    return None if values is None else values.tolist()
