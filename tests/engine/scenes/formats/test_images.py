"""Image files of every supported kind, and files that must be refused."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from engine.errors import UserError
from engine.scenes.formats.images import (
    choose_decoders,
    downsample_area,
    downsample_halves,
    load_image,
    read_image_size,
    round_to_uint8,
)
from engine.scenes.formats.resolution import (
    Reduction,
    choose_automatic_factor,
    choose_draft,
    choose_folder,
    load_images,
)
from engine.scenes.options import SceneOptions
from tests.support.scenes.synthetic import write_image

WHITE = (1.0, 1.0, 1.0)
BOUND = 10_000


def load(path: Path) -> np.ndarray:
    return load_image(path, WHITE, BOUND)[0]


@given(
    arrays.arrays(np.uint8, st.tuples(st.integers(1, 5), st.integers(1, 5), st.just(3))),
    st.integers(1, 4),
)
def test_downsampling_undoes_repetition(image: np.ndarray, factor: int) -> None:
    large = image.repeat(factor, axis=0).repeat(factor, axis=1)
    assert (round_to_uint8(downsample_area(large, factor)) == image).all()


@given(
    arrays.arrays(np.uint8, st.tuples(st.integers(4, 13), st.integers(4, 13), st.just(3))),
    st.integers(1, 4),
)
def test_downsampling_keeps_the_mean_of_whole_blocks(image: np.ndarray, factor: int) -> None:
    height, width = image.shape[0] // factor * factor, image.shape[1] // factor * factor
    small = downsample_area(image, factor)
    assert small.shape == (height // factor, width // factor, 3)
    np.testing.assert_allclose(small.mean(axis=(0, 1)), image[:height, :width].mean(axis=(0, 1)), atol=1e-3)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_lossless_formats_come_back_exactly(tmp_path: Path, suffix: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / f"image{suffix}")
    assert (load(tmp_path / f"image{suffix}") == pixels).all()


def test_greyscale_and_palette_become_rgb(tmp_path: Path) -> None:
    grey = np.arange(35, dtype=np.uint8).reshape(5, 7)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    assert (load(tmp_path / "grey.png") == grey[..., None]).all()
    Image.fromarray(grey).convert("RGB").quantize(64).save(tmp_path / "palette.png")
    assert load(tmp_path / "palette.png").shape == (5, 7, 3)
    Image.fromarray(grey > 10).save(tmp_path / "bilevel.png")
    assert (load(tmp_path / "bilevel.png")[..., 0] == (grey > 10) * 255).all()


def test_sixteen_bits_keep_their_brightness(tmp_path: Path) -> None:
    levels = np.array([[0, 257, 32896, 65535]], dtype=np.uint16)
    Image.fromarray(levels).save(tmp_path / "deep.png")
    assert load(tmp_path / "deep.png")[0, :, 0].tolist() == [0, 1, 128, 255]
    Image.fromarray(levels.astype(np.float32) / 65535).save(tmp_path / "float.tif")
    assert load(tmp_path / "float.tif")[0, :, 0].tolist() == [0, 1, 128, 255]


def test_cmyk_is_converted(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), (255, 0, 0)).convert("CMYK").save(tmp_path / "print.jpg", quality=95)
    red, green, blue = load(tmp_path / "print.jpg")[4, 4]
    assert red > 240
    assert max(green, blue) < 20


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "P"])
def test_transparency_is_composited(tmp_path: Path, mode: str) -> None:
    image = Image.new("RGBA", (4, 4), (0, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, 2, 4))
    if mode == "P":
        image = Image.fromarray(np.array([[0, 0, 1, 1]] * 4, dtype=np.uint8), mode="P")
        image.putpalette([9, 9, 9, 0, 0, 0])
        image.save(tmp_path / "image.png", transparency=0)
    else:
        image.convert(mode).save(tmp_path / ("image.tif" if mode == "PA" else "image.png"))
    pixels, transparent = load_image(next(tmp_path.iterdir()), WHITE, BOUND)
    assert transparent
    assert pixels[0, :, 0].tolist() == [255, 255, 0, 0]


def test_opaque_alpha_is_no_transparency(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (1, 2, 3, 255)).save(tmp_path / "image.png")
    pixels, transparent = load_image(tmp_path / "image.png", WHITE, BOUND)
    assert not transparent
    assert pixels[0, 0].tolist() == [1, 2, 3]


def test_what_phones_call_jpeg_is_read(tmp_path: Path) -> None:
    Image.new("RGB", (8, 6)).save(
        tmp_path / "two.jpg", format="MPO", save_all=True, append_images=[Image.new("L", (4, 3))]
    )
    assert load(tmp_path / "two.jpg").shape == (6, 8, 3)


def test_orientation_is_not_applied(tmp_path: Path) -> None:
    image = Image.new("RGB", (6, 4))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.jpg", exif=exif)
    assert load(tmp_path / "turned.jpg").shape == (4, 6, 3)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp", ".bmp"])
@pytest.mark.parametrize("kept", [0.0, 0.1, 0.6])
def test_truncated_images_are_named(tmp_path: Path, suffix: str, kept: float) -> None:
    path = write_image(tmp_path / f"image{suffix}")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(UserError) as raised:
        load(path)
    assert str(path) in str(raised.value)


def test_text_with_an_images_name_is_named(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_text("<html>404</html>")
    with pytest.raises(UserError, match=r"photo\.jpg is not an image"):
        load(path)


def test_corrupt_pixels_are_named(tmp_path: Path) -> None:
    path = write_image(tmp_path / "image.png")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 40] = b"\0" * 40
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"image\.png is damaged"):
        load(path)


def _png_header(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"")
    chunks = [
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in (header, data)
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("side", [200, 12_000, 60_000])
def test_large_images_are_refused_by_their_header(tmp_path: Path, side: int) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(_png_header(side, side))
    with pytest.raises(UserError, match=r"bomb\.png has .* more than 10,000"):
        read_image_size(path, BOUND)


@pytest.mark.parametrize(("size", "factor"), [((512, 300), 1), ((513, 300), 2), ((1008, 756), 2), ((3024, 4032), 8)])
def test_the_automatic_factor(size: tuple[int, int], factor: int) -> None:
    assert choose_automatic_factor(*size) == factor


@pytest.mark.parametrize(
    ("available", "wanted", "expected"),
    [((1, 4, 8), 8, (8, 1)), ((1, 4, 8), 2, (1, 2)), ((4, 8), 24, (8, 3)), ((4, 8), 4, (4, 1)), ((4, 8), 2, (4, 1))],
)
def test_the_fitting_folder(available: tuple[int, ...], wanted: int, expected: tuple[int, int]) -> None:
    folders = {number: Path(f"images_{number}") for number in available}
    assert choose_folder(folders, wanted) == (folders[expected[0]], expected[1])


@pytest.mark.parametrize("factor", [3, 5, 9])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_blocks_of_half_an_odd_factor(factor: int, kind: type) -> None:
    """They are the blocks of the image in which every pixel stands twice, across and down."""
    image = np.random.default_rng(0).integers(0, 256, (47, 61, 3)).astype(kind)
    doubled = image.repeat(2, axis=0).repeat(2, axis=1)
    size = doubled.shape[1] // factor, doubled.shape[0] // factor
    found = downsample_halves(image, factor, size)
    assert found == pytest.approx(downsample_area(doubled, factor), rel=1e-5)
    more = downsample_halves(image[:-1], factor, (size[0], 46 * 2 // factor + 1))
    assert more.shape == (46 * 2 // factor + 1, size[0], 3)


@pytest.mark.parametrize("factor", [2, 3, 4, 5, 6, 7, 8, 9, 12, 16])
def test_jpegs_are_decoded_small_and_look_the_same(tmp_path: Path, factor: int) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((643, 427), Image.Resampling.BICUBIC).save(tmp_path / "a.jpg", quality=95)
    reduction = Reduction((643, 427), (643 // factor, 427 // factor), factor)
    (small,), transparent = load_images([tmp_path / "a.jpg"], [reduction], SceneOptions())
    assert isinstance(small, np.ndarray)
    whole, _ = load_image(tmp_path / "a.jpg", (1.0, 1.0, 1.0), 10**6)
    expected = round_to_uint8(downsample_area(whole, factor)).astype(int)
    assert small.shape == expected.shape
    assert not transparent
    assert np.sqrt(np.mean((small - expected) ** 2)) < 1.5
    assert choose_draft(reduction) > 1


def test_a_damaged_image_is_told_from_the_others(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c.png"):
        Image.new("RGB", (32, 24), "red").save(tmp_path / name)
    (tmp_path / "b.png").write_bytes((tmp_path / "b.png").read_bytes()[:60])
    reductions = [Reduction((32, 24), (16, 12), 2)] * 3
    files = [tmp_path / name for name in ("a.png", "b.png", "c.png")]
    first, second, third = load_images(files, reductions, SceneOptions())[0]
    assert isinstance(second, UserError)
    assert isinstance(first, np.ndarray)
    assert isinstance(third, np.ndarray)
    assert first.shape == (12, 16, 3)


def test_large_photos_are_decoded_by_fewer_threads() -> None:
    assert choose_decoders([(4000, 3000), (8000, 6000)]) == 4
    assert choose_decoders([(16320, 12240)]) == 1
    assert choose_decoders([]) == 4
