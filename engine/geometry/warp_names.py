"""The names of the planar warps, in a file without torch so that the command line can import them quickly."""

from typing import Literal

PlanarWarp = Literal["translation", "rotation", "rigid", "homography"]
