"""Figures from several threads."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from PIL import Image

from engine.system.figures import write_figure


def test_one_thread_draws_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawing, met, draw = threading.Lock(), list[bool](), Figure.savefig

    def savefig(figure: Figure, *words: object, **named: object) -> None:
        met.append(not drawing.acquire(blocking=False))
        time.sleep(0.01)
        draw(figure, *words, **named)  # type: ignore[arg-type]
        if not met[-1]:
            drawing.release()

    monkeypatch.setattr(Figure, "savefig", savefig)
    paths = [tmp_path / f"{number}.png" for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda path: write_figure(Figure((2, 1)), path, 50), paths))
    assert met == [False] * 4, "nobody draws while another one does"
    for path in paths:
        with Image.open(path) as picture:
            assert picture.size == (100, 50)
