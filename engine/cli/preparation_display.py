"""The display of the command line while photos are prepared, matched and registered."""

from __future__ import annotations

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from engine.scenes.progress import PhotosRead, ReadingEvent, ReadingProgress
from engine.sfm import events as sfm


class PreparationDisplay:
    """A context that shows progress events: a bar for each part on a terminal, a line for each part elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (TextColumn("{task.description:>32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bars = Progress(*columns, TextColumn("{task.fields[words]}"), console=console)
        self._bars.disable = not console.is_terminal
        self._tasks: dict[str, TaskID] = {}
        self._features: list[int] = []
        self._models: dict[str, int] = {}
        self._inliers: list[int] = []

    def __enter__(self) -> PreparationDisplay:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def __call__(self, event: ReadingEvent) -> None:
        """Shows an event."""
        match event:
            case ReadingProgress(what, done, total):
                self._show(what, done, total)
            case PhotosRead():
                pass  # a terminal shows no pictures
            case sfm.Started(_, names):
                self._features, self._models, self._inliers = [], {}, []
                self._print(f"Matching {len(names)} photos")
            case sfm.FeaturesFound(points=points, done=done, total=total):
                self._features.append(len(points))
                self._show("SIFT features", done, total, f"{np.mean(self._features):.0f} a photo")
            case sfm.Matching(counts, done, total):
                self._show("matching", done, total, f"{int(counts.sum()) // 2} matches")
            case sfm.PairMatched():
                pass
            case sfm.PairVerified(_, inliers, _, model, done, total):
                self._models[model] = self._models.get(model, 0) + 1
                self._inliers.append(len(inliers))
                words = ", ".join(f"{count} {name}" for name, count in sorted(self._models.items()))
                self._show("geometric verification", done, total, f"{sum(self._inliers)} inliers; {words}")
            case sfm.Mapped():
                words = f"{event.what}: {len(event.points)} points, {event.before:.3f} -> {event.after:.3f} px"
                self._show("mapping", len(event.frames), event.total, words, last=event.what == "model")
            case sfm.Meshed(vertices, faces, remark):
                self._print(
                    f"no mesh: {remark}" if remark else f"mesh of {len(vertices)} vertices, {len(faces)} faces"
                )
            case sfm.Finished():
                times = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in event.seconds.items())
                self._print(f"{len(event.registered)} photos registered ({times})")

    def _show(self, what: str, done: int, total: int, words: str = "", last: bool = False) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(what, total=total, words="")
        self._bars.update(self._tasks[what], completed=done, total=total, words=words)
        if not self._console.is_terminal and (last or (done == total and what != "mapping")):
            self._print(f"{what}: {done}/{total}" + (f"  {words}" if words else ""))

    def _print(self, words: str) -> None:
        self._console.print(words, soft_wrap=True, highlight=False, markup=False)
