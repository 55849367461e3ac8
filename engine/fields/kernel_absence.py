"""Why kernels for CUDA are not used, where a GPU is: said in the log."""

from __future__ import annotations

import logging
from functools import lru_cache

log = logging.getLogger(__name__)


@lru_cache(maxsize=16)
def say_kernels_are_absent(reason: str) -> None:
    """Once for each reason, and not for each part of a field."""
    log.warning("CUDA kernels are not used, plain torch is (%s)", reason)
