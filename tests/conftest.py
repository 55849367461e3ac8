"""What holds for all tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Other work on the machine must not fail a test.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
