"""`l2g-viewer`: from the command line to the window."""

from __future__ import annotations

from collections.abc import Callable

import engine  # first: it tells torch's and numba's threads how to wait, which they read when they are loaded
from engine.cli.program import parse_arguments, run_command

__all__ = ["engine", "main"]


def main() -> None:
    """`l2g-viewer`."""

    def prepare() -> Callable[[], int]:
        from app.arguments import ViewerArguments, check_viewer_arguments

        arguments = parse_arguments(ViewerArguments)
        check_viewer_arguments(arguments)
        from app.window.display import require_display
        from engine.system.memory import keep_freed_memory

        keep_freed_memory()
        require_display()
        from app.window.window import Window

        return lambda: Window(arguments).run()

    run_command(prepare, "l2g-viewer")


if __name__ == "__main__":
    main()
