"""Checks that come from the contracts can fail, and say by how much."""

import polars as pl
import pytest

from pipelines.checks import (
    call_tokens_conserved,
    calls_accounted,
    check_specs,
    contract_results,
    demand_tokens_conserved,
)
from pipelines.tables import TABLES
from tests.pipelines.homes import made_day
from warehouse.contracts import DemandCalls, ModelCalls


@pytest.fixture(scope="module")
def calls() -> pl.DataFrame:
    return made_day(calls_per_day=500)["model_calls"]


def failed(table: str, rows: pl.DataFrame) -> set[str]:
    return {str(result.check_name) for result in contract_results(table, rows) if not result.passed}


def test_good_rows_pass_every_check(calls: pl.DataFrame) -> None:
    assert failed("model_calls", calls) == set()
    assert {str(result.check_name) for result in contract_results("model_calls", calls)} == {
        f"model_calls__{rule}" for rule in TABLES["model_calls"].rules
    }


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (pl.col("input_tokens") + 1, "cached_tokens_within_input"),
        (pl.lit(-1, pl.Int64), "bounds"),
    ],
)
def test_a_broken_row_fails_its_own_check(calls: pl.DataFrame, broken: pl.Expr, check: str) -> None:
    assert failed("model_calls", calls.with_columns(cache_read_tokens=broken)) == {f"model_calls__{check}"}


def test_doubled_rows_fail_the_key(calls: pl.DataFrame) -> None:
    assert failed("model_calls", pl.concat([calls, calls.head(3)])) == {"model_calls__primary_key"}


def test_bounds_say_which_column_is_out(calls: pl.DataFrame) -> None:
    broken = calls.with_columns(output_tokens=pl.lit(-4, pl.Int64), reasoning_tokens=pl.lit(None, pl.Int64))
    result = next(r for r in contract_results("model_calls", broken) if r.check_name == "model_calls__bounds")
    assert result.metadata["output_tokens min"].value == calls.height


def test_lost_and_doubled_calls_are_counted() -> None:
    assert calls_accounted("model_calls", offered_count=5, found_count=5).passed
    assert not calls_accounted("model_calls", offered_count=5, found_count=4).passed
    assert not calls_accounted("model_calls", offered_count=5, found_count=6).passed


def test_cached_tokens_beyond_the_prompt_are_not_conserved(calls: pl.DataFrame) -> None:
    assert call_tokens_conserved(calls).passed
    broken = calls.with_columns(shared_prefix_tokens=pl.col("input_tokens") + 1)
    assert not call_tokens_conserved(broken).passed


def test_demand_below_what_was_observed_is_not_conserved() -> None:
    demand = DemandCalls.sample(2).with_columns(call_id=pl.Series(["a", "b"]), output_tokens=pl.lit(10, pl.Int64))
    observed = ModelCalls.sample(2).with_columns(call_id=pl.Series(["a", "b"]), output_tokens=pl.Series([10, 11]))
    assert not demand_tokens_conserved(demand, observed).passed
    assert demand_tokens_conserved(demand, observed.head(1)).passed


def test_every_check_has_a_sentence() -> None:
    for table in TABLES:
        for spec in check_specs(table):
            assert spec.description, spec.name
            assert spec.description.endswith("."), spec.name
