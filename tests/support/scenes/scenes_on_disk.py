"""The real scenes that tests read: beside the repository in `shared/scenes`, or where `$L2G_SCENES` says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]


def real_scene(name: str) -> Path:
    """The folder of a real scene such as `llff/fern`; skips the test where it is not on this machine."""
    roots = [Path(os.environ["L2G_SCENES"])] if "L2G_SCENES" in os.environ else []
    roots.append(REPOSITORY.parent / "shared" / "scenes")
    for root in roots:
        if (root / name).exists():
            return root / name
    pytest.skip(f"{name} is in none of {', '.join(map(str, roots))}; set L2G_SCENES to the folder that holds it")
