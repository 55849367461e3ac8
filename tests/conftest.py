"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)  # other work on the machine must not fail a test
settings.load_profile("unhurried")
