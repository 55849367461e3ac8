"""Makes the README's pictures of the window: `python -m tests.gui.make_pictures`.

The shipped fern is trained in a real window on a virtual display: the cameras converge, all are kicked and
recover, and the novel view follows a frame. Needs Xvfb and xdotool; takes about four minutes.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from PIL import Image

from tests.support.window.display import Display
from tests.support.window.viewer import FERN, REPOSITORY, Viewer

PICTURES = REPOSITORY / "scenes" / "pictures"
CAMERAS, NOVEL = "Cameras/image 1", "Novel view/image 1"
# of the clip: pixels; seconds between pictures; milliseconds that each is shown; 1 to 100. It stays below a megabyte
CLIP_SIZE, CLIP_EVERY, CLIP_SHOWN, CLIP_QUALITY = (640, 400), 1.2, 180, 50
LONG = 600.0  # seconds, at most, for anything to happen


def grab(viewer: Viewer) -> Image.Image:
    """The window as it is now."""
    (left, top), (width, height) = viewer.corner, viewer.report["size"]
    return Image.fromarray(viewer.display.picture()[top : top + height, left : left + width])


def save(viewer: Viewer, name: str) -> None:
    """A picture of the window, with the mouse out of the way."""
    viewer.move(*viewer.point("Top/Help", 3.0))
    viewer.frames(10)
    grab(viewer).save(PICTURES / f"{name}.jpg", quality=88)


def clip(viewer: Viewer, seconds: float) -> list[Image.Image]:
    """Small pictures of the window, one now and then."""
    pictures, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        pictures.append(grab(viewer).resize(CLIP_SIZE, Image.Resampling.LANCZOS))
        time.sleep(CLIP_EVERY)
    return pictures


def main() -> None:
    """Writes `window.jpg`, `kick.jpg`, `follow.jpg` and `converging.webp`."""
    display = Display()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        viewer = Viewer(display, folder, [str(FERN), "--output", str(folder / "run")])
        try:
            viewer.wait_for(lambda report: report.get("iteration", 0) > 0, "the first step", LONG)
            pictures = clip(viewer, 60)
            viewer.wait_for(lambda report: report["stage"] == "1/1", "the last stage", LONG)
            viewer.wait_for(lambda report: (report["psnr"] or 0) > 24, "a sharp picture", LONG)
            save(viewer, "window")
            viewer.click(*viewer.point("Perturb/Kick all"))
            viewer.wait_for(lambda report: report["undoable"] > 0, "the kick", LONG)
            pictures += clip(viewer, 2)
            save(viewer, "kick")
            pictures += clip(viewer, 40)
            viewer.key("l")
            viewer.drag(viewer.point("Novel view/slider 1", 0.02), viewer.point("Novel view/slider 1", 0.5))
            viewer.frames(30)
            save(viewer, "follow")
        finally:
            viewer.kill()
            display.close()
    first, *rest = pictures
    more = {"append_images": rest, "duration": CLIP_SHOWN, "loop": 0, "quality": CLIP_QUALITY}
    first.save(PICTURES / "converging.webp", save_all=True, **more)


if __name__ == "__main__":
    main()
