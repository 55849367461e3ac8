"""Seeded damage to the files of a scene: what disks, transfers, editors and other programs do to them."""

from __future__ import annotations

import io
import json
import random
import re
import shutil
import tokenize
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

WEIRD_VALUES: tuple[Any, ...] = (
    float("nan"), float("inf"), -float("inf"), 0, -1, 1e300, -1e300, 1e-300, 10**400, 2**63, True, None, "", "nan",
    "images", "../../etc/passwd", "/etc/passwd", "C:\\x", "x" * 5000, "a\0b",
    [], [1], [[]], {}, {"a": 1}, [float("nan")] * 16,
)  # fmt: skip
WEIRD_WORDS = (
    "nan", "-inf", "0", "-1", "1e300", "1e-320", "9" * 400, "PINHOLE", "", "../x", "a b", "\ufeff", "#", ",,,", "é",
)  # fmt: skip
IMAGES = (".png", ".jpg")


def mutate_scene(folder: Path, seed: int) -> str:
    """Damages one to three files of a scene; returns what was done."""
    draw = random.Random(seed)
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    others = [file for file in files if file.suffix not in IMAGES] or files
    done = []
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        file = draw.choice(others if draw.random() < 0.6 else files)
        if not file.is_file():
            continue
        choices = [_cut, _flip, _flip_one, _empty, _remove, _double]
        choices += {".json": [_change_json] * 12, ".npy": [_change_table] * 6}.get(file.suffix, [])
        choices += [_change_words] * 6 if file.suffix in (".txt", ".csv", ".xml") else []
        choices += [_swap_image, _other_image, _other_image] if file.suffix in IMAGES else []
        change = draw.choice(choices)
        change(file, draw, files)
        done.append(f"{change.__name__.strip('_')} {file.relative_to(folder)}")
    return ", ".join(done)


def _cut(file: Path, draw: random.Random, files: list[Path]) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: draw.randrange(len(content) + 1)])


def _flip(file: Path, draw: random.Random, files: list[Path], count: int = 20) -> None:
    content = bytearray(file.read_bytes())
    for _ in range(count if content else 0):
        content[draw.randrange(len(content))] = draw.randrange(256)
    file.write_bytes(content)


def _flip_one(file: Path, draw: random.Random, files: list[Path]) -> None:
    _flip(file, draw, files, count=1)


def _empty(file: Path, draw: random.Random, files: list[Path]) -> None:
    file.write_bytes(b"")


def _remove(file: Path, draw: random.Random, files: list[Path]) -> None:
    file.unlink()


def _double(file: Path, draw: random.Random, files: list[Path]) -> None:
    """Its content twice, as after a transfer that was resumed wrongly."""
    file.write_bytes(file.read_bytes() * 2)


def _change_json(file: Path, draw: random.Random, files: list[Path]) -> None:
    try:
        content = json.loads(file.read_text())
    except ValueError:
        return
    places = list(_list_places(content))
    if places:
        parent, key = draw.choice(places)
        action = draw.randrange(4)
        if action == 0:
            del parent[key]
        elif action == 1:
            parent[key] = draw.choice(draw.choice(places)[0:1]) if draw.random() < 0.1 else [parent[key]]
        else:
            parent[key] = draw.choice(WEIRD_VALUES)
    try:
        file.write_text(json.dumps(content))
    except ValueError:  # a value was put into itself
        file.write_text("[]")


def _list_places(content: Any, depth: int = 0) -> Any:
    """Container and key of every value; those near the top appear more than once, to be drawn more often."""
    entries: Any = ()
    if isinstance(content, (dict, list)):
        entries = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in entries:
        yield from [(content, key)] * max(1, 6 - 2 * depth)
        yield from _list_places(value, depth + 1)


def _change_table(file: Path, draw: random.Random, files: list[Path]) -> None:
    try:
        table = np.load(file)
    except (ValueError, EOFError, OSError, SyntaxError, tokenize.TokenError):
        return
    if table.ndim != 2 or not table.size:
        return
    action = draw.randrange(5)
    if action == 0:
        table = table[: draw.randrange(len(table) + 1)]
    elif action == 1:
        table = table[:, : draw.randrange(table.shape[1] + 1)]
    elif action == 2:
        with np.errstate(all="ignore"):
            table = table.astype(draw.choice(["complex128", "U8", "int8", "float16"]))
    else:
        row = draw.randrange(len(table)) if action == 3 else slice(None)
        table[row, draw.randrange(table.shape[1])] = draw.choice([np.nan, np.inf, 0, -1, 1e300, -1e30])
    np.save(file, table)


def _change_words(file: Path, draw: random.Random, files: list[Path]) -> None:
    words = re.split(r"([ ,<>=\n\"]+)", file.read_text(errors="replace"))
    for _ in range(draw.choice((1, 1, 3))):
        words[2 * draw.randrange((len(words) + 1) // 2)] = draw.choice(WEIRD_WORDS)
    file.write_text("".join(words), errors="replace")


def _swap_image(file: Path, draw: random.Random, files: list[Path]) -> None:
    other = draw.choice([other for other in files if other.suffix in IMAGES])
    if other.is_file():
        shutil.copy(other, file) if other != file else None


def _other_image(file: Path, draw: random.Random, files: list[Path]) -> None:
    """Another image, of another size, mode or format, under the same name."""
    width, height = draw.choice([(32, 24), (24, 32), (1, 1), (64, 48), (33, 25), (500, 3), (320, 240)])
    kinds = [("RGB", "JPEG"), ("L", "PNG"), ("RGBA", "PNG"), ("I;16", "PNG"), ("CMYK", "JPEG"), ("P", "GIF")]
    mode, kind = draw.choice(kinds)
    image = Image.new(mode, (width, height))
    buffer = io.BytesIO()
    image.save(buffer, kind, **({"exif": _make_exif(draw.randrange(10))} if kind == "JPEG" else {}))
    file.write_bytes(buffer.getvalue())


def _make_exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif
