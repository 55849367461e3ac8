"""Limits from which the kernels note something, and up to which they leave something out."""

from __future__ import annotations

import numpy as np

TINT_THRESHOLD = np.float32(1e-3)  # weight of a sample in its ray below which its directional colour is left out
CELL = 2  # voxels along a side of the cells in which it is noted whether a ray sees something
VISIBLE = np.float32(0.04)  # weight of a sample in its ray from which it is seen: fog along a ray is not
CLEAR = np.float32(0.25)  # from which it is seen clearly
NOTHING = np.float32(1e-5)  # pooled density, per voxel, up to which there is nothing: a ray meets hundreds of voxels
OPAQUE = np.float32(1e-4)  # transmittance below which what lies behind is left out
# Proposals see so much of the pooled density's optical depth: blocks at the edge of a thing are half full, and many
# rays pass through them to what lies behind; those would find hardly a sample there, and show the background.
SEEN_THROUGH = np.float32(0.25)
SKIPPED = np.float32(-1.0)  # in the place of the density of a sample that was left out
