"""What a phone does: a walk around the desk, exposure, white balance, noise, a JPEG file with its tags.

Poses are 4x4 camera-to-world matrices with OpenGL axes (x right, y up, z backwards), as in `scenes.make.cameras`.
"""

import json
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

from scenes.make.cameras import looking_at
from scenes.make.meshes import rotation_about
from scenes.make.mitsuba_scene import developed

WIDTH, HEIGHT = 1024, 768  # pixels
FOCAL = 773.0  # pixels: a lens of 26.1 mm on 35 mm film; the tag says 26, as phones round it
EQUIVALENT, FOCAL_MILLIMETRES = 26, 5.4
TARGET = np.array([0.0, 0.86, 0.0])  # metres: just above the middle of the desk
QUALITY = 84  # of the JPEG files: 40 of them stay below 8 MB


def walk(rng: np.random.Generator, outward: int = 22, back: int = 18) -> np.ndarray:
    """The poses (outward + back, 4, 4): around the desk by 300 degrees, and back, lower and nearer."""
    poses = []
    for count, height, reach, sign in ((outward, 1.52, 1.0, 1), (back, 1.20, 0.90, -1)):
        for part in np.linspace(-1, 1, count):
            azimuth = np.radians(150 * sign * part + rng.normal(0, 2.0))
            radius = reach * rng.uniform(0.95, 1.04)
            bob = 0.07 * np.sin(2.6 * azimuth + count) + rng.normal(0, 0.035)
            centre = np.array([1.95 * radius * np.sin(azimuth), height + bob, 1.70 * radius * np.cos(azimuth)])
            pose = looking_at(centre, TARGET + rng.normal(0, (0.09, 0.05, 0.09)))
            angles = rng.normal(0, (1.0, 1.0, 2.0))
            for axis, angle in zip("xyz", angles, strict=True):
                pose[:3, :3] = pose[:3, :3] @ rotation_about(axis, angle)
            poses.append(pose)
    return np.stack(poses)


def photographed(linear: np.ndarray, exposure: float, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """The 8-bit photo of a linear image, and by what factor the phone changed its exposure.

    It lets in a little less light where much is bright, guesses the white balance anew each time, and its sensor adds
    shot and read noise.
    """
    seen = float(np.median(linear)) * exposure
    gain = float(np.clip((0.20 / seen) ** 0.25, 0.93, 1.07) * np.exp(rng.normal(0, 0.015)))
    balance = np.exp(rng.normal(0, 0.012, 3) * (1, 0, 1))
    light = linear * exposure * gain * balance
    light = light + rng.normal(size=light.shape) * np.sqrt(8e-5 * np.clip(light, 0, 2) + 4e-6)
    return developed(light, 1.0), gain


def save_photo(path: Path, picture: np.ndarray, gain: float, taken: datetime) -> None:
    """Writes a JPEG file with the tags that a phone writes."""
    image = Image.fromarray(picture)
    exif = Image.Exif()
    stamp = taken.strftime("%Y:%m:%d %H:%M:%S")
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "l2g-viewer", "path-traced phone"
    exif[ExifTags.Base.Orientation], exif[ExifTags.Base.DateTime] = 1, stamp
    exif.get_ifd(ExifTags.IFD.Exif).update(
        {
            ExifTags.Base.ExposureTime: round(0.02 * gain, 6),
            ExifTags.Base.FNumber: 1.8,
            ExifTags.Base.ISOSpeedRatings: 200,
            ExifTags.Base.DateTimeOriginal: stamp,
            ExifTags.Base.FocalLength: FOCAL_MILLIMETRES,
            ExifTags.Base.FocalLengthIn35mmFilm: EQUIVALENT,
            ExifTags.Base.ExifImageWidth: image.width,
            ExifTags.Base.ExifImageHeight: image.height,
        }
    )
    image.save(path, quality=QUALITY, optimize=True, exif=exif)


def moment(index: int) -> datetime:
    """When a photo was taken: one every three seconds."""
    return datetime(2026, 5, 17, 10, 12, 4) + timedelta(seconds=3 * index)


def write_reference(path: Path, poses: np.ndarray, names: list[str]) -> None:
    """The exact poses and the lens with nerfstudio's keys, in a file that no reader takes for a scene."""
    document = {
        "camera_model": "PINHOLE",
        "w": WIDTH,
        "h": HEIGHT,
        "fl_x": FOCAL,
        "fl_y": FOCAL,
        "cx": WIDTH / 2,
        "cy": HEIGHT / 2,
        "frames": [
            {"file_path": f"images/{name}", "transform_matrix": pose.round(9).tolist()}
            for name, pose in zip(names, poses, strict=True)
        ],
    }
    path.write_text(json.dumps(document, indent=1) + "\n")
