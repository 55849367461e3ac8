import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from engine.evaluation import metrics


def images(seed: int = 0, height: int = 40, width: int = 30) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    photo = torch.rand(height, width, 3, generator=generator)
    return (photo + 0.1 * torch.randn(photo.shape, generator=generator)).clamp(0, 1), photo


def test_psnr_of_a_constant_difference() -> None:
    photo = torch.full((4, 5, 3), 0.5)
    assert metrics.psnr(photo + 0.1, photo) == pytest.approx(20.0, abs=1e-4)
    assert metrics.psnr(photo, photo) == pytest.approx(100.0)


def test_ssim_is_the_published_formula() -> None:
    """Wang et al. 2004, equation 13, written out with scipy's Gaussian filter."""
    rendering, photo = images()

    def channel(x: np.ndarray, y: np.ndarray) -> float:
        def blur(values: np.ndarray) -> np.ndarray:
            return gaussian_filter(values, 1.5, truncate=3.5)

        mean_x, mean_y = blur(x), blur(y)
        var_x, var_y = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2
        covariance = blur(x * y) - mean_x * mean_y
        first, second = 0.01**2, 0.03**2
        similarity = ((2 * mean_x * mean_y + first) * (2 * covariance + second)) / (
            (mean_x**2 + mean_y**2 + first) * (var_x + var_y + second)
        )
        return float(similarity[5:-5, 5:-5].mean())

    x, y = rendering.double().numpy(), photo.double().numpy()
    expected = np.mean([channel(x[..., index], y[..., index]) for index in range(3)])
    assert metrics.ssim(rendering, photo) == pytest.approx(expected, abs=1e-6)
    assert metrics.ssim(photo, photo) == pytest.approx(1.0)


def test_ssim_of_an_image_smaller_than_its_window_is_none() -> None:
    rendering, photo = images(height=10)
    assert metrics.ssim(rendering, photo) is None


def test_lpips_is_none_without_package_or_weights_and_downloads_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path_factory.mktemp("no_weights")))
    metrics._lpips_network.cache_clear()
    assert metrics.lpips(*images(height=70, width=70)) is None
    metrics._lpips_network.cache_clear()


@pytest.mark.skipif(metrics._lpips_network() is None, reason="lpips or AlexNet's weights are not installed")
def test_lpips_of_an_image_with_itself_is_zero() -> None:
    rendering, photo = images(height=70, width=70)
    assert metrics.lpips(photo, photo) == pytest.approx(0.0, abs=1e-6)
    assert (metrics.lpips(rendering, photo) or 0.0) > 0.01


def test_lpips_scales_images_to_the_range_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.Tensor] = []

    def network(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        seen.extend([one, other])
        return torch.tensor(0.25)

    monkeypatch.setattr(metrics, "_lpips_network", lambda: network)
    assert metrics.lpips(*images(height=70, width=80)) == 0.25
    assert seen[0].shape == (1, 3, 70, 80)
    assert -1 <= float(seen[1].min()) < -0.9
    assert 0.9 < float(seen[1].max()) <= 1
