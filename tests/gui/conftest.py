"""A display for all tests of the window; they say why where they cannot run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.window.display import Display, missing
from tests.support.window.viewer import FERN, SMALL, Viewer


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder are marked `gui`."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.gui)


@pytest.fixture(scope="session")
def display() -> Iterator[Display]:
    reason = missing()
    if reason is not None:
        pytest.skip(f"tests of the window: {reason}")
    screen = Display()
    yield screen
    screen.close()


@pytest.fixture
def launch(display: Display, tmp_path: Path) -> Iterator[Launch]:
    """Starts windows, which are closed when the test is over."""
    launched = Launch(display, tmp_path)
    yield launched
    launched.end()


@pytest.fixture(scope="module")
def fern(display: Display, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Viewer]:
    """One window in which the shipped fern is trained, shared by the tests of a module: each leaves it training.

    From the identity by the colours alone, so that there is something to see of λ: matches would place the cameras
    before the first step.
    """
    folder = tmp_path_factory.mktemp("fern")
    viewer = Viewer(display, folder, [str(FERN), "--output", str(folder / "run"), *SMALL, "--no-matches"])
    try:
        viewer.wait_for(lambda report: report.get("iteration", 0) >= 20, "the first iterations", 120)
        yield viewer
    finally:
        viewer.kill()


@pytest.fixture(autouse=True)
def buttons_up(request: pytest.FixtureRequest) -> Iterator[None]:
    """Releases buttons and keys that a failed test has left pressed."""
    yield
    if "display" in request.fixturenames or "fern" in request.fixturenames:
        screen: Display = request.getfixturevalue("display")
        for button in (1, 2, 3):
            screen.do("mouseup", button)
        for key in ("ctrl", "shift"):
            screen.do("keyup", key)
    assert threading.active_count() < 20


class Launch:
    """Starts viewers."""

    def __init__(self, display: Display, folder: Path) -> None:
        self.display, self.folder = display, folder
        self._viewers: list[Viewer] = []

    def __call__(self, *words: str) -> Viewer:
        """A window with these arguments; its settings last over the windows of a test."""
        viewer = Viewer(self.display, self.folder, words)
        self._viewers.append(viewer)
        return viewer

    def end(self) -> None:
        for viewer in self._viewers:
            viewer.kill()
