"""The newest volume of a run's field, for a window that never waits and must not slow the run down."""

from __future__ import annotations

from typing import NamedTuple

from engine.fields.baking import Baking, FieldVolume
from engine.fields.field import Bakeable
from engine.run.feeds.feed import PIECE, Feed, Piece
from engine.run.session import Session
from engine.run.thread import Run
from engine.scenes import Scene

__all__ = ["FieldVolume", "VolumeFeed"]

PATIENCE = 12.0  # seconds in which a volume must be refreshed for its size to be chosen while the run is busy


class _Shown(NamedTuple):
    """What was published last: of which field, and as in `Baking`."""

    field: Bakeable
    field_version: int
    size: int
    coarse: bool


class VolumeFeed:
    """Asks a run for the volume of its field, a few planes at a time, whenever the field has changed (see `Feed`).

    A field that takes long to bake is baked coarse at first, and as fine as patience allows while it trains; all
    the way once the run rests. The first volume of a field that is stored in blocks goes without them, as they take
    longer; later ones come with them, or the picture would be sharp and soft by turns.

    Attributes:
        on_device: whether the values of volumes of a GPU's field stay there; it may be changed at any time.
    """

    def __init__(self, run: Run, longest: int = 1024, period: float = 0.5, share: float = 0.03) -> None:
        """Asks nothing yet.

        Args:
            run: started or not.
            longest: voxels along the longest side, at most: what a 3D texture can hold. A grid that fits is handed
                over as it is.
            period: seconds between two volumes, at least.
            share: of the run's time, at most.
        """
        self.on_device = False
        self._longest, self._share = longest, share
        self._feed = Feed(run, self._work, "volume of the field", period, share)
        # What follows belongs to the run's thread.
        self._baking: Baking | None = None
        self._shown: _Shown | None = None
        self._costs: dict[int, float] = {}  # seconds by size, of this field
        self._versions = 0

    def latest(self) -> FieldVolume | None:
        """The newest volume, at once (None before there is one); call it once per frame."""
        return self._feed.latest()

    # ------------------------------------------------------------------ in the run's thread

    def _work(self, session: Session) -> Piece[FieldVolume]:
        scene, trainer = session.scene, session.trainer
        if trainer is None or not isinstance(scene, Scene):
            return Piece()
        field = trainer.field
        if not isinstance(field, Bakeable):  # it trains all the same, and there is nothing to show
            return Piece()
        baking, self._baking = self._baking, None  # a failure leaves none behind
        if baking is None or baking.field is not field:
            size = self._wanted_size(field, session.busy)
            if size is None:
                return Piece()
            detailed = self._shown is not None and self._shown.field is field
            baking = Baking(field, size, detailed, self.on_device)
        if not baking.work(PIECE):
            self._baking = baking
            return Piece(unfinished=True)
        self._versions += 1
        self._shown = _Shown(field, baking.field_version, baking.size, baking.coarse)
        self._costs[baking.size] = baking.seconds
        return Piece(baking.volume(scene, self._versions))

    def _wanted_size(self, field: Bakeable, busy: bool) -> int | None:
        """Size of the next volume; None where the last one is up to date."""
        sizes = field.volume_sizes(self._longest)
        shown = self._shown
        if shown is None or shown.field is not field:
            self._costs.clear()
            return sizes[0]
        size = shown.size
        if busy:
            wanted = max((one for one in sizes if self._cost(one) <= PATIENCE * self._share), default=sizes[0])
        else:
            wanted = next((one for one in sizes if one > size), size)
        return wanted if field.version != shown.field_version or wanted > size or shown.coarse else None

    def _cost(self, size: int) -> float:
        """Seconds to make a volume, estimated from others in proportion to the number of voxels."""
        known = self._costs.get(size)
        nearest = max(self._costs, default=size)
        return known if known is not None else self._costs.get(nearest, 0.0) * (size / nearest) ** 3
