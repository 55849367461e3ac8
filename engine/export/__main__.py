"""`python -m engine.export` is `l2g-export`: how the window runs it, beside a training that comes first."""

from __future__ import annotations

import os

from engine.cli import export

if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(5)
    export()
