"""The voxel grid: the field, its kernels for the CPU, the reference in torch, and its tensors."""
