"""What is known of a field before it is made: a row of `engine.fields.FIELDS`. Needs no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.config.rows import FieldRows


@dataclass(frozen=True)
class FieldSpec:
    """What one value of `--field` means.

    Attributes:
        label: short name for the window.
        sentence: what it is, in the window's tool tips.
        make: for scenes with cameras: from `(scene: Scene, settings: Settings, generator: torch.Generator,
            device: torch.device)` to an `engine.fields.field.Field`. It imports torch when it is called, so that
            `--help` need not wait for it.
        rows: its schedule, with the kinds of scene that it can live in.
        make_image: for planar scenes: from `(scene: PlanarScene, settings, generator, device)` to an
            `engine.fields.image.field.ImageField`; None if it has no such form.
        encodes: whether it sees positions through a positional encoding, whose frequencies open as the method says.
            Else the lattice of each stage is the band limit.
    """

    label: str
    sentence: str
    make: Callable[..., Any]
    rows: FieldRows
    make_image: Callable[..., Any] | None = None
    encodes: bool = False

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of scene that it can live in."""
        return tuple(kind for kind in self.rows.kinds if kind != "planar" or self.make_image is not None)
