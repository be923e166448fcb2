"""Corrections by stack: what each stack does is found on its own rows, however slow, and told of no other stack."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from hwmodel.silicon.stack_laws import OWN_TIMES, StackLaws, few_per_stack, fit_stack_laws, rows_by_stack

SIZE = replace(OWN_TIMES, iterations=60, leaves=15)
SLOW = 20.0
ROWS = 400


def measured(seed: int = 0) -> tuple[pl.DataFrame, np.ndarray, np.ndarray]:
    """Two stacks at the same features: one slows down with the first of them, the other is `SLOW` everywhere."""
    seen = np.random.default_rng(seed).uniform(0.0, 1.0, (ROWS, 2)).astype(np.float32)
    named = pl.DataFrame({"backend": ["one"] * ROWS + ["other"] * ROWS, "kernel": "k", "dtype": "fp8"})
    log_ratio = np.concatenate([0.5 * seen[:, 0], np.full(ROWS, np.log(SLOW))])
    return named, np.concatenate([seen, seen]), log_ratio


@pytest.fixture(scope="module")
def laws() -> StackLaws:
    return fit_stack_laws(*measured(), SIZE)


def test_each_stack_has_a_law_and_its_own_ratio_is_found_beyond_any_factor_of_two(laws: StackLaws) -> None:
    rows, features, planted = measured(seed=1)
    assert sorted(laws.laws) == [("one", "k", "fp8"), ("other", "k", "fp8")]
    assert laws.log_ratio(rows, features) == pytest.approx(planted, abs=0.05)


def test_far_from_what_was_measured_a_law_fades_to_its_median_and_not_to_nothing(laws: StackLaws) -> None:
    rows, features, _ = measured()
    told = laws.log_ratio(rows, features + 100.0)
    assert told[:ROWS] == pytest.approx(np.median(measured()[2][:ROWS]), abs=0.001)
    assert told[ROWS:] == pytest.approx(np.log(SLOW), abs=1e-3)


def test_a_stack_or_a_format_without_a_law_is_no_number(laws: StackLaws) -> None:
    rows, features, _ = measured()
    for change in ({"backend": "third"}, {"kernel": "l"}, {"dtype": "bfloat16"}):
        changed = rows.with_columns(**{name: pl.lit(value) for name, value in change.items()})
        assert np.isnan(laws.log_ratio(changed, features)).all()


def test_a_stack_with_too_few_rows_gets_no_law() -> None:
    rows, features, log_ratio = measured()
    kept = np.r_[0:ROWS, ROWS : ROWS + SIZE.least_rows - 1]
    assert list(fit_stack_laws(rows[kept], features[kept], log_ratio[kept], SIZE).laws) == [("one", "k", "fp8")]


def test_rows_are_drawn_from_every_stack_and_only_from_those_that_may_be_seen() -> None:
    rows, _, _ = measured()
    chosen = np.arange(len(rows)) % 2 == 0
    drawn = few_per_stack(rows, chosen, 50)
    assert {name: len(at) for name, at in rows_by_stack(rows[drawn]).items()} == dict.fromkeys(rows_by_stack(rows), 50)
    assert chosen[drawn].all()
    assert (np.diff(drawn) > 0).all()
