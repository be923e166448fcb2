"""The burstgpt adapter: both forms cell by cell, sessions and gaps of the long form, and every way to be refused."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from tests.warehouse.ingest.seeds import BURSTGPT_HEADER, BURSTGPT_LONG_HEADER, BURSTGPT_LONG_ROWS, BURSTGPT_ROWS
from tests.warehouse.ingest.trace_files import azure_file, counts_add_up
from warehouse.contracts import Surface
from warehouse.ingest import UnreadableTrace, detect_format, ingest

MIDNIGHT = datetime(2025, 3, 3, tzinfo=UTC)


def burst_file(folder: Path, rows: tuple[str, ...] = BURSTGPT_ROWS, header: str = BURSTGPT_HEADER) -> Path:
    return azure_file(folder, rows, name="BurstGPT_1.csv", header=header)


def test_the_short_form_comes_out_row_by_row(tmp_path: Path) -> None:
    result = ingest("burstgpt", burst_file(tmp_path), anchor=date(2025, 3, 3))
    assert counts_add_up(result)
    facts = ["requested_at", "model", "input_tokens", "output_tokens", "status", "surface", "service_tier"]
    assert result.model_calls.select(facts).rows() == [
        (MIDNIGHT + timedelta(seconds=5), "ChatGPT", 472, 18, "ok", "long_context_chat", "interactive"),
        (MIDNIGHT + timedelta(seconds=45), "ChatGPT", 1087, 230, "ok", "long_context_chat", "interactive"),
        (MIDNIGHT + timedelta(seconds=118), "GPT-4", 417, 0, "error", "api_burst", "standard"),
    ]
    assert result.sessions.height == 3
    assert result.model_calls["duration_s"].null_count() == 3


def test_the_long_form_tells_sessions_turns_and_the_gap_after_the_call_before(tmp_path: Path) -> None:
    result = ingest("burstgpt", burst_file(tmp_path, BURSTGPT_LONG_ROWS, BURSTGPT_LONG_HEADER))
    assert counts_add_up(result)
    short = result.source_id[:8]
    facts = ["call_id", "session_id", "turn_id", "starts_after_call_id", "gap_s", "duration_s"]
    assert result.model_calls.select(facts).rows() == [
        (f"{short}-1", f"{short}-c7", 0, None, None, 3.5),
        (f"{short}-2", f"{short}-c7", 1, f"{short}-1", 36.0, 12.25),  # 45 - 5.5 - 3.5
        (f"{short}-3", f"{short}-s3", 0, None, None, 1.0),
        (f"{short}-4", f"{short}-c9", 0, None, None, None),
    ]
    assert result.sessions["call_count"].to_list() == [2, 1, 1]


def test_the_parquet_form_gives_the_same_calls_as_the_csv(tmp_path: Path) -> None:
    path = burst_file(tmp_path, BURSTGPT_LONG_ROWS, BURSTGPT_LONG_HEADER)
    pl.read_csv(path).write_parquet(tmp_path / "b.parquet")
    facts = ["requested_at", "input_tokens", "output_tokens", "model", "surface", "gap_s", "duration_s", "turn_id"]
    from_parquet = ingest("burstgpt", tmp_path / "b.parquet").model_calls
    assert from_parquet.select(facts).equals(ingest("burstgpt", path).model_calls.select(facts))
    assert detect_format(path) == detect_format(tmp_path / "b.parquet") == "burstgpt"


def test_a_chosen_surface_wins_for_every_kind_of_log(tmp_path: Path) -> None:
    calls = ingest("burstgpt", burst_file(tmp_path), surface=Surface.MULTIMODAL).model_calls
    assert calls.select("surface", "service_tier").unique().rows() == [("multimodal", "interactive")]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("50,ChatGPT,5,6,11", "row_is_complete"),
        ("50,ChatGPT,5,6,11,API log,9", "row_is_complete"),
        ("soon,ChatGPT,5,6,11,API log", "timestamp_is_number"),
        ("nan,ChatGPT,5,6,11,API log", "timestamp_is_number"),
        ("-5,ChatGPT,5,6,11,API log", "timestamp_is_plausible"),
        ("1e12,ChatGPT,5,6,11,API log", "timestamp_is_plausible"),
        ("50,ChatGPT,-5,6,1,API log", "token_count_not_negative"),
        ("50,ChatGPT,5.5,6,11,API log", "token_count_is_integer"),
        ("50,ChatGPT,,6,6,API log", "token_count_is_integer"),
        ("50,ChatGPT,999999999,6,1000000005,API log", "token_count_is_plausible"),
        ("50,ChatGPT,0,6,6,API log", "input_not_empty"),
        ("50,ChatGPT,5,6,12,API log", "total_is_sum"),
        ("50,ChatGPT,5,6,,API log", "total_is_sum"),
        ("50,ChatGPT,5,6,11,Secret log", "log_type_is_known"),
        ("x" * 10_000_000, "row_is_complete"),
    ],
)
def test_a_bad_row_goes_to_quarantine_with_its_rule_and_the_good_rows_stay(
    tmp_path: Path, line: str, rule: str
) -> None:
    result = ingest("burstgpt", burst_file(tmp_path, (BURSTGPT_ROWS[0], line, BURSTGPT_ROWS[1])))
    assert counts_add_up(result)
    assert result.quarantine.select("row_number", "rule").rows() == [(2, rule)]
    assert "Secret" not in str(result.quarantine.rows())


@pytest.mark.parametrize("elapsed", ["-1", "soon", "90000000"])
def test_an_elapsed_time_that_cannot_be_seconds_goes_to_quarantine(tmp_path: Path, elapsed: str) -> None:
    bad = f"50,7,{elapsed},ChatGPT,5,6,11,API log"
    result = ingest("burstgpt", burst_file(tmp_path, (*BURSTGPT_LONG_ROWS, bad), BURSTGPT_LONG_HEADER))
    assert result.quarantine.select("row_number", "rule").rows() == [(5, "duration_is_plausible")]


@pytest.mark.parametrize(
    ("stamps", "guess"),
    [((1_700_000_000, 1_700_000_300), "Unix seconds"), ((0, 9e9), "milliseconds"), ((0, 9e14), "microseconds")],
)
def test_times_in_another_unit_are_refused_with_the_guess(
    tmp_path: Path, stamps: tuple[float, float], guess: str
) -> None:
    step = (stamps[1] - stamps[0]) / 50
    rows = tuple(f"{stamps[0] + at * step:.0f},GPT-4,5,6,11,API log" for at in range(50))
    with pytest.raises(UnreadableTrace, match=guess):
        ingest("burstgpt", burst_file(tmp_path, rows))


def test_bytes_that_are_not_utf8_go_to_quarantine(tmp_path: Path) -> None:
    path = burst_file(tmp_path)
    path.write_bytes(path.read_bytes() + b"130,GPT\xff-4,5,6,11,API log\n")
    assert ingest("burstgpt", path).quarantine.select("row_number", "rule").rows() == [(4, "text_is_utf8")]


def test_lacking_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableTrace, match="a burstgpt trace has Timestamp, Model"):
        ingest("burstgpt", burst_file(tmp_path, ("1,2",), "Timestamp,Model"))
