"""Under the warp pictures: the colour wheel, the residual, now and over the last minute, and what λ makes of it."""

from __future__ import annotations

import math

import dearpygui.dearpygui as dpg
import numpy as np

from app.panels.parts import ACCENT, FAINT, GROOVE, MUTED, drawing, set_text, tool_tip
from app.residual_trace import ResidualTrace
from app.sparkline import points
from app.warp_colours import RINGS_PX, strength, wheel
from engine.messages import Snapshot, WarpSnapshot

WHEEL = 88  # pixels
TRACE_HEIGHT = 40
VIOLET = (190, 140, 255, 255)


class WarpLegend:
    """Numbers for the frame whose warp is shown."""

    def __init__(self) -> None:
        self._trace = ResidualTrace()

    def build(self) -> None:
        pixels = np.ascontiguousarray(wheel(2 * WHEEL))
        with dpg.texture_registry():
            texture = dpg.add_static_texture(2 * WHEEL, 2 * WHEEL, pixels.ravel().tolist())
        with dpg.group(horizontal=True):
            group, self._wheel = drawing(WHEEL)
            dpg.configure_item(self._wheel, width=WHEEL + 58)
            tool_tip(
                group,
                "Direction is hue, length is strength, on a log scale that never changes: a soft field gains "
                "colour, a stiff one pales. Rings: 0.01, 0.1, 1 and 10 px of the photo.",
            )
            dpg.draw_image(texture, (0, 0), (WHEEL, WHEEL), parent=self._wheel)
            for ring in RINGS_PX:
                down = WHEEL / 2 * (1 - float(strength(np.array(ring))))
                dpg.draw_line((WHEEL / 2, down), (WHEEL + 6, down), color=(*MUTED[:3], 120), parent=self._wheel)
                dpg.draw_text((WHEEL + 10, down - 6), f"{ring:g} px", size=11, color=MUTED, parent=self._wheel)
            with dpg.group():
                self._residual = dpg.add_text("")
                tool_tip(
                    self._residual,
                    "How far apart, on the photo, the local warps and the one fitted pose put the pixels.",
                )
                self._alignment = dpg.add_text("", color=MUTED)
                tool_tip(
                    self._alignment,
                    "The alignment term is the mean squared distance between the two in the world; λ times it is "
                    "added to the photometric loss. A small share still pulls hard: what counts is its slope.",
                )
                self._trace_group, self._list = drawing(TRACE_HEIGHT)
                tool_tip(self._trace_group, "Mean residual over the last minute, log scale; violet: λ was changed.")
        self._box = dpg.draw_rectangle((0, 0), (10, TRACE_HEIGHT - 1), fill=GROOVE, color=FAINT, parent=self._list)
        self._layer = dpg.add_draw_layer(parent=self._list)
        self._line = dpg.draw_polyline([(0, 0), (0, 0)], color=ACCENT, thickness=1.6, parent=self._list)
        self._top = dpg.draw_text((4, 1), "", size=11, color=MUTED, parent=self._list)
        self._bottom = dpg.draw_text((4, TRACE_HEIGHT - 14), "", size=11, color=MUTED, parent=self._list)

    def see(self, snapshot: Snapshot) -> None:
        """Takes every snapshot in, drawn or not."""
        self._trace.see(snapshot)

    def show(self, snapshot: Snapshot, warp: WarpSnapshot, width: int) -> None:
        """Brings numbers and curve up to date."""
        residual = warp.residual_px
        set_text(self._residual, f"Residual  mean {residual.mean():.3f} px   max {residual.max():.3f} px")
        set_text(self._alignment, loss_sentence(snapshot))
        self._draw_trace(max(width - WHEEL - 58 - 8, 80))

    def _draw_trace(self, width: int) -> None:
        seconds, means = self._trace.curve()
        dpg.configure_item(self._list, width=width)
        dpg.configure_item(self._box, pmax=(width - 1, TRACE_HEIGHT - 1))
        if len(seconds) < 2 or means.max() <= 0:
            dpg.configure_item(self._line, show=False)
            return
        low = 10.0 ** math.floor(math.log10(max(means.min(), 1e-4)))
        high = 10.0 ** math.ceil(math.log10(max(means.max(), 1e-3)))
        where = points(seconds, means, (width, TRACE_HEIGHT), (low, high))
        dpg.configure_item(self._line, points=where.tolist(), show=True)
        dpg.configure_item(self._top, text=f"{high:g} px")
        dpg.configure_item(self._bottom, text=f"{low:g} px")
        dpg.delete_item(self._layer, children_only=True)
        span = max(seconds[-1] - seconds[0], 1e-6)
        for moment, _ in self._trace.changes():
            x = 2 + (moment - seconds[0]) / span * (width - 4)
            dpg.draw_line((x, 1), (x, TRACE_HEIGHT - 2), color=(*VIOLET[:3], 130), parent=self._layer)


def loss_sentence(snapshot: Snapshot) -> str:
    """What λ makes of the alignment term, against the photometric loss."""
    weighted = snapshot.alignment * 10.0**snapshot.lambda_exponent
    total = weighted + snapshot.photometric
    if not math.isfinite(total) or total <= 0:
        return "No loss yet"
    share = 100 * weighted / total
    return f"λ·alignment {weighted:.1e} against photometric {snapshot.photometric:.1e}: {share:.2g} % of the loss"
