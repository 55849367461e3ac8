"""Render scenes/fern: a potted fern in a furnished corner, 20 handheld views with exact poses (LLFF layout).

Run from the repository root: python -m scenes.make.fern --samples 256
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from scenes.make import furniture, room
from scenes.make.cameras import handheld_grid, llff_rows
from scenes.make.denoise import denoised
from scenes.make.fronds import potted_fern
from scenes.make.meshes import merged, rectangle, rotation_about, rounded_box
from scenes.make.mitsuba_scene import developed, leaf, matte, plain, render, sensor, shape, stalk, visible_depths
from scenes.make.parts import placed
from scenes.make.variant import mi

WIDTH, HEIGHT, FOCAL = 504, 378, 430.0
STOOL_HEIGHT, POT_HEIGHT = 0.34, 0.19
CENTRE, TARGET = np.array([0.06, 0.98, 1.42]), np.array([0.0, 0.60, -0.20])
SPREAD = (0.15, 0.11, 0.04)
EXPOSURE = 0.95
SUN = (7.9, 6.0, 7.4)


def lights() -> dict:
    """A large soft window at the right, low sun through its bars, and dim warm fill from the room."""

    def window(origin: tuple, along_u: tuple, along_v: tuple, radiance: list[float]) -> mi.Object:
        panel = rectangle(origin, along_u, along_v)
        parameters = mi.Properties()
        parameters["emitter"] = mi.load_dict({"type": "area", "radiance": {"type": "rgb", "value": radiance}})
        result = mi.Mesh("window", 4, 2, has_vertex_normals=False, has_vertex_texcoords=False, props=parameters)
        values = mi.traverse(result)
        values["vertex_positions"] = panel.positions.astype(np.float32).ravel()
        values["faces"] = panel.faces.astype(np.uint32).ravel()
        values.update()
        return result

    return {
        "window": window((1.9, 0.7, 0.3), (0, 0, 1.2), (-0.25, 1.4, 0), [7.0, 7.4, 8.0]),
        "sun": window(SUN, (-0.10, 0, 0.095), (0, 0.13, 0), [60000, 49500, 36500]),
        "fill": {"type": "constant", "radiance": {"type": "rgb", "value": [0.30, 0.29, 0.28]}},
    }


def sun_window() -> list:
    """A wall with a barred opening between sun and room, out of sight: it draws the panes on walls and floor."""
    width, height, thickness, margin = 1.25, 1.15, 0.05, 1.2
    pieces = [rounded_box((0.05, height, thickness), 0.01).moved((x, 0, 0)) for x in (-0.21, 0.21)]
    pieces += [rounded_box((width, 0.05, thickness), 0.01).moved((0, y, 0)) for y in (-0.19, 0.19)]
    for side in (-1, 1):
        pieces.append(rounded_box((margin, height + 2 * margin, thickness)).moved((side * (width + margin) / 2, 0, 0)))
        pieces.append(rounded_box((width, margin, thickness)).moved((0, side * (height + margin) / 2, 0)))
    facing_sun = rotation_about("y", float(np.degrees(np.arctan2(SUN[0], SUN[2]))))
    middle = np.array([-0.15, 0.62, -0.35]) + 0.3 * np.array(SUN)
    return [(merged(pieces).turned(facing_sun).moved(tuple(middle)), matte(plain((0.6, 0.55, 0.5))))]


def build(seed: int = 7) -> mi.Scene:
    """The whole scene, ready to render."""
    rng = np.random.default_rng(seed)
    parts = (
        room.shell(rng)
        + room.pictures(rng)
        + room.wall_shelf(rng)
        + furniture.side_table(rng)
        + furniture.basket_with_cloth(rng)
        + room.floor_things(rng)
        + furniture.stool(rng, STOOL_HEIGHT)
    )
    parts += placed(furniture.planter(rng, POT_HEIGHT), (0, STOOL_HEIGHT, 0), 20)
    leaflets, stems = potted_fern(rng)
    crown = (0, STOOL_HEIGHT + POT_HEIGHT - 0.02, 0)
    parts += [(leaflets.moved(crown), leaf()), (stems.moved(crown), stalk())]
    parts += sun_window()
    shapes = {f"part{index}": shape(f"part{index}", mesh, material) for index, (mesh, material) in enumerate(parts)}
    return mi.load_dict({"type": "scene", "integrator": {"type": "path", "max_depth": 7}, **lights(), **shapes})


def views(seed: int = 11) -> np.ndarray:
    """The camera-to-world poses; two from the middle come last, where LLFF readers take their test views."""
    walk = handheld_grid(CENTRE, TARGET, SPREAD, np.random.default_rng(seed))
    held_out = [7, 13]
    return np.concatenate([np.delete(walk, held_out, axis=0), walk[held_out]])


def depth_bounds(scene: mi.Scene, poses: np.ndarray) -> np.ndarray:
    """Near and far of each view, (n, 2): the 0.1 and 99.9 percentiles of its depths with a margin of 10 %."""
    bounds = []
    for pose in poses:
        depths = visible_depths(scene, pose, WIDTH, HEIGHT, FOCAL)
        near, far = np.percentile(depths[np.isfinite(depths)], [0.1, 99.9])
        bounds.append((near * 0.9, far * 1.1))
    return np.array(bounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("scenes/fern"))
    parser.add_argument("--samples", type=int, default=256, help="samples per pixel")
    parser.add_argument("--denoise", action="store_true", help="filter the pictures with Open Image Denoise")
    parser.add_argument("--only", type=int, nargs="*", help="render just these views")
    arguments = parser.parse_args()
    (arguments.out / "images").mkdir(parents=True, exist_ok=True)
    scene, poses = build(), views()
    np.save(arguments.out / "poses_bounds.npy", llff_rows(poses, WIDTH, HEIGHT, FOCAL, depth_bounds(scene, poses)))
    for index in arguments.only if arguments.only is not None else range(len(poses)):
        camera = sensor(poses[index], WIDTH, HEIGHT, FOCAL)
        linear = render(scene, camera, arguments.samples, seed=index)
        if arguments.denoise:
            linear = denoised(linear, scene, camera, seed=index)
        picture = Image.fromarray(developed(linear, EXPOSURE))
        picture.save(arguments.out / "images" / f"view_{index:02d}.jpg", quality=95, subsampling=0, optimize=True)
        print(f"view {index:02d} done", flush=True)


if __name__ == "__main__":
    main()
