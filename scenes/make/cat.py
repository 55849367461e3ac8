"""Makes `scenes/cat`: the picture of Chelsea the cat that scikit-image ships, CC0, by Stefan van der Walt.

python -m scenes.make.cat
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from skimage import data

FOLDER = Path(__file__).resolve().parents[1] / "cat"
SCENE = """\
# Patches of one picture, each under an unknown warp (a planar scene).
image = "cat.png"
source = "skimage.data.chelsea(), by Stefan van der Walt, CC0 1.0"
warp = "homography"
patches = 5
crop = 150
noise_h = 0.3
noise_t = 0.1
noise_r = 1.0
"""


def main() -> None:
    """Writes the picture and `scene.toml`."""
    FOLDER.mkdir(exist_ok=True)
    Image.fromarray(data.chelsea()).save(FOLDER / "cat.png", optimize=True)
    (FOLDER / "scene.toml").write_text(SCENE, encoding="utf-8")


if __name__ == "__main__":
    main()
