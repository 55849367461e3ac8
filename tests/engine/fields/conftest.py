from dataclasses import replace

import pytest

from engine.fields.mlp.field import MlpField
from tests.support.worlds.spheres import STAGE, sphere_field, train


@pytest.fixture(scope="session")
def trained() -> MlpField:
    made = sphere_field(method="barf")
    made.begin_stage(replace(STAGE, field_rate=(8e-3, 2e-3)))
    train(made, range(110), 110, rays=200, start=0.2, end=0.3)  # with the lowest bands, a sphere is quick to learn
    return made
