"""How alike a rendering and a photo are, in the units of the papers' tables."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

import torch
from jaxtyping import Float
from skimage.metrics import structural_similarity
from torch import Tensor, nn

SMALLEST_FOR_SSIM = 11  # pixels: the width of the Gaussian window (sigma 1.5, cut at 3.5 sigma)
SMALLEST_FOR_LPIPS = 64  # pixels: AlexNet's strides leave nothing of less
_MEAN_SQUARE_FLOOR = 1e-10  # identical images count as 100 dB: JSON knows no infinity
_BACKBONE_WEIGHTS = "alexnet-owt-7be5be79.pth"  # torchvision's AlexNet_Weights.IMAGENET1K_V1


def psnr(rendering: Float[Tensor, "*shape"], photo: Float[Tensor, "*shape"]) -> float:
    r"""Peak signal-to-noise ratio, :math:`-10 \log_{10} \mathrm{mse}`, dB, at most 100; values in [0, 1]."""
    mean_square = (rendering - photo).double().square().mean().clamp(min=_MEAN_SQUARE_FLOOR)
    return float(-10 * mean_square.log10())


def ssim(rendering: Float[Tensor, "height width 3"], photo: Float[Tensor, "height width 3"]) -> float | None:
    """Structural similarity, at most 1, with the settings of Wang et al. (2004) that the NeRF papers use.

    A Gaussian window of sigma 1.5, no sample covariance, mean over the channels. None for images smaller than the
    window (11 pixels). Values in [0, 1].
    """
    if min(photo.shape[:2]) < SMALLEST_FOR_SSIM:
        return None
    return float(
        structural_similarity(
            rendering.double().cpu().numpy(),
            photo.double().cpu().numpy(),
            data_range=1.0,
            channel_axis=-1,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
    )


@torch.no_grad()
def lpips(rendering: Float[Tensor, "height width 3"], photo: Float[Tensor, "height width 3"]) -> float | None:
    """Learned perceptual distance (Zhang et al. 2018, AlexNet, as in BARF), smaller is better; values in [0, 1].

    None where the package or the weights are not installed, and for images under 64 pixels. Nothing is downloaded.
    """
    network = _lpips_network()
    if network is None or min(photo.shape[:2]) < SMALLEST_FOR_LPIPS:
        return None
    pair = torch.stack([rendering, photo]).float().cpu().movedim(-1, 1) * 2 - 1
    return float(network(pair[:1], pair[1:]))


@functools.cache
def _lpips_network() -> nn.Module | None:
    """The network of the package `lpips`, built once, where both the package and AlexNet's weights are on disk."""
    installed = all(importlib.util.find_spec(name) is not None for name in ("lpips", "torchvision"))
    if not installed or not (Path(torch.hub.get_dir()) / "checkpoints" / _BACKBONE_WEIGHTS).is_file():
        return None
    import lpips as package  # an optional extra

    return package.LPIPS(net="alex", verbose=False).eval().requires_grad_(False)
