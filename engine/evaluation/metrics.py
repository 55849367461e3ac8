"""Similarity of a rendering and a photo, in the units of the papers' tables."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from skimage.metrics import structural_similarity
from torch import Tensor, nn

SMALLEST_FOR_SSIM = 11  # pixels along the shorter side: the width of the Gaussian window (1.5 sigma, cut at 3.5)
SMALLEST_FOR_LPIPS = 64  # pixels along the shorter side: AlexNet's last layers need as many
_LEAST_MEAN_SQUARE = 1e-10  # identical images get 100 dB: JSON has no infinity
_BACKBONE_WEIGHTS = "alexnet-owt-7be5be79.pth"  # torchvision's AlexNet_Weights.IMAGENET1K_V1


def psnr(
    rendering: Float[Tensor, "height width 3"],
    photo: Float[Tensor, "height width 3"],
    mask: Bool[Tensor, "height width"] | None = None,
) -> float:
    r"""Peak signal-to-noise ratio, :math:`-10 \log_{10} \mathrm{mse}`, dB, at most 100; values in [0, 1].

    Over the pixels where `mask` is True, if there is one.
    """
    square = (rendering - photo).double().square()
    mean_square = (square if mask is None else square[mask]).mean().clamp(min=_LEAST_MEAN_SQUARE)
    return float(-10 * mean_square.log10())


def ssim(
    rendering: Float[Tensor, "height width 3"],
    photo: Float[Tensor, "height width 3"],
    mask: Bool[Tensor, "height width"] | None = None,
) -> float | None:
    """Structural similarity (SSIM), at most 1, with the settings of the NeRF papers; values in [0, 1].

    A Gaussian window of sigma 1.5, no sample covariance, mean over the channels. None for images smaller than the
    window (11 pixels). With a mask: both images are black where it is False, and the mean is taken over the windows
    whose middle is True.

    Reference:
        Wang et al., Image Quality Assessment: From Error Visibility to Structural Similarity, 2004.
    """
    if min(photo.shape[:2]) < SMALLEST_FOR_SSIM:
        return None
    mean, similarity = structural_similarity(
        _blacken(rendering, mask).double().cpu().numpy(),
        _blacken(photo, mask).double().cpu().numpy(),
        data_range=1.0,
        channel_axis=-1,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    return float(mean if mask is None else similarity[mask.cpu().numpy()].mean())


@torch.no_grad()
def lpips(
    rendering: Float[Tensor, "height width 3"],
    photo: Float[Tensor, "height width 3"],
    mask: Bool[Tensor, "height width"] | None = None,
) -> float | None:
    """Learned perceptual distance (LPIPS, AlexNet, as in BARF), 0 for identical images; values in [0, 1].

    None where the package `lpips` or the weights of AlexNet are not installed, and for images below 64 pixels. Nothing
    is downloaded. With a mask, both images are black where it is False.

    Reference:
        Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, CVPR 2018.
    """
    network = _lpips_network()
    if network is None or min(photo.shape[:2]) < SMALLEST_FOR_LPIPS:
        return None
    pair = torch.stack([_blacken(rendering, mask), _blacken(photo, mask)]).float().cpu().movedim(-1, 1) * 2 - 1
    return float(network(pair[:1], pair[1:]))


def _blacken(image: Float[Tensor, "height width 3"], mask: Tensor | None) -> Float[Tensor, "height width 3"]:
    """The image, black where the mask is False."""
    return image if mask is None else image * mask[..., None]


@functools.cache
def _lpips_network() -> nn.Module | None:
    """The network of the package `lpips`, made once; None where the package or AlexNet's weights are missing."""
    installed = all(importlib.util.find_spec(name) is not None for name in ("lpips", "torchvision"))
    if not installed or not (Path(torch.hub.get_dir()) / "checkpoints" / _BACKBONE_WEIGHTS).is_file():
        return None
    import lpips as package  # an optional extra

    return package.LPIPS(net="alex", verbose=False).eval().requires_grad_(False)
