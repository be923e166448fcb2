"""Checks of days that were landed in parts see what no part can see alone."""

from pathlib import Path

import polars as pl
import pytest

from pipelines import landed_checks
from pipelines.landed_checks import doubled_count, landed_day
from pipelines.recording import Materialized, no_invariants, record_day
from pipelines.tables import TABLES
from tests.pipelines.homes import FIRST, made_day
from warehouse.lake import Lake


def failed(result: Materialized) -> dict[str, object]:
    return {
        str(check.check_name): check.metadata["failed_rows"].value
        for check in result.check_results or ()
        if not check.passed
    }


def test_keys_that_two_parts_share_are_counted_once_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landed_checks, "PART_ROWS", 100)
    calls = made_day(calls_per_day=500)["model_calls"]
    schema = TABLES["model_calls"].schema
    lake = Lake.open(tmp_path)
    good = lake.replace_stream("model_calls", [calls], schema=schema, partition={"day": FIRST})
    assert failed(landed_day(lake, good, FIRST, seed=3, invariants=no_invariants)) == {}
    parts = [calls, calls.head(7)]
    doubled = lake.replace_stream("model_calls", parts, schema=schema, partition={"day": FIRST})
    found = failed(landed_day(lake, doubled, FIRST, seed=3, invariants=no_invariants))
    assert set(found) == {"model_calls__primary_key"}
    assert found["model_calls__primary_key"] in range(7, 15)
    lake.close()


def test_a_day_in_parts_tells_the_checks_and_the_counts_of_a_day_at_once(tmp_path: Path) -> None:
    sessions = made_day(calls_per_day=500)["sessions"]
    lake = Lake.open(tmp_path)
    whole = record_day(lake, "sessions", sessions, FIRST, seed=3)
    receipt = lake.replace_stream(
        "sessions", sessions.iter_slices(20), schema=TABLES["sessions"].schema, partition={"day": FIRST}
    )
    parts = landed_day(lake, receipt, FIRST, seed=3, invariants=no_invariants)
    assert [(check.check_name, check.passed) for check in parts.check_results or ()] == [
        (check.check_name, check.passed) for check in whole.check_results or ()
    ]
    assert (parts.metadata or {}).keys() == (whole.metadata or {}).keys()
    assert (parts.metadata or {})["dagster/row_count"] == (whole.metadata or {})["dagster/row_count"]
    lake.close()


def test_doubled_rows_are_those_beyond_the_first_of_each_key() -> None:
    rows = pl.LazyFrame({"a": [1, 1, 1, 2, 2, 3], "b": ["x", "x", "y", "x", "x", "x"]})
    assert doubled_count(rows, ["a", "b"]) == 2
    assert doubled_count(rows, ["a"]) == 3
