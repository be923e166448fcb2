"""The contracts themselves: units in names, samples, and rules that catch what they promise to catch."""

import re
from datetime import UTC, date, datetime

import dataframely as dy
import polars as pl
import pytest
from dataframely.random import Generator

import warehouse.contracts
from warehouse.contracts import ModelCalls, ServingPolicy, Sessions

CONTRACTS: list[type[dy.Schema]] = [
    contract
    for contract in vars(warehouse.contracts).values()
    if isinstance(contract, type) and issubclass(contract, dy.Schema)
]

UNITS = ("s", "j", "w", "hz", "bytes", "flop", "usd", "ratio", "count", "tokens", "sequences")
UNIT_SUFFIX = re.compile(rf".*_(?:{'|'.join(UNITS)})(?:_per_[a-z]+(?:_(?:h|s))?)?")


@pytest.mark.parametrize("contract", CONTRACTS)
def test_every_float_column_says_its_unit(contract: type[dy.Schema]) -> None:
    floats = [name for name, dtype in contract.create_empty().schema.items() if dtype.is_float()]
    assert [name for name in floats if UNIT_SUFFIX.fullmatch(name) is None] == []


@pytest.mark.parametrize("name", ["latency", "latency_ms", "memory_gb", "power", "share", "usd_per_token", "s"])
def test_a_name_without_a_unit_would_be_caught(name: str) -> None:
    assert UNIT_SUFFIX.fullmatch(name) is None


@pytest.mark.parametrize("contract", CONTRACTS)
def test_every_contract_can_be_sampled_and_holds_for_its_sample(contract: type[dy.Schema]) -> None:
    sample = contract.sample(8, generator=Generator(3))
    assert sample.height == 8
    assert contract.is_valid(sample)


def good_calls() -> pl.DataFrame:
    """Three valid calls with every optional number reported."""
    noon = datetime(2026, 3, 4, 12, tzinfo=UTC)
    reported = {"input_tokens": 100, "cache_read_tokens": 40, "shared_prefix_tokens": 40, "output_tokens": 20}
    return ModelCalls.sample(
        3,
        overrides={
            "call_id": ["a", "b", "c"],
            "requested_at": noon,
            "reasoning_tokens": 5,
            "ttft_s": 1.0,
            "duration_s": 2.0,
            **reported,
        },
        generator=Generator(5),
    )


BAD_CELLS = [
    ("cached_tokens_within_input", "cache_read_tokens", 101),
    ("shared_prefix_within_input", "shared_prefix_tokens", 101),
    ("reasoning_tokens_within_output", "reasoning_tokens", 21),
    ("first_token_not_after_last", "ttft_s", 2.6),
    ("day_is_day_of_request", "day", date(2026, 3, 5)),
    ("input_tokens|min", "input_tokens", -1),
    ("input_tokens|max", "input_tokens", 100_000_001),
    ("duration_s|min", "duration_s", -0.001),
    ("turn_id|min", "turn_id", -1),
    ("session_id|nullability", "session_id", None),
    ("requested_at|nullability", "requested_at", None),
]


@pytest.mark.parametrize(("rule", "column", "value"), BAD_CELLS)
def test_a_planted_bad_call_is_caught_by_its_rule_and_by_no_other_row(rule: str, column: str, value: object) -> None:
    calls = good_calls()
    dtype = calls.schema[column]
    is_second = pl.col("call_id") == "b"
    planted = calls.with_columns(pl.when(is_second).then(pl.lit(value, dtype=dtype)).otherwise(column).alias(column))
    good, failure = ModelCalls.filter(planted)
    assert good["call_id"].to_list() == ["a", "c"]
    assert failure.counts().get(rule) == 1


def test_a_call_id_used_twice_is_caught() -> None:
    calls = good_calls()
    _, failure = ModelCalls.filter(pl.concat([calls, calls.head(1)]))
    assert failure.counts() == {"primary_key": 2}


def test_counts_that_were_not_reported_are_welcome() -> None:
    counts = ["input_tokens", "cache_read_tokens", "output_tokens", "reasoning_tokens", "shared_prefix_tokens"]
    calls = good_calls().with_columns(pl.lit(None, dtype=pl.Int64).alias(name) for name in counts)
    assert ModelCalls.is_valid(calls)


def test_a_session_that_ends_before_it_starts_is_caught() -> None:
    session = Sessions.sample(1, generator=Generator(1))
    backwards = session.with_columns(ended_at=pl.col("started_at") - pl.duration(seconds=1))
    assert not Sessions.is_valid(backwards)


def test_a_value_outside_its_declared_range_is_caught() -> None:
    policy = ServingPolicy.sample(1, generator=Generator(1))
    assert not ServingPolicy.is_valid(policy.with_columns(value_high_usd_per_token=pl.col("value_usd_per_token") / 2))
