"""Homographies as the group SL(3), parametrised by eight numbers; zero is the identity."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


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
    return torch.linalg.matrix_exp(generator)
