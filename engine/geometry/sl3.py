"""Homographies as the group SL(3), parametrised by eight numbers; zero is the identity."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

_DEGREE, _SQUARINGS = 6, 10  # of the exponential on a GPU: Taylor's series of a 1024th of the matrix, then squares


def exponential(vector: Float[Tensor, "*batch 8"]) -> Float[Tensor, "*batch 3 3"]:
    r"""The exponential map of SL(3): the homography of eight numbers, det = 1.

    .. math:: \exp \begin{pmatrix} h_5 & h_3 & h_1 \\ h_4 & -h_5 - h_6 & h_2 \\ h_7 & h_8 & h_6 \end{pmatrix}

    Args:
        vector: h_1 and h_2 translate, h_3 to h_6 deform affinely, h_7 and h_8 are perspective. Smooth everywhere.
    Returns:
        homographies of image-plane coordinates.
    Reference:
        BARF (Lin et al., ICCV 2021), planar experiments, `warp.py` of its code (the order of the basis).
    """
    h1, h2, h3, h4, h5, h6, h7, h8 = vector.unbind(-1)
    generator = torch.stack([h5, h3, h1, h4, -h5 - h6, h2, h7, h8, h6], dim=-1).unflatten(-1, (3, 3))
    return _exponential(generator) if generator.device.type == "cuda" else torch.linalg.matrix_exp(generator)


def _exponential(matrix: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 3 3"]:
    """Exact to 1e-8 for norms up to 100. Torch's own asks the device for norms, for which the host waits."""
    unit = torch.eye(3, dtype=torch.float64, device=matrix.device)
    scaled = matrix.double() / 2**_SQUARINGS
    power = unit + scaled / _DEGREE
    for degree in range(_DEGREE - 1, 0, -1):
        power = unit + scaled @ power / degree
    for _ in range(_SQUARINGS):
        power = power @ power
    return power.to(matrix.dtype)
