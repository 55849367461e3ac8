"""Pictures of a held-out frame: photo, rendering, error and depth side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from engine.evaluation.held_out import HeldOutFrame
from engine.evaluation.views import View
from engine.scenes.scene import SceneKind

LARGEST_ERROR = 0.25  # absolute difference (RGB in [0, 1]) shown in the brightest colour
_LEAST_PANEL_WIDTH = 320  # pixels: smaller images are enlarged by an integer factor
_TITLE, _GAP, _TEXT = 26, 6, 15  # pixels: title bar, gap between panels, font size
_MASKED = 110  # grey of what does not count
_BACKGROUND, _INK = (24, 24, 27), (228, 228, 231)
_FONT = "fonts/ttf/DejaVuSans.ttf"  # ships with matplotlib


def draw_side_by_side(frame: HeldOutFrame, kind: SceneKind) -> Image.Image:
    """Four panels with a title each: photo, rendering with its scores, absolute error, depth."""
    scores = frame.scores
    ssim = "" if scores.ssim is None else f"   SSIM {scores.ssim:.3f}"
    depth, depth_title = colour_depth(frame.view, kind)
    panels = [
        (frame.name, _to_bytes(frame.photo)),
        (f"rendered   {scores.psnr:.2f} dB{ssim}", _to_bytes(frame.view.colour)),
        (f"absolute error   0 to {LARGEST_ERROR:g}", colour_errors(frame.view.colour, frame.photo, frame.mask)),
        (depth_title, depth),
    ]
    height, width = frame.photo.shape[:2]
    factor = -(-_LEAST_PANEL_WIDTH // width)
    font = ImageFont.truetype(str(Path(matplotlib.get_data_path()) / _FONT), _TEXT)
    step = width * factor + _GAP
    sheet = Image.new("RGB", (len(panels) * step - _GAP, height * factor + _TITLE), _BACKGROUND)
    for index, (title, pixels) in enumerate(panels):
        bar = Image.new("RGB", (width * factor, _TITLE), _BACKGROUND)
        ImageDraw.Draw(bar).text((6, _TITLE // 2), title, fill=_INK, font=font, anchor="lm")
        sheet.paste(bar, (index * step, 0))
        panel = Image.fromarray(pixels).resize((width * factor, height * factor), Image.Resampling.NEAREST)
        sheet.paste(panel, (index * step, _TITLE))
    return sheet


def colour_errors(
    rendering: Float[Tensor, "height width 3"],
    photo: Float[Tensor, "height width 3"],
    mask: Bool[Tensor, "height width"] | None = None,
) -> UInt8[np.ndarray, "height width 3"]:
    """The absolute difference, mean over the channels, from black (0) to bright (`LARGEST_ERROR` or more).

    Grey where `mask` is False.
    """
    colours = _map_colours((rendering - photo).abs().mean(-1) / LARGEST_ERROR, "inferno")
    return colours if mask is None else np.where(mask.cpu().numpy()[..., None], colours, np.uint8(_MASKED))


def colour_depth(view: View, kind: SceneKind) -> tuple[UInt8[np.ndarray, "height width 3"], str]:
    """Depth from near (red) to far (blue), and a title with the range that is shown.

    Scenes that reach to infinity are shown in inverse depth: forward-facing and unbounded ones. Pixels without a
    depth, or of an opacity up to 0.5, are white.
    """
    usable = view.depth.isfinite() & (view.depth > 0) & (view.opacity > 0.5)
    if not bool(usable.any()):
        return np.full((*view.depth.shape, 3), 255, dtype=np.uint8), "depth   nothing visible"
    inverse = kind != "object"
    values = torch.where(usable, view.depth, torch.ones_like(view.depth))
    values = 1 / values if inverse else -values
    seen = values[usable].double().cpu().numpy()
    low, high = np.quantile(seen, [0.01, 0.99])
    pixels = _map_colours((values - low) / max(high - low, 1e-12), "turbo")
    pixels[~usable.cpu().numpy()] = 255
    near, far = (1 / high, 1 / low) if inverse else (-high, -low)
    return pixels, f"depth   {near:.3g} (red) to {far:.3g} (blue)"


def picture_name(frame: int, name: str) -> str:
    """A file name that is different for every frame: its index within the scene, then its name without suffix."""
    return f"{frame:04d}_{Path(name).stem}.png"


def _map_colours(values: Float[Tensor, "height width"], palette: str) -> UInt8[np.ndarray, "height width 3"]:
    table: Any = matplotlib.colormaps[palette]
    return table(values.clamp(0, 1).float().cpu().numpy(), bytes=True)[..., :3].copy()


def _to_bytes(image: Float[Tensor, "height width 3"]) -> UInt8[np.ndarray, "height width 3"]:
    return (image.clamp(0, 1) * 255).round().byte().cpu().numpy()
