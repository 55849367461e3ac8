"""The names of the planar warps: apart, for the command line, which must not wait for torch."""

from typing import Literal

PlanarWarp = Literal["translation", "rotation", "rigid", "homography"]
