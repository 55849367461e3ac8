"""What the recovery read-out says in a sentence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.model.perturb.recovery_readout import Reading
from app.panels.perturb.recovery import count_recovered, describe_recovery

READING = Reading(
    before=np.array([0.5, 0.005]),
    kicked=np.array([6.0, 0.06]),
    now=np.array([3.0, 0.03]),
    nearly_seconds=None,
    recovered_seconds=None,
    seconds=np.array([0.0, 4.2]),
    curves=np.array([[6.0, 3.0], [0.06, 0.03]]),
    taken_back=False,
    has_reference=True,
)


def test_each_state_of_a_recovery_has_a_sentence() -> None:
    assert describe_recovery(READING) == "Not recovered yet, 4.2 s so far."
    assert describe_recovery(replace(READING, nearly_seconds=1.3)) == "Nearly recovered after 1.3 s; 4.2 s so far."
    assert (
        describe_recovery(replace(READING, nearly_seconds=1.3, recovered_seconds=3.0))
        == "Recovered in 3.0 s of training."
    )
    assert describe_recovery(replace(READING, taken_back=True)) == "Undone."


def test_a_kick_that_did_no_harm_is_not_a_recovery() -> None:
    nearer = replace(READING, before=np.array([16.0, 0.2]), recovered_seconds=0.6)
    assert "no worse" in describe_recovery(nearer)
    assert "no worse" not in describe_recovery(
        replace(READING, before=np.array([16.0, 0.005]))
    )  # farther away all the same


def test_of_a_kick_of_all_it_is_said_how_many_have_recovered() -> None:
    assert count_recovered(READING, "camera") == ""
    assert count_recovered(replace(READING, frames=20, recovered=12), "camera") == "12 of 20 cameras have recovered."
    assert count_recovered(replace(READING, frames=4, recovered=4), "patch") == "All 4 patches have recovered."
    assert count_recovered(replace(READING, frames=20, taken_back=True), "camera") == ""
