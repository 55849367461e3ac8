"""From meshes and textures to Mitsuba: materials, shapes, sensors and rendering in passes."""

import numpy as np

from scenes.make.meshes import Mesh
from scenes.make.variant import mi

PASS_SAMPLES = 8
"""Samples per pixel of one pass: few enough that a single bright path is an outlier among the passes."""


def texture(image: np.ndarray, tiles: tuple[float, float] = (1.0, 1.0)) -> dict:
    """Bitmap texture of an sRGB float image."""
    # Mitsuba puts row 0 at v = 0, our images have it at the top.
    data = mi.Bitmap(np.ascontiguousarray((np.clip(image[::-1], 0, 1) * 255 + 0.5).astype(np.uint8)))
    return {"type": "bitmap", "bitmap": data, "to_uv": mi.ScalarTransform4f().scale([tiles[0], tiles[1], 1])}


def plain(colour: tuple[float, float, float]) -> dict:
    return {"type": "rgb", "value": list(colour)}


def matte(colour: dict) -> dict:
    """Diffuse on both sides."""
    return {"type": "twosided", "bsdf": {"type": "diffuse", "reflectance": colour}}


def coated(colour: dict, roughness: float = 0.35, specular: float = 0.5, clearcoat: float = 0.0) -> dict:
    """Diffuse under a dielectric sheen: painted wood, leather, glaze."""
    return {
        "type": "twosided",
        "bsdf": {
            "type": "principled",
            "base_color": colour,
            "roughness": roughness,
            "specular": specular,
            "clearcoat": clearcoat,
            "clearcoat_gloss": 0.9,
        },
    }


def metal(colour: tuple[float, float, float], roughness: float) -> dict:
    return {
        "type": "twosided",
        "bsdf": {"type": "principled", "base_color": plain(colour), "metallic": 1.0, "roughness": roughness},
    }


def leaf() -> dict:
    """Thin leaf coloured per vertex: waxy sheen in front, light shining through."""
    return {
        "type": "principledthin",
        "base_color": {"type": "mesh_attribute", "name": "vertex_color"},
        "roughness": 0.42,
        "diff_trans": 0.75,
        "spec_trans": 0.0,
        "eta": 1.4,
    }


def stalk() -> dict:
    """Diffuse, coloured per vertex."""
    return matte({"type": "mesh_attribute", "name": "vertex_color"})


def shape(name: str, mesh: Mesh, material: dict) -> mi.Mesh:
    """A Mitsuba mesh with its own material."""
    properties = mi.Properties()
    properties["bsdf"] = mi.load_dict(material)
    result = mi.Mesh(
        name,
        len(mesh.positions),
        len(mesh.faces),
        has_vertex_normals=True,
        has_vertex_texcoords=True,
        props=properties,
    )
    if mesh.colours is not None:
        result.add_attribute("vertex_color", 3, mesh.colours.astype(np.float32).ravel())
    parameters = mi.traverse(result)
    parameters["vertex_positions"] = mesh.positions.astype(np.float32).ravel()
    parameters["vertex_normals"] = mesh.normals.astype(np.float32).ravel()
    parameters["vertex_texcoords"] = mesh.uvs.astype(np.float32).ravel()
    parameters["faces"] = mesh.faces.astype(np.uint32).ravel()
    parameters.update()
    return result


GAUSSIAN = {"type": "gaussian", "stddev": 0.45}


def sensor(
    camera_to_world: np.ndarray,
    width: int,
    height: int,
    focal: float,
    alpha: bool = False,
    pixel_filter: dict | None = None,
) -> mi.Sensor:
    """Pinhole camera from an OpenGL camera-to-world matrix (x right, y up, z backwards); focal in pixels.

    `pixel_filter` is a narrow Gaussian if not given; a box keeps the noise of neighbouring pixels independent, which
    a denoiser that has much to remove asks for.
    """
    # Mitsuba's camera looks along +z with x to the left: half a turn about y.
    to_world = camera_to_world @ np.diag([-1.0, 1.0, -1.0, 1.0])
    return mi.load_dict(
        {
            "type": "perspective",
            "fov_axis": "x",
            "fov": float(np.degrees(2 * np.arctan(width / (2 * focal)))),
            "near_clip": 0.01,
            "far_clip": 100.0,
            "to_world": mi.ScalarTransform4f(to_world),
            "film": {
                "type": "hdrfilm",
                "width": width,
                "height": height,
                "component_format": "float32",
                "pixel_format": "rgba" if alpha else "rgb",
                "rfilter": pixel_filter or GAUSSIAN,
            },
            "sampler": {"type": "independent"},
        }
    )


def render(scene: mi.Scene, camera: mi.Sensor, samples: int, seed: int) -> np.ndarray:
    """Linear image (height, width, 3 or 4): the mean of passes, each held below twice the passes' median.

    The bound removes fireflies (rare paths by way of mirrors) at the price of a tiny loss of light.
    """
    passes = np.stack(
        [
            np.asarray(mi.render(scene, sensor=camera, spp=PASS_SAMPLES, seed=seed * 1009 + index))
            for index in range(max(1, samples // PASS_SAMPLES))
        ]
    )
    if len(passes) > 3:
        passes = np.minimum(passes, 2 * np.median(passes, axis=0) + 0.05)
    return passes.mean(axis=0)


def visible_depths(scene: mi.Scene, camera_to_world: np.ndarray, width: int, height: int, focal: float) -> np.ndarray:
    """Depth along the viewing axis at every pixel centre, (height, width); infinite where nothing is hit."""
    y, x = np.meshgrid(np.arange(height) + 0.5, np.arange(width) + 0.5, indexing="ij")
    local = np.stack([(x - width / 2) / focal, (height / 2 - y) / focal, -np.ones_like(x)], -1).reshape(-1, 3)
    directions = local @ camera_to_world[:3, :3].T
    unit = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    ray = mi.Ray3f(mi.Point3f(camera_to_world[:3, 3]), mi.Vector3f(unit.T.astype(np.float32)))
    distance = np.asarray(scene.ray_intersect_preliminary(ray).t)
    return (distance / np.linalg.norm(local, axis=1)).reshape(height, width)


def developed(linear: np.ndarray, exposure: float) -> np.ndarray:
    """Linear light to 8-bit sRGB with a soft shoulder, like a camera's picture profile; the same for all views."""
    scaled = np.maximum(linear * exposure, 0)
    knee = 0.62
    over = np.maximum(scaled - knee, 0)
    rolled = np.where(scaled > knee, knee + (1 - knee) * (1 - np.exp(-over / (1 - knee))), scaled)
    encoded = np.where(rolled <= 0.0031308, 12.92 * rolled, 1.055 * rolled ** (1 / 2.4) - 0.055)
    return (np.clip(encoded, 0, 1) * 255 + 0.5).astype(np.uint8)
