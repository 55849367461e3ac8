"""The network of local warps: a motion for each pixel, from its position and a learned embedding of its frame."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn

from engine.fields.mlp.layers import make_linear
from engine.geometry.matrix_roots import solve_one_plus_root


@dataclass(frozen=True)
class WarpNetworkSize:
    """The size of a network of local warps.

    Attributes:
        width: units of a hidden layer.
        layers: number of hidden layers.
        embedding: length of a frame's embedding.
        skip: index of the hidden layer whose input is concatenated with the network's input, or None.
        point_gain: factor on the initial weights of the image points. With 1, as published, two coordinates of
            variance 0.1 stand beside 64 numbers of variance 1: the network hardly tells pixels apart, and warps are
            rigid whatever the loss asks for. With 20 both halves of its input have about the same variance, but poses
            that start at a guess are then found less often.
    """

    width: int = 64
    layers: int = 4
    embedding: int = 64
    skip: int | None = None
    point_gain: float = 1.0


FAST_SIZE = WarpNetworkSize()
"""Of the default preset: small enough to train on a CPU."""
PAPER_SIZE = WarpNetworkSize(width=256, layers=6, embedding=128, skip=4)
"""Of L2G-NeRF (Chen et al., CVPR 2023), section 3.3."""


class WarpNetwork(nn.Module):
    """W(u, e_i): an MLP with ReLU that gives a vector of a Lie algebra for each image point u of frame i.

    Reference:
        L2G-NeRF (Chen et al., CVPR 2023), section 3.3.
    """

    def __init__(
        self, frames: int, size: WarpNetworkSize, generator: Generator, outputs: int = 6, start_scale: float = 0.0
    ) -> None:
        """All warps start at the identity, or near it.

        Args:
            frames: how many.
            size: of the network.
            generator: of the initial weights.
            outputs: dimension of the algebra: 6 for se(3), fewer in the plane.
            start_scale: factor on the initial weights of the last layer. With 0, known poses are kept to the last
                digit until something moves them.
        """
        super().__init__()
        self.skip = size.skip
        self.embedding = nn.Parameter(torch.randn(frames, size.embedding, generator=generator))
        given = 2 + size.embedding
        inputs = [given] + [size.width] * size.layers
        self.hidden = nn.ModuleList()
        for index in range(size.layers):
            again = given if index == size.skip else 0
            self.hidden.append(make_linear(inputs[index] + again, size.width, generator))
        self.last = make_linear(size.width, outputs, generator)
        with torch.no_grad():
            points = self.hidden[0].get_parameter("weight")[:, :2]
            points *= size.point_gain
            self.last.weight.mul_(start_scale)
            self.last.bias.zero_()

    def forward(
        self, frames: Int[Tensor, " frames"], points: Float[Tensor, "frames points 2"]
    ) -> Float[Tensor, "frames points outputs"]:
        return self.last(self.features(frames, points))

    def features(
        self, frames: Int[Tensor, " frames"], points: Float[Tensor, "frames points 2"]
    ) -> Float[Tensor, "frames points width"]:
        """What the last layer, which is linear, makes the vectors of."""
        embedded = self.embedding[frames][:, None].expand(-1, points.shape[1], -1)
        given = torch.cat([points, embedded], dim=-1)
        value = given
        for index, layer in enumerate(self.hidden):
            if index == self.skip:
                value = torch.cat([value, given], dim=-1)
            value = F.relu(layer(value))
        return value

    @torch.no_grad()
    def stiffen(self, features: Float[Tensor, "frames points width"], strength: Float[Tensor, ""] | float) -> None:
        r"""An implicit step of gradient descent on the alignment term, in the space of warps.

        A warp A h(u) + b bends as h varies within a frame. With S the covariance of h within frames, divided by its
        mean eigenvalue (weighted by itself), the step is :math:`A \leftarrow A (1 + \lambda\tau S^{1/2})^{-1}`: bends
        become 1 + strength times as small, and what moves frames as a whole stays. It is stable for any strength. The
        step is measured in the metric of the root of S, as AdaGrad's with full matrices is (Duchi et al., JMLR 2011);
        in the plain one, the many features that vary little keep their bends for hundreds of steps.

        Args:
            features: on a lattice, from `features`.
            strength: :math:`\lambda\tau`, 0 for none.
        """
        spread = (features - features.mean(dim=1, keepdim=True)).flatten(0, 1).double()
        covariance = spread.mT @ spread / max(len(spread), 1)
        least = torch.finfo(torch.float32).tiny
        size = covariance.square().sum() / covariance.trace().clamp(min=least)
        weight = solve_one_plus_root(self.last.weight.double(), covariance / size.clamp(min=least), strength)
        self.last.weight.copy_(weight.to(self.last.weight))
