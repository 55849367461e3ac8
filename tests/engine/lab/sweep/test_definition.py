"""The product of a sweep, the names of its runs, and what happens when it changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import UserError
from engine.lab.sweep.definition import (
    SweepDefinition,
    explain_change,
    read_definition,
    write_definition,
)

FERN = Path("scenes/fern")
SWEEP = SweepDefinition(
    (FERN,),
    methods=("l2g", "barf", "naive"),
    assists=("on", "off"),
    noise=((0.0, 0.0), (0.05, 0.0), (0.1, 0.0), (0.2, 0.0)),
    seeds=tuple(range(20)),
)


def test_the_product_has_a_run_of_its_own_name_for_each_combination() -> None:
    runs = SWEEP.runs()
    assert len({run.name for run in runs}) == len(runs) == 3 * 2 * 4 * 20
    values = {tuple(run.values[name] for name in ("method", "assist", "noise_rotation", "seed")) for run in runs}
    assert len(values) == len(runs)
    assert {run.values["scene"] for run in runs} == {str(FERN.resolve())}


def test_every_combination_has_its_first_run_before_one_has_its_second() -> None:
    assert [run.values["seed"] for run in SWEEP.runs()] == [seed for seed in range(20) for _ in range(24)]


def test_names_leave_out_what_is_usual_and_stay_when_values_are_added() -> None:
    short = SweepDefinition((FERN,), methods=("l2g",))
    assert [run.name for run in short.runs()] == ["fern-l2g-grid-seed_0"]
    longer = replace(short, methods=("l2g", "barf"), assists=("auto", "off"), lambda_exponents=(2.0, 3.5))
    names = {run.name for run in longer.runs()}
    assert {"fern-l2g-grid-seed_0", "fern-l2g-grid-assist_off-lambda_3.5-seed_0"} <= names


def test_lambda_is_one_run_where_it_means_nothing() -> None:
    runs = replace(SWEEP, lambda_exponents=(1.0, 2.0, 3.0), seeds=(0,)).runs()
    counts = {method: sum(run.values["method"] == method for run in runs) for method in SWEEP.methods}
    assert counts == {"l2g": 3 * 8, "barf": 8, "naive": 8}


@pytest.mark.parametrize(
    ("noise", "starts"), [(((0.0, 0.0),), {"auto"}), (((0.0, 0.0), (0.1, 0.0)), {"noise"}), (((0.0, 0.5),), {"noise"})]
)
def test_noise_perturbs_also_where_a_scene_would_start_from_the_identity(
    noise: tuple[tuple[float, float], ...], starts: set[str]
) -> None:
    assert {run.values["init"] for run in replace(SWEEP, noise=noise).runs()} == starts
    chosen = replace(SWEEP, noise=noise, inits=("identity",)).runs()
    assert {run.values["init"] for run in chosen} == {"identity"}


def test_methods_and_fields_that_do_not_go_together_are_left_out() -> None:
    sweep = SweepDefinition((FERN,), methods=("l2g", "no-encoding"), fields=("grid", "mlp"))
    assert {(run.values["method"], run.values["field"]) for run in sweep.runs()} == {
        ("l2g", "grid"),
        ("l2g", "mlp"),
        ("no-encoding", "mlp"),
    }
    assert list(sweep.impossible()) == [("no-encoding", "grid")]


def test_scenes_of_one_name_are_kept_apart() -> None:
    runs = SweepDefinition((Path("a/fern"), Path("b/fern"), Path("c/lego"))).runs()
    assert [run.name for run in runs] == ["fern-l2g-grid-seed_0", "fern~2-l2g-grid-seed_0", "lego-l2g-grid-seed_0"]


def test_an_unknown_method_is_named() -> None:
    with pytest.raises(UserError, match="There is no method x"):
        SweepDefinition((FERN,), methods=("x",)).runs()


def test_what_was_written_is_no_change(tmp_path: Path) -> None:
    assert read_definition(tmp_path) is None
    write_definition(tmp_path, SWEEP.runs())
    before = read_definition(tmp_path)
    assert before is not None
    assert explain_change(before, SWEEP.runs(), tmp_path) is None
    assert before.success is None, "as in files of older versions"


def test_more_and_fewer_values_are_a_sentence(tmp_path: Path) -> None:
    write_definition(tmp_path, SWEEP.runs())
    before = read_definition(tmp_path)
    assert before is not None
    other = replace(SWEEP, seeds=tuple(range(1, 22))).runs()
    sentence = explain_change(before, other, tmp_path)
    assert sentence == (
        f"The definition of the sweep in {tmp_path} has changed: 48 of its 504 runs are new, and 24 that it had are "
        "not part of it any more (their folders stay)."
    )
    write_definition(tmp_path, other, before)
    after = read_definition(tmp_path)
    assert after is not None
    assert len(after.former) == 24
    assert explain_change(after, other, tmp_path) is None


@pytest.mark.parametrize("of_former", [False, True])
def test_runs_that_would_be_made_otherwise_are_refused(tmp_path: Path, of_former: bool) -> None:
    write_definition(tmp_path, replace(SWEEP, fixed={"max_iterations": 100}).runs())
    if of_former:
        write_definition(tmp_path, [], read_definition(tmp_path))
    before = read_definition(tmp_path)
    assert before is not None
    with pytest.raises(UserError, match=r"was made with max-iterations 100, not 200; .*--overwrite"):
        explain_change(before, replace(SWEEP, fixed={"max_iterations": 200}).runs(), tmp_path)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "sweep.json").write_text('{"version": 1, "runs": []}')
    with pytest.raises(UserError, match=r"sweep\.json is damaged"):
        read_definition(tmp_path)
