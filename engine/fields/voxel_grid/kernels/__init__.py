"""Compiled kernels of the voxel grid for the CPU: volume rendering, its gradient, and the optimiser.

A ray is cut into intervals at `edges`, from s = 0 to 1 (`lines`); `proposals` draws them from the density of a pooled
volume. A projective volume and a box differ only in `optical_length`, which turns an interval of s into the length
that the density is multiplied with. Interpolation is trilinear, between the raw values; density is softplus of the
raw value, colour its sigmoid, both after interpolation (as a GL shader does with a texture). A second, coarser volume,
the tint, may add a colour linear in the viewing direction, three coefficients per channel.

`forward` renders, `backward` and `scattering` take the gradient of the colours to rays and voxels, `optimiser` changes
the voxels; they lie in memory as `layout` says.
"""
