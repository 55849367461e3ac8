"""`l2g-viewer`: from the command line to the window."""

from __future__ import annotations

import engine  # first: it tells torch's and numba's threads how to wait, which they read when they are loaded
from app.arguments import ViewerArguments, check_viewer_arguments
from engine.cli.program import exit_with, parse_arguments
from engine.system.memory import keep_freed_memory

__all__ = ["engine", "main"]


def main() -> None:
    """`l2g-viewer`."""
    arguments = parse_arguments(ViewerArguments)

    def act() -> int:
        check_viewer_arguments(arguments)
        keep_freed_memory()
        from app.window.display import require_display

        require_display()
        from app.window.window import Window

        return Window(arguments).run()

    exit_with(act, "l2g-viewer")


if __name__ == "__main__":
    main()
