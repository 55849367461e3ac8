"""Tools for all procedural textures: noise, blending, coordinates, lettering.

Images are float RGB in [0, 1] (sRGB values); row 0 is the top, that is v = 1.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[float, float, float]


def noise(
    height: int, width: int, rng: np.random.Generator, exponent: float = 1.6, stretch: tuple[float, float] = (1.0, 1.0)
) -> np.ndarray:
    """Tileable noise in [0, 1] with power spectrum 1/f^exponent; `stretch` lengthens features along (y, x)."""
    frequency_y = np.fft.fftfreq(height)[:, None] * height * stretch[0]
    frequency_x = np.fft.fftfreq(width)[None] * width * stretch[1]
    radius = np.sqrt(frequency_y**2 + frequency_x**2)
    radius[0, 0] = np.inf
    spectrum = np.fft.fft2(rng.normal(size=(height, width))) * np.maximum(radius, 1.0) ** -exponent
    spectrum[0, 0] = 0
    field = np.real(np.fft.ifft2(spectrum))
    return np.clip(0.5 + field / (5 * field.std()), 0, 1)


def mix(first: Colour | np.ndarray, second: Colour | np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Blend two colours (or images) with a weight image."""
    return np.asarray(first) * (1 - weight[..., None]) + np.asarray(second) * weight[..., None]


def coordinates(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """(v, u) of the pixel centres; v grows upwards."""
    v, u = np.meshgrid(1 - (np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width, indexing="ij")
    return v, u


def step(value: np.ndarray, softness: float = 0.01) -> np.ndarray:
    """Smooth 0-to-1 step about zero."""
    return np.clip(value / softness + 0.5, 0, 1)


def font(size: int) -> ImageFont.ImageFont:
    return ImageFont.load_default(size=size)


def lettering(image: np.ndarray, text: str, centre: tuple[float, float], size: int, colour: Colour) -> np.ndarray:
    """Write text centred at (u, v) of an image; size in pixels."""
    picture = Image.fromarray((np.clip(image, 0, 1) * 255).astype(np.uint8))
    height, width = image.shape[:2]
    ImageDraw.Draw(picture).text(
        (centre[0] * width, (1 - centre[1]) * height),
        text,
        font=font(size),
        anchor="mm",
        fill=tuple(int(255 * value) for value in colour),
    )
    return np.asarray(picture) / 255.0
