"""What holds for all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# Other work on the machine must not fail a test, nor an example that nobody had seen before a change that is innocent
# of it: the examples are the same each time. `pytest --hypothesis-profile=hunt` looks for new ones.
settings.register_profile(
    "tests", deadline=None, derandomize=True, max_examples=40, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("hunt", settings.get_profile("tests"), derandomize=False, max_examples=2000)
settings.load_profile("tests")


@pytest.fixture(autouse=True, scope="session")
def cache_of_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests use a cache folder of their own, not the user's."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("platformdirs.user_cache_dir", lambda name, *_, **__: str(folder / name))
        yield
