"""The legend of the warp pictures: colour wheel, residual now, over the last minute and over λ, share of the loss."""

from __future__ import annotations

import math

import dearpygui.dearpygui as dpg
import numpy as np

from app.model.common.slider_scale import LAMBDA
from app.model.common.sparkline import make_sparkline
from app.model.warp.lambda_trail import find_column, make_lambda_trail
from app.model.warp.residual_trace import ResidualTrace
from app.model.warp.warp_colours import RINGS_PX, draw_wheel, find_strength
from app.panels.widgets.parts import (
    ACCENT,
    FAINT,
    GROOVE,
    MUTED,
    VIOLET,
    add_drawing,
    add_tool_tip,
    measure_text,
    set_text,
    shorten_text,
)
from engine.messages import PatchWarpSnapshot, Snapshot, WarpSnapshot

TEXTURE = 256  # width and height of the wheel's texture, pixels
LABELS = 58  # width of the labels beside the wheel, pixels
ROW = 13  # height of a row of small text above and below the curves, pixels
CURVES = 38  # height of the curves, pixels
TRACE_HEIGHT = ROW + CURVES + ROW
SMALL, LETTER = 11, 7  # size of that text, and about the width of a letter, pixels
TRAIL_SHARE = 0.45  # of their width, for the residual over λ
GAP = 8  # between the two, pixels
LAST_MINUTE = "last minute"
TICK_STEPS = ((2, 216), (5, 110), (10, 0))  # decades of λ between two ticks, and the width in pixels that they need


class WarpLegend:
    """Numbers and a curve for the frame whose warp is shown."""

    def __init__(self) -> None:
        self._trace = ResidualTrace()
        self._texture: int | str | None = None
        self._between = "   "  # what separates two numbers
        self._in_a_line = self._wraps = False

    def build_wheel(self, size: int) -> int | str:
        """Adds the colour wheel with the lengths of its rings to the container that is open; `size` in pixels."""
        group, drawlist = add_drawing(size)
        dpg.configure_item(drawlist, width=size + LABELS)
        add_tool_tip(
            group,
            "Hue is the direction, strength the length, on a fixed logarithmic scale: a soft field has strong "
            "colours, a stiff one pale ones. Rings: 0.01, 0.1, 1 and 10 px of the photo.",
        )
        if self._texture is None:
            pixels = np.ascontiguousarray(draw_wheel(TEXTURE))
            with dpg.texture_registry():
                self._texture = dpg.add_static_texture(TEXTURE, TEXTURE, pixels.ravel().tolist())
        dpg.draw_image(self._texture, (0, 0), (size, size), parent=drawlist)
        for ring in RINGS_PX:
            down = size / 2 * (1 - float(find_strength(np.array(ring))))
            dpg.draw_line((size / 2, down), (size + 6, down), color=(*MUTED[:3], 120), parent=drawlist)
            dpg.draw_text((size + 10, down - 6), f"{ring:g} px", size=11, color=MUTED, parent=drawlist)
        return group

    def build(self) -> None:
        """Adds numbers and curve to the container that is open."""
        with dpg.group() as self._texts:
            self._residual = dpg.add_text("")
            add_tool_tip(
                self._residual,
                "Distance on the photo between where the local warps and the fitted transform put the pixels.",
            )
            self._alignment = dpg.add_text("", color=MUTED)
            add_tool_tip(
                self._alignment,
                "The alignment term is the mean squared distance between the two in the scene; λ times it is "
                "added to the photometric loss. Even a small share has a strong effect: what counts is its gradient.",
            )
        group, self._list = add_drawing(TRACE_HEIGHT)
        add_tool_tip(
            group,
            "Left: mean residual over the last minute, logarithmic; violet lines: λ was changed. Right: the same "
            "residual over λ as it was travelled in that minute, fading with age; the dot is now.",
        )
        self._box, self._trail_box = (
            dpg.draw_rectangle((0, ROW), (1, ROW), fill=GROOVE, color=FAINT, show=False, parent=self._list)
            for _ in range(2)
        )
        self._layer = dpg.add_draw_layer(parent=self._list)
        self._line = dpg.draw_polyline([(0, 0), (0, 0)], color=ACCENT, thickness=1.6, parent=self._list)
        self._top = dpg.draw_text((0, 0), "", size=SMALL, color=MUTED, parent=self._list)
        self._bottom = dpg.draw_text((0, ROW + CURVES + 1), "", size=SMALL, color=MUTED, parent=self._list)

    def see(self, snapshot: Snapshot) -> None:
        """Adds a snapshot to the curve; to be called with every snapshot, drawn or not."""
        self._trace.see(snapshot)

    def clear(self) -> None:
        """Forgets the curve, and shows nothing until the next warp."""
        self._trace = ResidualTrace()
        set_text(self._residual, "")
        set_text(self._alignment, "")
        dpg.delete_item(self._layer, children_only=True)
        for item in (self._line, self._box, self._trail_box):
            dpg.configure_item(item, show=False)
        for item in (self._top, self._bottom):
            dpg.configure_item(item, text="")

    def arrange(self, in_a_line: bool) -> None:
        """Puts the numbers side by side, or one below the other."""
        self._in_a_line = in_a_line
        dpg.configure_item(self._texts, horizontal=in_a_line)

    def wrap(self, width: int, narrow: bool) -> None:
        """Wraps the sentences at `width` pixels; with `narrow`, numbers are put below each other."""
        self._wraps = True
        self._between = "\n" if narrow else "   "
        dpg.configure_item(self._alignment, wrap=width)

    def show(self, snapshot: Snapshot, warp: WarpSnapshot | PatchWarpSnapshot, width: int) -> None:
        """Shows numbers and curve, `width` pixels wide."""
        residual = warp.residual_px
        numbers = ("Residual", f"mean {residual.mean():.3f} px", f"max {residual.max():.3f} px")
        residuals = self._between.join(numbers)
        set_text(self._residual, residuals)
        taken = measure_text(residuals) + GAP if self._in_a_line else 0.0
        set_text(self._alignment, self._fit(describe_loss(snapshot), width - taken))
        self._draw_trace(max(width, 80))

    def _fit(self, sentences: tuple[str, ...], room: float) -> str:
        """The first of them, longest first, that has room in one line; the last as far as it has."""
        if self._wraps:
            return sentences[0]
        return next((each for each in sentences if measure_text(each) <= room), shorten_text(sentences[-1], room))

    def _draw_trace(self, whole: int) -> None:
        seconds, means = self._trace.curve()
        dpg.configure_item(self._list, width=whole)
        width = round((whole - GAP) * (1 - TRAIL_SHARE))
        dpg.configure_item(self._trail_box, pmin=(width + GAP, ROW), pmax=(whole - 1, ROW + CURVES), show=True)
        dpg.configure_item(self._box, pmax=(width - 1, ROW + CURVES), show=True)
        if len(seconds) < 2 or means.max() <= 0:
            dpg.configure_item(self._line, show=False)
            return
        low = 10.0 ** math.floor(math.log10(max(means.min(), 1e-4)))
        high = 10.0 ** math.ceil(math.log10(max(means.max(), 1e-3)))
        where = make_sparkline(seconds, means, (width, CURVES), (low, high))
        dpg.configure_item(self._line, points=[(x, ROW + y) for x, y in where.tolist()], show=True)
        dpg.configure_item(self._top, text=f"{high:g} px")
        dpg.configure_item(self._bottom, text=f"{low:g} px")
        dpg.delete_item(self._layer, children_only=True)
        span = max(seconds[-1] - seconds[0], 1e-6)
        for moment, _ in self._trace.changes():
            x = 2 + (moment - seconds[0]) / span * (width - 4)
            dpg.draw_line((x, ROW + 1), (x, ROW + CURVES - 1), color=(*VIOLET[:3], 130), parent=self._layer)
        if LETTER * len(f"{high:g} px {LAST_MINUTE}") < width:
            self._write(LAST_MINUTE, width - LETTER * len(LAST_MINUTE), 0)
        self._draw_trail(width + GAP, whole - width - GAP, (low, high))

    def _draw_trail(self, left: int, width: int, levels: tuple[float, float]) -> None:
        """The residual over λ, on the same scale of residuals."""
        step = next(step for step, least in TICK_STEPS if width >= least)
        for exponent in range(int(LAMBDA.lowest), int(LAMBDA.highest) + 1, step):
            x = left + float(find_column(np.array(float(exponent)), width, LAMBDA))
            dpg.draw_line((x, ROW + 1), (x, ROW + CURVES - 1), color=(*MUTED[:3], 50), parent=self._layer)
            text = f"10^{exponent}"
            wide = LETTER * len(text)
            self._write(text, min(max(x - wide / 2, left), left + width - wide), ROW + CURVES + 1)
        self._write("over λ", left, 0)
        trail = make_lambda_trail(*self._trace.trail(), (width, CURVES), LAMBDA, levels)
        points = [(left + x, ROW + y) for x, y in trail.points.tolist()]
        for before, now, opacity in zip(points, points[1:], trail.opacity[1:].tolist(), strict=False):
            dpg.draw_line(before, now, color=(*VIOLET[:3], int(255 * opacity)), thickness=1.6, parent=self._layer)
        dpg.draw_circle(points[-1], 3, color=ACCENT, fill=ACCENT, parent=self._layer)

    def _write(self, text: str, left: float, top: float) -> None:
        dpg.draw_text((left, top), text, size=SMALL, color=MUTED, parent=self._layer)


def describe_loss(snapshot: Snapshot) -> tuple[str, ...]:
    """λ times the alignment term, compared with the photometric loss: the longest sentence first."""
    weighted = snapshot.alignment * 10.0**snapshot.lambda_exponent
    total = weighted + snapshot.photometric
    if not math.isfinite(total) or total <= 0:
        return ("No loss yet",)
    share = f"{100 * weighted / total:.2g} % of the loss"
    return (
        f"λ·alignment {weighted:.1e} against photometric {snapshot.photometric:.1e}: {share}",
        f"λ·alignment {weighted:.1e}: {share}",
        f"λ·alignment: {share}",
    )
