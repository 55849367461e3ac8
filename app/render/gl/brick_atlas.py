"""The detail of a volume: its blocks as bricks of one 3D texture, and a table that says where each of them lies."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import moderngl
import numpy as np
from jaxtyping import Int32, UInt32

from app.render.gl.pieces import Pieces
from app.render.gl.programs import set_uniforms
from app.render.gl.transport import VolumeTransport
from app.render.gl.values import reorder_axes, take_rows, view_as_halves, view_as_words
from engine.errors import UserError
from engine.fields.baking import FineVolume

EDGE = 9  # voxels of a brick: those of a block, and the first ones of its neighbours
UNITS: dict[str, int] = {"bricks": 6, "brick_table": 7}

Slots = Int32[np.ndarray, "table_depth table_height table_width"]


@dataclass(frozen=True)
class AtlasOptions:
    """How bricks are arranged and uploaded.

    Attributes:
        across: bricks along x and y, if the texture need not be wider.
        room: share of the bricks that is added, so that the next volume, of a few more blocks, fits as well.
        most_room: times as much as is needed; of a larger texture the memory is given back.
    """

    across: int = 16
    room: float = 0.1
    most_room: float = 2.0


OPTIONS = AtlasOptions()


@dataclass(frozen=True)
class Layout:
    """Numbers of bricks along x and y, and along z, of an atlas. Brick 0 is not used: it stands for missing blocks."""

    across: int
    layers: int

    @property
    def per_layer(self) -> int:
        return self.across**2

    @property
    def capacity(self) -> int:
        """Number of bricks, brick 0 included."""
        return self.per_layer * self.layers

    def pack(self, slots: Slots) -> UInt32[np.ndarray, "table_depth table_height table_width"]:
        """The place (x, y, z) of each brick, in bricks, ten bits for each from the lowest on; 0 for missing ones."""
        x, y, z = slots % self.across, slots // self.across % self.across, slots // self.per_layer
        return (x | y << 10 | z << 20).astype(np.uint32)


def choose_layout(bricks: int, largest: int) -> Layout | None:
    """An atlas for so many bricks, brick 0 included, or None.

    Args:
        bricks: that there must be room for.
        largest: texels along each side of a 3D texture, at most.
    """
    most = min(largest // EDGE, 1023)  # what ten bits hold
    if bricks > most**3:
        return None
    across = min(OPTIONS.across, most)
    if bricks > across**2 * most:
        across = math.ceil(math.sqrt(bricks / most))
    return Layout(across, math.ceil(bricks / across**2))


def assign_slots(table: Slots, before: Slots | None, capacity: int) -> Slots:
    """Which brick each stored block gets; 0 for missing ones.

    A block that has a brick keeps it: while a volume is uploaded, what is drawn is partly older and partly newer, but
    everything is in its place.

    Args:
        table: of the new volume, as in `FineVolume`.
        before: bricks of the volume that the atlas holds; None if it is empty.
        capacity: number of bricks, brick 0 included.
    """
    stored = table > 0
    slots = np.zeros_like(table) if before is None else np.where(stored, before, 0)
    without = stored & (slots == 0)
    taken = np.zeros(capacity, bool)
    taken[slots] = taken[0] = True
    slots[without] = np.flatnonzero(~taken)[: np.count_nonzero(without)]
    return slots


class BrickAtlas:
    """Two textures: bricks, and their places. They are reused for the next volume if it fits into them.

    Attributes:
        shape: (depth, height, width) of the lattice that is held, voxels; None while there is none.
    """

    def __init__(self, context: moderngl.Context, pieces: Pieces) -> None:
        self._context, self._pieces = context, pieces
        self._layout: Layout | None = None
        self._slots: Slots | None = None
        self._bricks: moderngl.Texture3D | None = None
        self._table: moderngl.Texture3D | None = None
        self.shape: tuple[int, int, int] | None = None

    def upload(self, detail: FineVolume, transport: VolumeTransport) -> Iterator[None]:
        """Copies the blocks into the atlas, for some milliseconds per step; the caller may draw between two steps.

        Raises:
            UserError: there are more than this OpenGL takes.
        """
        needed = int(np.count_nonzero(detail.table)) + 1
        layout, bricks, table, slots = self._layout, self._bricks, self._table, self._slots
        fits = layout is not None and needed <= layout.capacity <= max(OPTIONS.most_room * needed, layout.per_layer)
        if layout is None or bricks is None or table is None or self.shape != detail.shape or not fits:
            slots = None
            layout, bricks = self._make_bricks(needed)
            table = self._context.texture3d(detail.table.shape[::-1], 1, dtype="u4")
            table.filter = (moderngl.NEAREST, moderngl.NEAREST)
        slots, kept = assign_slots(detail.table, slots, layout.capacity), slots
        if kept is not None:  # a brick that is handed on must not be drawn in its old place
            self._slots = np.where(slots == kept, kept, 0)
            table.write(layout.pack(self._slots))
        try:
            yield
            yield from self._write(bricks, layout, detail, slots, transport)
        except GeneratorExit:
            if bricks is not self._bricks:
                bricks.release()
                table.release()
            raise
        table.write(layout.pack(slots))
        if bricks is not self._bricks:
            self.release()
        self._layout, self._bricks, self._table, self._slots, self.shape = layout, bricks, table, slots, detail.shape

    def use(self, program: moderngl.Program) -> None:
        """Binds the textures and sets the uniforms of `detail.glsl`. There must be a volume."""
        assert self._bricks is not None
        assert self._table is not None
        assert self.shape is not None
        self._bricks.use(UNITS["bricks"])
        self._table.use(UNITS["brick_table"])
        set_uniforms(program, **UNITS, detail_size=tuple(map(float, self.shape[::-1])))

    def release(self) -> None:
        """Gives everything back to OpenGL."""
        for texture in (self._bricks, self._table):
            if texture is not None:
                texture.release()
        self._layout = self._slots = self._bricks = self._table = self.shape = None

    def _make_bricks(self, needed: int) -> tuple[Layout, moderngl.Texture3D]:
        layout = choose_layout(needed + int(OPTIONS.room * needed), self._context.info["GL_MAX_3D_TEXTURE_SIZE"])
        if layout is not None:
            size = (EDGE * layout.across, EDGE * layout.across, EDGE * layout.layers)
            bricks = self._context.texture3d(size, 4, dtype="f2")
            if self._context.error == "GL_NO_ERROR":
                bricks.repeat_x = bricks.repeat_y = bricks.repeat_z = False
                bricks.filter = (moderngl.LINEAR, moderngl.LINEAR)
                return layout, bricks
            bricks.release()
        raise UserError(
            f"The field's {needed - 1} blocks of voxels do not fit into the memory of OpenGL: the novel view shows a"
            " coarser copy; training and exports are not affected."
        )

    def _write(
        self, bricks: moderngl.Texture3D, layout: Layout, detail: FineVolume, slots: Slots, transport: VolumeTransport
    ) -> Iterator[None]:
        """Layer after layer, as far as they are used."""
        stored = slots > 0
        numbers = np.zeros(layout.capacity, np.int64)  # of the block in each brick
        numbers[slots[stored]] = detail.table[stored]
        blocks = view_as_words(detail.blocks.reshape(-1, EDGE**3 * 4))
        used = -(-(int(slots.max(initial=0)) + 1) // layout.per_layer)

        def write(first: int, last: int) -> None:
            with transport.preparing():
                part = take_rows(blocks, numbers[first * layout.per_layer : last * layout.per_layer])
                placed = part.reshape(last - first, layout.across, layout.across, EDGE, EDGE, EDGE)
                planes = reorder_axes(placed, (0, 3, 1, 4, 2, 5)).reshape(
                    EDGE * (last - first), EDGE * layout.across, EDGE * layout.across, 1
                )
            transport.write_planes(bricks, EDGE * first, view_as_halves(planes))

        yield from self._pieces.cut("bricks", used, layout.per_layer * EDGE**3 * 8, write)
