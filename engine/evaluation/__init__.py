"""How good a run is on photos it never saw: PSNR, SSIM and LPIPS after test-time pose refinement, and pictures."""
