"""Known cameras written as apps for phones and photogrammetry programs export them, by the formats' descriptions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from tests.support.scenes.synthetic import (
    FOCAL,
    HEIGHT,
    WIDTH,
    opengl_camera_to_world,
    write_image,
    write_json,
)

TO_ARKIT = torch.tensor(
    [[0, 1, 0], [0, 0, 1], [1, 0, 0]], dtype=torch.float64
)  # from a world with z up to one with y up


def write_polycam(folder: Path, poses: Tensor, *, corrected: bool = False, **keys: Any) -> None:
    """`keyframes/cameras/*.json` and `keyframes/images`, or the corrected ones."""
    prefix = "corrected_" if corrected else ""
    for index, matrix in enumerate(opengl_camera_to_world(poses)):
        moved = TO_ARKIT @ matrix[:3]
        entries = {f"t_{row}{column}": moved[row, column].item() for row in range(3) for column in range(4)}
        camera = {
            "fx": FOCAL,
            "fy": FOCAL + 1,
            "cx": 15.5,
            "cy": 12.5,
            "width": WIDTH,
            "height": HEIGHT,
            "blur_score": 90,
        }
        write_json(folder / f"keyframes/{prefix}cameras/{1000 + index}.json", entries | camera | keys)
        write_image(folder / f"keyframes/{prefix}images/{1000 + index}.jpg", seed=index)


def write_record3d(folder: Path, poses: Tensor, **keys: Any) -> None:
    """`metadata.json` and `rgb/0.jpg`, ..."""
    rows = []
    for index, matrix in enumerate(opengl_camera_to_world(poses)):
        moved = (TO_ARKIT @ matrix[:3]).numpy()
        rows.append([*Rotation.from_matrix(moved[:, :3]).as_quat().tolist(), *moved[:, 3].tolist()])
        write_image(folder / f"rgb/{index}.jpg", seed=index)
    camera = [FOCAL, 0, 0, 0, FOCAL + 1, 0, 15.5, 12.5, 1]
    write_json(folder / "metadata.json", {"poses": rows, "K": camera, "w": WIDTH, "h": HEIGHT, "fps": 60} | keys)


def write_realitycapture(folder: Path, poses: Tensor, *, ending: str = ".png", first: str = "") -> None:
    """`cameras.csv` and `images`."""
    lines = [first] if first else []
    lines.append("#name,x,y,alt,heading,pitch,roll,f,px,py,k1,k2,k3,k4,t1,t2")
    for index, matrix in enumerate(opengl_camera_to_world(poses).numpy()):
        yaw, pitch, roll = Rotation.from_matrix(matrix[:3, :3]).as_euler("ZXY", degrees=True)
        focal, shift = FOCAL * 36 / max(WIDTH, HEIGHT), [-0.5 / WIDTH, 0.5 / WIDTH]
        numbers = [*matrix[:3, 3], -yaw, pitch, roll, focal, *shift, 0.01, 0.002, 0.0003, 0.0, 0.001, -0.002]
        lines.append(",".join([f"photo_{index}{ending}", *(repr(float(number)) for number in numbers)]))
        write_image(folder / f"images/photo_{index}.png", seed=index)
    (folder / "cameras.csv").write_text("\n".join(lines) + "\n", encoding="utf-8-sig")


CALIBRATION = (
    '<calibration type="{kind}" class="adjusted"><resolution width="{width}" height="{height}"/><f>{focal}</f>'
    "<cx>-0.5</cx><cy>0.5</cy><b1>1.0</b1><k1>0.01</k1><k2>0.002</k2><k3>0.0003</k3><p1>-0.002</p1><p2>0.001</p2>"
    "</calibration>"
)


def write_metashape(
    folder: Path,
    poses: Tensor,
    *,
    transform: str = "",
    component: str = "0",
    kind: str = "frame",
    camera: Callable[[int, str], str] = lambda index, text: text,
) -> None:
    """`cameras.xml` and `images`; the poses are those in coordinates of the chunk.

    Args:
        folder: of the scene.
        poses: world-to-camera.
        transform: element of the component.
        component: number of the component that the cameras belong to.
        kind: of the sensor.
        camera: changes the element of a camera, by its index.
    """
    elements = []
    for index, matrix in enumerate(opengl_camera_to_world(poses).numpy()):
        ours = matrix @ np.diag([1.0, -1.0, -1.0, 1.0])
        text = " ".join(repr(float(number)) for number in ours.ravel())
        element = (
            f'<camera id="{index}" sensor_id="0" component_id="{component}" label="photo_{index}">'
            f"<transform>{text}</transform><orientation>1</orientation></camera>"
        )
        elements.append(camera(index, element))
        write_image(folder / f"images/photo_{index}.png", seed=index)
    initial = f'<calibration type="{kind}" class="initial"><f>7</f></calibration>'
    adjusted = CALIBRATION.format(kind=kind, width=WIDTH, height=HEIGHT, focal=FOCAL)
    (folder / "cameras.xml").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<document version="2.0.0"><chunk label="Chunk 1" enabled="true">'
        f'<sensors><sensor id="0" label="phone" type="{kind}"><resolution width="{WIDTH}" height="{HEIGHT}"/>'
        f'{initial}{adjusted}</sensor></sensors><components><component id="0">{transform}</component></components>'
        f'<cameras><group id="0" label="walk">{"".join(elements)}</group></cameras></chunk></document>\n'
    )
