"""Inputs of the benchmark of verdicts: small copies of real sets of photos, bare or posed, and rendered places."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from engine.geometry import se3
from tests.benchmarks.reach import FLIP, SETS, Poses, read_reference
from tests.benchmarks.support.command import REPOSITORY
from tests.support.worlds import textured
from tests.support.worlds.textured import Rectangle, box, draw_texture, render, ring, room

SIDE = 640  # pixels along the longer side of a copy
EQUIVALENT = 0xA405  # EXIF's tag of the focal length, mm on 35 mm film


@dataclass(frozen=True)
class Made:
    """An input for `l2g-train`.

    Attributes:
        words: of the command line, the scene first.
        reference: world-to-camera poses by the name of the photo; None where there are none.
    """

    words: tuple[str, ...]
    reference: Poses | None


@dataclass(frozen=True)
class Source:
    """A set of photos with reference poses and one camera: the file's `fl_x` for its width `w`."""

    folder: Path
    reference: Poses
    focal: float
    size: tuple[int, int]


def open_source(scenes: Path, name: str) -> Source:
    """A set of `reach`, below the real scenes or the repository."""
    case = SETS[name]
    photos, reference = (
        (REPOSITORY if path.startswith("scenes/") else scenes) / path for path in (case.photos, case.reference)
    )
    if reference.is_dir():
        table = np.load(reference / "poses_bounds.npy")[0, :15].reshape(3, 5)
        size, focal = (int(table[1, 4]), int(table[0, 4])), float(table[2, 4])
    else:
        content = json.loads(reference.read_text(encoding="utf-8"))
        size, focal = (int(content["w"]), int(content["h"])), float(content["fl_x"])
    return Source(photos, read_reference(reference, photos), focal, size)


def choose(source: Source, every: int = 1, first: int = 0, count: int = 1000) -> list[str]:
    """Names of photos with a reference: every so-manieth from one on."""
    present = {entry.name for entry in source.folder.iterdir()}
    return sorted(present & set(source.reference))[first::every][:count]


def copy_photos(source: Source, names: Sequence[str], folder: Path, focal_factor: float | None = None) -> None:
    """JPEG copies with their EXIF; `focal_factor` changes the focal length in it, or writes one."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        with Image.open(source.folder / name) as photo:
            exif = photo.getexif()
            if focal_factor is not None:
                true = source.focal / np.hypot(*source.size) * np.hypot(36, 24)
                exif.get_ifd(0x8769)[EQUIVALENT] = round(true * focal_factor)
            small = photo.convert("RGB")
            small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
            small.save(folder / Path(name).with_suffix(".jpg"), quality=92, exif=exif)


def jpegs(reference: Poses) -> Poses:
    """The reference of copies."""
    return {str(Path(name).with_suffix(".jpg")): pose for name, pose in reference.items()}


def write_transforms(
    folder: Path, poses: Sequence[tuple[str, torch.Tensor]], focal: float, size: tuple[int, int]
) -> None:
    """`transforms.json` of world-to-camera poses; focal length and size in pixels of the photos."""
    frames = []
    for name, pose in poses:
        matrix = np.linalg.inv(np.vstack([pose.numpy(), [0, 0, 0, 1]])) @ FLIP
        frames.append({"file_path": f"images/{name}", "transform_matrix": matrix.tolist()})
    content = {"w": size[0], "h": size[1], "fl_x": focal, "fl_y": focal, "cx": size[0] / 2, "cy": size[1] / 2}
    (folder / "transforms.json").write_text(json.dumps(content | {"frames": frames}), encoding="utf-8")


def write_model(folder: Path, poses: Sequence[tuple[str, torch.Tensor]], focal: float, size: tuple[int, int]) -> None:
    """A COLMAP model as text, without points."""
    model = folder / "sparse" / "0"
    model.mkdir(parents=True)
    camera = f"1 PINHOLE {size[0]} {size[1]} {focal} {focal} {size[0] / 2} {size[1] / 2}\n"
    (model / "cameras.txt").write_text(camera, encoding="utf-8")
    lines = []
    for number, (name, pose) in enumerate(poses, start=1):
        x, y, z, w = _quaternion(pose[:, :3])
        t = " ".join(map(str, pose[:, 3].tolist()))
        lines.append(f"{number} {w} {x} {y} {z} {t} 1 {name}\n\n")
    (model / "images.txt").write_text("".join(lines), encoding="utf-8")
    (model / "points3D.txt").write_text("", encoding="utf-8")


def _quaternion(rotation: torch.Tensor) -> list[float]:
    import roma

    return [float(value) for value in roma.rotmat_to_unitquat(rotation.double())]


def posed(
    source: Source,
    names: Sequence[str],
    folder: Path,
    *,
    focal_factor: float = 1.0,
    order: Sequence[int] | None = None,
    colmap: bool = False,
    noise: float = 0.0,
) -> Made:
    """Copies with a file of their poses, which may be made wrong.

    Args:
        source: of the photos.
        names: of those that are taken.
        folder: to be written.
        focal_factor: on the focal length.
        order: frame i gets the pose of frame `order[i]`.
        colmap: write a COLMAP model, else `transforms.json`.
        noise: standard deviation of a twist of every pose, radians and units of the centres' spread.
    """
    copy_photos(source, names, folder / "images")
    wanted = [str(Path(name).with_suffix(".jpg")) for name in names]
    poses = [source.reference[names[index]].double() for index in (order or range(len(names)))]
    if noise:
        centres = se3.camera_centre(torch.stack(poses))
        spread = float((centres - centres.mean(dim=0)).norm(dim=-1).mean())
        generator = torch.Generator().manual_seed(3)
        twist = noise * torch.randn(len(poses), 6, generator=generator, dtype=torch.float64)
        twist[:, 3:] *= spread
        poses = list(se3.compose(se3.exponential(twist), torch.stack(poses)))
    with Image.open(folder / "images" / wanted[0]) as first:
        size = first.size
    focal = focal_factor * source.focal * max(size) / max(source.size)
    (write_model if colmap else write_transforms)(folder, list(zip(wanted, poses, strict=True)), focal, size)
    return Made((str(folder),), jpegs({name: source.reference[name] for name in names}))


def bare(source: Source, names: Sequence[str], folder: Path, *words: str, focal_factor: float | None = None) -> Made:
    """Copies without poses."""
    copy_photos(source, names, folder, focal_factor)
    return Made((str(folder), *words), jpegs({name: source.reference[name] for name in names}))


def altered(source: Source, names: Sequence[str], folder: Path, how: str, seed: int = 0) -> Made:
    """Copies of photos that somebody has worked on, without EXIF.

    Args:
        source: of the photos.
        names: of those that are taken.
        folder: to be written.
        how: `cropped`, anywhere to 80 % of either side; `cut`, to 60 to 95 %; `zoomed`, up to 1.6 times about the
            middle; `marked`, with a watermark and a date.
        seed: of what is drawn at random.
    """
    copy_photos(source, names, folder)
    generator = np.random.default_rng(seed)
    for path in sorted(folder.glob("*.jpg")):
        with Image.open(path) as opened:
            photo = opened.convert("RGB")
        width, height = photo.size
        if how == "marked":
            noise = np.random.default_rng(1).integers(0, 256, (height // 10, width // 4, 3), dtype=np.uint8)
            photo.paste(Image.fromarray(noise).resize((width // 4, height // 10)), (width * 7 // 10, height * 8 // 10))
            ImageDraw.Draw(photo).text((12, 12), "2024-07-11 14:02", fill=(255, 120, 0))
        elif how == "zoomed":
            part = 1 / generator.uniform(1, 1.6)
            left, top = width * (1 - part) / 2, height * (1 - part) / 2
            box = (left, top, width - left, height - top)
            photo = photo.resize((width, height), Image.Resampling.LANCZOS, box=box)
        else:
            shares = generator.uniform(0.6, 0.95, 2) if how == "cut" else np.array([0.8, 0.8])
            wide, high = (shares * [width, height]).astype(int).tolist()
            x, y = int(generator.integers(0, width - wide + 1)), int(generator.integers(0, height - high + 1))
            photo = photo.crop((x, y, x + wide, y + high))
        photo.save(path, quality=92)
    return Made((str(folder),), jpegs({name: source.reference[name] for name in names}))


def two_places(
    one: Source, other: Source, count: int, folder: Path, *, with_poses: bool, words: tuple[str, ...]
) -> Made:
    """Photos of two places in one folder; with poses, each in a world of its own."""
    poses, names = list[tuple[str, torch.Tensor]](), list[str]()
    for letter, source in (("a", one), ("b", other)):
        chosen = choose(source, count=count)
        copy_photos(source, chosen, folder / "parts" / letter)
        for name in chosen:
            final = f"{letter}_{Path(name).stem}.jpg"
            (folder / "images").mkdir(exist_ok=True)
            part = folder / "parts" / letter / Path(name).with_suffix(".jpg")
            with Image.open(part) as photo:  # one size for all
                photo.resize((SIDE, SIDE * 3 // 4), Image.Resampling.LANCZOS).save(
                    folder / "images" / final, quality=92
                )
            names.append(final)
            poses.append((final, source.reference[name].double()))
    shutil.rmtree(folder / "parts")
    if with_poses:
        write_transforms(folder, poses, one.focal * SIDE / max(one.size), (SIDE, SIDE * 3 // 4))
    return Made((str(folder), *words), None)


# ---------------------------------------------------------------------- rendered places


def write_rendered(
    folder: Path,
    scene: Callable[[int], list[Rectangle]],
    poses: torch.Tensor,
    *words: str,
    masks: Callable[[int], list[Rectangle]] | None = None,
    first: int = 0,
) -> Made:
    """Photos of a place that may change from photo to photo.

    Args:
        folder: to be written.
        scene: the rectangles as photo number i sees them.
        poses: world-to-camera.
        words: for the command line.
        masks: the part of them that counts, for `masks/`; None for no masks.
        first: number of the first photo in the names.
    """
    (folder / "images").mkdir(parents=True, exist_ok=True)
    reference: Poses = {}
    for number, pose in enumerate(poses):
        name = f"photo_{number + first:03d}"
        picture = render(scene(number), pose, seed=number)
        Image.fromarray(picture).save(folder / "images" / f"{name}.jpg", quality=92)
        reference[f"{name}.jpg"] = pose
        if masks is not None:
            (folder / "masks").mkdir(exist_ok=True)
            white = np.full((8, 8, 3), 255, dtype=np.uint8)
            seen = [Rectangle(one.corner, one.across, one.down, white) for one in masks(number)]
            shown = render(seen, pose, noise=0.0)[..., 0] > 200
            Image.fromarray((255 * shown).astype(np.uint8)).save(folder / "masks" / f"{name}.png")
    return Made((str(folder), *words), reference)


def statue(seed: int = 0) -> list[Rectangle]:
    """A plinth with a block on it, each side with a texture of its own."""
    lower = box((0, 0, 0.4), (1.6, 1.6, 0.8), [draw_texture(seed + side) for side in range(5)])
    upper = box((0.1, 0, 1.3), (0.8, 1.0, 1.0), [draw_texture(seed + 10 + side) for side in range(5)])
    return lower + upper


def statue_in_a_room(folder: Path, frames: int, *words: str, span: float = 2 * np.pi, seed: int = 0) -> Made:
    """Photos from all around, or from an arc."""
    everything = statue(seed) + room(seed=seed + 100)
    return write_rendered(folder, lambda _: everything, ring(frames, 3.2, 1.4, span), *words)


def corner_of_a_room(folder: Path, frames: int, *words: str) -> Made:
    """Photos by somebody who walks through a furnished room and turns round in it."""
    things = room(half=4.0, seed=300)
    for number, (x, y) in enumerate([(2.5, 2.8), (-2.6, 2.2), (2.2, -2.5), (-2.2, -2.8), (0.3, 3.0)]):
        things += box((x, y, 0.6), (0.9, 0.8, 1.2), [draw_texture(320 + 5 * number + side) for side in range(5)])
    turn = torch.linspace(0, 2 * np.pi, frames + 1, dtype=torch.float64)[:frames]
    centres = torch.stack([-1.2 * turn.cos(), -1.2 * turn.sin(), 1.4 + 0.1 * (3 * turn).sin()], dim=-1)
    ahead = torch.stack([3 * turn.cos(), 3 * turn.sin(), torch.full_like(turn, 1.1)], dim=-1)
    poses = torch.cat(
        [textured.looking_at(centre[None], target) for centre, target in zip(centres, ahead, strict=True)]
    )
    return write_rendered(folder, lambda _: things, poses, *words)


def turntable(
    folder: Path, frames: int, *words: str, rich: bool = True, masked: bool = False, step: float = 0.22
) -> Made:
    """An object that is turned before a camera and a room that stand still. The reference is that of the object."""
    camera = ring(1, 3.2, 1.5)[0]
    still = room(seed=200) if rich else room(seed=200)[3:4]

    def scene(number: int) -> list[Rectangle]:
        return [one.turned(number * step) for one in statue(40)] + still

    poses = torch.stack([camera] * frames)
    seen = (lambda number: [one.turned(number * step) for one in statue(40)]) if masked else None
    made = write_rendered(folder, scene, poses, *words, masks=seen)
    turns = torch.zeros(frames, 6, dtype=torch.float64)
    turns[:, 2] = step * torch.arange(frames)
    reference = se3.compose(poses, se3.exponential(turns))
    return Made(made.words, dict(zip(made.reference or {}, reference, strict=True)))


def facade(folder: Path, frames: int, *words: str, repeated: bool, step: float = 0.45) -> Made:
    """A wall of windows along which somebody walks; all alike, or each with curtains of its own."""
    things, window = [], draw_texture(400, 128, 160)
    for column in range(14):
        for row in range(2):
            picture = window if repeated else draw_texture(410 + column * 2 + row, 128, 160)
            corner = np.array([column * 1.2, 0.0, 3.0 - 1.4 * row])
            things.append(Rectangle(corner, np.array([1.2, 0, 0]), np.array([0, 0, -1.4]), picture))
    x = 3.0 + step * torch.arange(frames, dtype=torch.float64)
    centres = torch.stack([x, torch.full_like(x, -3.5), 1.6 + 0.2 * (2 * x).sin()], dim=-1)
    poses = torch.cat(
        [textured.looking_at(centre[None], centre + torch.tensor([0.1, 3.0, 0.0])) for centre in centres]
    )
    return write_rendered(folder, lambda _: things, poses, *words)


def symmetric_tower(folder: Path, frames: int, *words: str, sides: int, ground: bool) -> Made:
    """A tower whose sides are alike (all four, or two and two), walked round; with or without ground to tell by."""
    pictures = [draw_texture(500 + side % (4 // sides)) for side in range(4)]
    things = box((0, 0, 1.2), (2.0, 2.0, 2.4), [*pictures, draw_texture(510)])[:4]
    if ground:
        things += room(seed=520)[4:]
    return write_rendered(folder, lambda _: things, ring(frames, 4.2, 1.6, target=(0, 0, 1.2)), *words)
