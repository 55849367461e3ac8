"""How often the window is drawn."""

from app.pace import AWAKE, BRISK, CALM, Pace

LLVMPIPE = "llvmpipe (LLVM 15.0.6, 256 bits), OpenGL 4.5 (Core Profile) Mesa 22.3.6"


def test_software_is_drawn_calmly_while_somebody_only_watches() -> None:
    pace = Pace(LLVMPIPE)
    assert pace.seconds((10, 10), 0.0) == BRISK
    assert pace.seconds((10, 10), AWAKE - 0.1) == BRISK
    assert pace.seconds((10, 10), AWAKE + 0.1) == CALM
    assert pace.seconds((10, 11), AWAKE + 0.2) == BRISK  # at once when the mouse moves
    assert pace.seconds((10, 11), 2 * AWAKE + 0.3) == CALM


def test_a_gpu_always_draws_briskly() -> None:
    pace = Pace("NVIDIA H200/PCIe/SSE2, OpenGL 4.6")
    assert {pace.seconds((10, 10), float(now)) for now in range(10)} == {BRISK}
