"""Agisoft Metashape's XML of cameras.

A camera has a pose (camera-to-world, our axes) in the coordinates of its chunk; the transform of the chunk, or of the
component that the camera belongs to, leads from there to the world. A sensor has the intrinsics of its cameras; the
formulas are in the appendix of the manual: https://www.agisoft.com/pdf/metashape-pro_2_1_en.pdf.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import torch
from jaxtyping import Float
from torch import Tensor

from engine.errors import UserError
from engine.scenes.formats.photogrammetry.photo_folders import UNLISTED, find_by_head, list_photo_folders
from engine.scenes.formats.posed_frames import PosedFrame, build_from_frames, make_frame, read_frames
from engine.scenes.formats.validation import check_poses
from engine.scenes.options import SceneOptions
from engine.scenes.paths import OMITTED_ENDINGS, SceneFiles, make_natural_key
from engine.scenes.scene import Scene
from engine.scenes.world.axes import invert_pose

MAXIMUM_BYTES = 256 * 2**20
HEADER_BYTES = 4096  # within which the first chunk has to begin
EARTH = (6.3e6, 6.4e6)  # m from the middle of the Earth to its surface, with mountains
MODELS = {"frame": "OPENCV", "fisheye": "THIN_PRISM_FISHEYE"}  # type of a sensor -> camera model of `transforms.json`
# Ours -> Metashape's: the two tangential coefficients are exchanged between its formulas and OpenCV's.
DISTORTION = {"k1": "k1", "k2": "k2", "k3": "k3", "k4": "k4", "p1": "p2", "p2": "p1"}


@dataclass(frozen=True)
class Chunk:
    """The part of a project that is read.

    Attributes:
        element: of the XML.
        component: of the cameras with which most others are aligned; None if cameras belong to none.
        notes: sentences for the user.
    """

    element: Element
    component: str | None
    notes: tuple[str, ...]


def find_metashape(folder: Path) -> Path | None:
    """The first XML of cameras; None if there is none."""
    return find_by_head(folder, "*.xml", HEADER_BYTES, lambda head: b"<document" in head and b"<chunk" in head)


def read_metashape(folder: Path, options: SceneOptions) -> Scene:
    """Reads photos with Metashape's cameras, which lie in the folder itself, in `images` or beside it.

    Of several chunks the one with most aligned cameras is read, of a chunk its largest component.

    Args:
        folder: the scene's folder, resolved.
        options: how to read.
    Raises:
        UserError: the file is damaged, or most of its frames are wrong.
    """
    file = find_metashape(folder)
    if file is None:
        raise UserError(f"{folder} has no XML of Metashape's cameras; export them again.")
    chunk = choose_chunk(parse_document(file), file)
    sensors = {sensor.get("id"): sensor for sensor in chunk.element.iterfind("sensors/sensor")}
    transform = read_transform(chunk, file)
    files = SceneFiles(folder, *list_photo_folders(folder))

    def read(camera: Element) -> PosedFrame:
        name = camera.get("label") or ""
        if camera.find("transform") is None:
            raise UserError(f"{file} has no pose for {name}; align it in Metashape.")
        if chunk.component is not None and camera.get("component_id") != chunk.component:
            raise UserError(f"{file} has {name} in another component than most cameras; merge them in Metashape.")
        image = files.find(name, file, OMITTED_ENDINGS)
        values = read_camera_keys(sensors.get(camera.get("sensor_id")), name, file)
        local = check_poses(read_matrix(camera.findtext("transform", ""), file, name)[None], file, [name])[0]
        matrix = torch.cat([transform[:, :3] @ local[:, :3], transform @ _append_one(local[:, 3:])], dim=-1)
        scale = torch.linalg.det(transform[:, :3]) ** (1 / 3)
        matrix[:, :3] /= scale
        return make_frame(name, image, matrix, invert_pose, values, file, options)

    cameras = sorted(
        chunk.element.iterfind("cameras//camera"), key=lambda camera: make_natural_key(camera.get("label", ""))
    )
    frames, left_out = read_frames(
        cameras, lambda camera: camera.get("label") or "a camera without label", read, file, UNLISTED
    )
    return build_from_frames(folder, file, frames, options, left_out=left_out, notes=chunk.notes)


def parse_document(file: Path) -> Element:
    """The root of an XML file without declarations of entities.

    Raises:
        UserError: it is too large or damaged.
    """
    if file.stat().st_size > MAXIMUM_BYTES:
        raise UserError(f"{file} is larger than {MAXIMUM_BYTES:,} bytes; split the scene.")
    content = file.read_bytes()
    try:
        if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
            raise ValueError("Metashape declares no entities")
        return ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise UserError(f"{file} is damaged or not an XML of Metashape's cameras; export them again.") from error


def choose_chunk(root: Element, file: Path) -> Chunk:
    """The chunk with most cameras that have a pose, and its component of most such cameras.

    Raises:
        UserError: there is no camera with a pose.
    """
    chunks = [(chunk, [camera for camera in chunk.iterfind("cameras//camera") if camera.find("transform") is not None])
              for chunk in root.iter("chunk")]  # fmt: skip
    chunk, aligned = max(chunks, key=lambda entry: len(entry[1]), default=(root, []))
    if not aligned:
        raise UserError(f"{file} has no aligned cameras; align the photos in Metashape and export the cameras again.")
    notes: tuple[str, ...] = ()
    if len(chunks) > 1:
        label = chunk.get("label", "one")
        notes = (f"Of {len(chunks)} chunks, {label!r} has the most aligned cameras ({len(aligned)}) and is read.",)
    components = Counter(camera.get("component_id") for camera in aligned)
    return Chunk(chunk, components.most_common(1)[0][0], notes)


def read_transform(chunk: Chunk, file: Path) -> Float[Tensor, "3 4"]:
    """From coordinates of the chunk to the world: `[s R | t]`; the identity if the chunk has no place in a world.

    Where the world is the Earth's, with its middle as origin, the axes are turned to east, north and up.

    Raises:
        UserError: it is not a similarity.
    """
    identity = torch.eye(3, 4, dtype=torch.float64)
    components = chunk.element.iterfind("components/component")
    places = [part for part in components if part.get("id") == chunk.component] if chunk.component else []
    found = [part.find("transform") for part in (*places, chunk.element)]
    element = next((transform for transform in found if transform is not None), None)
    if element is None:
        return identity
    rotation = read_numbers(element.findtext("rotation") or "1 0 0 0 1 0 0 0 1", 9, file, "a transform").reshape(3, 3)
    translation = read_numbers(element.findtext("translation") or "0 0 0", 3, file, "a transform")
    scale = read_numbers(element.findtext("scale") or "1", 1, file, "a transform").item()
    if not scale > 0:
        raise UserError(f"{file} has a transform whose scale is {scale:g}; export the cameras again.")
    pose = check_poses(torch.cat([rotation, translation[:, None]], dim=-1)[None], file, ["the chunk"])[0]
    if EARTH[0] < translation.norm() < EARTH[1]:
        pose = _turn_upright(pose)
    return torch.cat([scale * pose[:, :3], pose[:, 3:]], dim=-1)


def read_matrix(text: str, file: Path, name: str) -> Float[Tensor, "3 4"]:
    """The first three rows of a 4x4 matrix.

    Raises:
        UserError: the text is none.
    """
    return read_numbers(text, 16, file, name).reshape(4, 4)[:3]


def read_numbers(text: str, count: int, file: Path, name: str) -> Float[Tensor, " count"]:
    """So many numbers of a text.

    Raises:
        UserError: there are more, fewer or none.
    """
    try:
        values = [float(word) for word in text.split()]
    except ValueError:
        values = []
    if len(values) != count:
        raise UserError(f"{file} has {name} without a matrix of {count} numbers; export the cameras again.")
    return torch.tensor(values, dtype=torch.float64)


def read_camera_keys(sensor: Element | None, name: str, file: Path) -> dict[str, object]:
    """Camera keys of `transforms.json` of a sensor's calibration, the adjusted one if there are two.

    A sensor that was never calibrated has the nominal focal length of its camera.

    Raises:
        UserError: the sensor is missing, of another kind, or has no size or focal length.
    """
    if sensor is None:
        raise UserError(f"{file} has no sensor for {name}; export the cameras again.")
    found = sensor.findall("calibration")
    calibration = next((entry for entry in found if entry.get("class") == "adjusted"), found[0] if found else sensor)
    kind = calibration.get("type") or sensor.get("type") or "frame"
    if kind not in MODELS:
        raise UserError(f"{file} has {name} with a lens of the type {kind}; convert the photos to frame or fisheye.")
    resolution = calibration.find("resolution")
    resolution = sensor.find("resolution") if resolution is None else resolution
    width, height = (_read(resolution.get(side) if resolution is not None else None) for side in ("width", "height"))
    values = {key: _read(calibration.findtext(key), 0.0) for key in ("cx", "cy", "b1", *DISTORTION.values())}
    focal = _read(calibration.findtext("f"))
    if math.isnan(focal):
        properties = {entry.get("name"): _read(entry.get("value")) for entry in sensor.iterfind("property")}
        focal = properties.get("focal_length", math.nan) / (properties.get("pixel_width") or math.nan)
    if not all(math.isfinite(value) for value in (width, height, focal, *values.values())):
        raise UserError(f"{file} has {name} with a sensor without size or focal length; align the photos again.")
    distortion = {ours: values[theirs] for ours, theirs in DISTORTION.items()}
    centre = {"cx": values["cx"] + width / 2, "cy": values["cy"] + height / 2}
    focals = {"fl_x": focal + values["b1"], "fl_y": focal}
    return {"camera_model": MODELS[kind], "w": width, "h": height, **focals, **centre, **distortion}


def _read(text: str | None, default: float = math.nan) -> float:
    try:
        return default if text is None else float(text)
    except ValueError:
        return math.nan


def _append_one(column: Float[Tensor, "3 1"]) -> Float[Tensor, "4 1"]:
    return torch.cat([column, column.new_ones(1, 1)])


def _turn_upright(pose: Float[Tensor, "3 4"]) -> Float[Tensor, "3 4"]:
    """A pose in coordinates whose origin is the middle of the Earth, in axes east, north, up of the place itself."""
    up = pose[:, 3] / pose[:, 3].norm()
    east = torch.linalg.cross(torch.tensor([0.0, 0.0, 1.0], dtype=pose.dtype), up)
    east = east / east.norm().clamp(min=1e-12)
    return torch.stack([east, torch.linalg.cross(up, east), up]) @ pose
