"""Render scenes/desk: 40 photos of a desk in a furnished room, as a phone takes them, and their exact poses.

Run from the repository root: python -m scenes.make.desk --samples 8 --denoise
"""

import argparse
from pathlib import Path

import numpy as np

from scenes.make.desk.build import build, take
from scenes.make.desk.phone import moment, photographed, save_photo, walk, write_reference

EXPOSURE = 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("scenes/desk"))
    parser.add_argument("--samples", type=int, default=8, help="samples per pixel")
    parser.add_argument("--denoise", action="store_true", help="filter the pictures with Open Image Denoise")
    parser.add_argument("--only", type=int, nargs="*", help="render just these views")
    parser.add_argument("--smaller", type=int, default=1, help="divide width and height, for a quick look")
    arguments = parser.parse_args()
    (arguments.out / "images").mkdir(parents=True, exist_ok=True)
    desk, poses = build(), walk(np.random.default_rng(23))
    names = [f"IMG_{2041 + index}.jpg" for index in range(len(poses))]
    write_reference(arguments.out / "reference.json", poses, names)
    for index in arguments.only if arguments.only is not None else range(len(poses)):
        linear = take(desk, poses[index], arguments.samples, index, arguments.denoise, arguments.smaller)
        picture, gain = photographed(linear, EXPOSURE, np.random.default_rng(1000 + index))
        save_photo(arguments.out / "images" / names[index], picture, gain, moment(index))
        print(f"{names[index]} done, exposed by {gain:.3f}", flush=True)


if __name__ == "__main__":
    main()
