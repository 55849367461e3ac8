"""Check that the counts inside COLMAP's binary files agree with the file sizes.

pycolmap trusts these counts, and a wrong one makes it loop for hours. The formats are those of
https://colmap.github.io/format.html; `rigs.bin` and `frames.bin` exist since COLMAP 3.12.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

from engine.errors import UserError

# Number of parameters by camera model id; an unknown, newer model is assumed to have one at least.
CAMERA_PARAMETERS = (3, 4, 4, 5, 8, 8, 12, 5, 4, 5, 12)


def check_binary_files(model: Path) -> None:
    """Walks through the records of each `.bin` file in a model folder.

    Raises:
        UserError: a count leads beyond the end of its file.
    """
    for name, end_of_record in RECORDS.items():
        file = model / f"{name}.bin"
        if not file.is_file():
            continue
        content = file.read_bytes()
        try:
            (records,) = struct.unpack_from("<Q", content)
            position = 8
            for _ in range(records):
                position = end_of_record(content, position)
                if position > len(content):
                    raise ValueError("beyond the end")
        except (struct.error, ValueError, OverflowError) as error:
            raise UserError(f"{file} is damaged or cut short; export or compute the model again.") from error


def _camera(content: bytes, start: int) -> int:
    """End of a camera record: id, model id, width, height, parameters."""
    (model,) = struct.unpack_from("<i", content, start + 4)
    return start + 24 + 8 * (CAMERA_PARAMETERS[model] if 0 <= model < len(CAMERA_PARAMETERS) else 1)


def _image(content: bytes, start: int) -> int:
    """End of an image record: id, rotation, translation, camera id, name up to a zero byte, 2D points."""
    end_of_name = content.index(b"\0", start + 64) + 1
    (points,) = struct.unpack_from("<Q", content, end_of_name)
    return end_of_name + 8 + 24 * points


def _point(content: bytes, start: int) -> int:
    """End of a point record: id, position, colour, error, track."""
    (track,) = struct.unpack_from("<Q", content, start + 43)
    return start + 51 + 8 * track


def _frame(content: bytes, start: int) -> int:
    """End of a frame record: id, rig id, rotation, translation, data ids."""
    (data,) = struct.unpack_from("<I", content, start + 64)
    return start + 68 + 16 * data


def _rig(content: bytes, start: int) -> int:
    """End of a rig record: id, sensors; each sensor but the first has a flag and, if it is set, a pose."""
    (sensors,) = struct.unpack_from("<I", content, start + 4)
    position = start + 8 + (8 if sensors else 0)
    for _ in range(sensors - 1):
        (has_pose,) = struct.unpack_from("<B", content, position + 8)
        position += 9 + (56 if has_pose else 0)
    return position


RECORDS: dict[str, Callable[[bytes, int], int]] = {
    "cameras": _camera,
    "images": _image,
    "points3D": _point,
    "frames": _frame,
    "rigs": _rig,
}
