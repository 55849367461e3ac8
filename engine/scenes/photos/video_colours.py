"""Colours of videos with high dynamic range (HDR): ffmpeg maps them to those of standard ones."""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

TRANSFERS = {"arib-std-b67": "HLG", "smpte2084": "PQ"}  # ffmpeg's names of HDR transfer functions, and the usual ones
FILTERS = ("zscale", "tonemap")  # of ffmpeg, which the mapping needs


@dataclass(frozen=True)
class ToneMapping:
    """How light is mapped.

    Attributes:
        darkest_white, brightest_white: bounds of what becomes white, cd/m²: standard video has its white at 100, and
            HDR programmes have a white paper at 203 (ITU-R BT.2408).
        white_share: of the pixels that are darker than white, within these bounds.
        peak_share: of the pixels that are darker than what just becomes white where highlights are compressed.
        brightest: brightest light that phones write, cd/m².
        knee: light relative to white from which highlights are compressed; below it nothing changes.
        least_peak: relative to white, so that the curve is defined.
        samples: frames that are looked at.
        sample_width: of these, pixels.
    """

    darkest_white: float = 100.0
    brightest_white: float = 203.0
    white_share: float = 0.995
    peak_share: float = 0.9995
    brightest: float = 1000.0
    knee: float = 0.8
    least_peak: float = 1.01
    samples: int = 60
    sample_width: int = 128


MAPPING = ToneMapping()
UNIT = 100.0  # cd/m² that a value of 1 stands for where light is measured


@dataclass(frozen=True)
class Abilities:
    """What an ffmpeg can do.

    Attributes:
        maps_tones: whether it has the filters that HDR needs.
        keeps_frames: options with which it gives every frame once, whatever their times are.
    """

    maps_tones: bool
    keeps_frames: tuple[str, ...]


@functools.cache
def find_abilities(ffmpeg: str) -> Abilities:
    """What an ffmpeg says that it can do."""
    known = {line.split()[1] for line in _ask(ffmpeg, "-filters").splitlines() if len(line.split()) > 2}
    newer = "fps_mode" in _ask(ffmpeg, "-h", "long")  # since ffmpeg 5.1; the older option went later
    return Abilities(
        maps_tones=known.issuperset(FILTERS),
        keeps_frames=("-fps_mode", "passthrough") if newer else ("-vsync", "passthrough"),
    )


def _ask(ffmpeg: str, *options: str) -> str:
    try:
        answer = subprocess.run([ffmpeg, "-hide_banner", *options], capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.decode("utf-8", "replace")


def find_transfer(pixel_format: str) -> str | None:
    """HLG or PQ by ffmpeg's description of the pixels, such as `yuv420p10le(tv, bt2020nc/bt2020/arib-std-b67)`."""
    return next((name for transfer, name in TRANSFERS.items() if transfer in pixel_format), None)


def measure_filters(pixel_format: str) -> str:
    """The filters that give linear light in units of 100 cd/m², of the primaries of ITU-R BT.709."""
    return _make_linear(pixel_format, UNIT)


def _make_linear(pixel_format: str, unit: float) -> str:
    """Of light in units of so many cd/m². What the file does not say of its colours is as HDR videos have it."""
    transfer = next(transfer for transfer in TRANSFERS if transfer in pixel_format)
    told = "bt2020nc/bt2020" in pixel_format
    given = f"tin={transfer}" if told else f"tin={transfer}:pin=bt2020:min=bt2020nc"
    return f"zscale={given}:t=linear:npl={unit:.1f},format=gbrpf32le,zscale=p=bt709,format=gbrpf32le"


def choose_mapping(
    light: Iterable[Float[np.ndarray, " pixels"]], pixel_format: str, options: ToneMapping = MAPPING
) -> str:
    """The filters that map a video's light to standard colours, the same for all of its frames.

    Light up to white stays as it is; what is brighter is compressed (Möbius). White is where nearly all pixels are
    darker, between that of standard and of HDR programmes.

    Args:
        light: of some frames, in units of 100 cd/m².
        pixel_format: ffmpeg's description of the video's pixels.
        options: the curve.
    """
    values = np.concatenate([np.zeros(1), *light]) * UNIT
    white, peak = np.quantile(values, [options.white_share, options.peak_share])
    white = float(np.clip(white, options.darkest_white, options.brightest_white))
    peak = max(min(float(peak), options.brightest) / white, options.least_peak)
    return (
        f"{_make_linear(pixel_format, white)},"
        f"tonemap=mobius:param={options.knee:g}:desat=0:peak={peak:.4f},"
        "zscale=t=bt709:m=gbr:r=full,format=gbrp"
    )


def compute_light(planes: Float[np.ndarray, "3 pixels"]) -> Float[np.ndarray, " pixels"]:
    """Luminance of linear green, blue and red (ITU-R BT.709)."""
    return 0.7152 * planes[0] + 0.0722 * planes[1] + 0.2126 * planes[2]
