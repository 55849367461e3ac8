"""What holds for all tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Other work on the machine must not fail a test, nor an example that nobody had seen before a change that is innocent
# of it: the examples are the same each time. `pytest --hypothesis-profile=hunt` looks for new ones.
settings.register_profile(
    "tests", deadline=None, derandomize=True, max_examples=40, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("hunt", settings.get_profile("tests"), derandomize=False, max_examples=2000)
settings.load_profile("tests")
