"""Progress as lines that the window reads, and as a bar on a terminal."""

from __future__ import annotations

import io

from rich.console import Console

from engine.cli.step_display import StepDisplay, read_line


def test_lines_are_read_back() -> None:
    held = io.StringIO()
    with StepDisplay(Console(file=held, force_terminal=False, width=20)) as display:
        for fraction, what in (
            (0.0, "reading"),
            (0.5, "a long description that would not fit"),
            (0.501, "x"),
            (1.2, ""),
        ):
            display.show(fraction, what)
        display.show(1.0, "")
    lines = held.getvalue().splitlines()
    assert [read_line(line) for line in lines] == [
        (0.0, "reading"),
        (0.5, "a long description that would not fit"),
        (0.5, "x"),
        (1.0, ""),
    ]
    assert read_line("Written: out") is None
    assert read_line("50 % is not such a line") is None


def test_on_a_terminal_there_is_a_bar() -> None:
    held = io.StringIO()
    with StepDisplay(Console(file=held, force_terminal=True, width=80)) as display:
        display.show(0.5, "depth")
    assert "50 %" in held.getvalue()
    assert "depth" in held.getvalue()
