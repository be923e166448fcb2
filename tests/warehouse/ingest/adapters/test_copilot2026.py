"""The copilot2026 adapter: turns, tool batches, cancelled calls, shards, and every way in which a row is refused."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.warehouse.ingest.seeds import COPILOT_SESSIONS, copilot_batch, copilot_call, lines
from tests.warehouse.ingest.trace_files import counts_add_up, mooncake_file
from warehouse.ingest import UnreadableTrace, detect_format, ingest


def shard(folder: Path, rows: tuple[object, ...] = COPILOT_SESSIONS, name: str = "shard-0000.jsonl") -> Path:
    return mooncake_file(folder, rows, name=name)


def session(*calls: object, batches: tuple[object, ...] = (), name: str = "s9") -> dict[str, Any]:
    return {"session_id": name, "turns": [{"turn_id": "t", "llm_calls": list(calls), "tool_batches": list(batches)}]}


def test_a_good_file_comes_out_row_by_row(tmp_path: Path) -> None:
    result = ingest("copilot2026", shard(tmp_path))
    assert counts_add_up(result)
    short = result.source_id[:8]
    facts = [
        "call_id", "session_id", "turn_id", "step_index", "status", "input_tokens", "cache_read_tokens",
        "output_tokens", "duration_s", "starts_after_call_id", "gap_s", "shared_prefix_tokens",
    ]  # fmt: skip
    assert result.model_calls.select(facts).rows() == [
        (f"{short}-1", f"{short}-s1", 0, 0, "ok", 1000, 800, 50, 2.0, None, None, None),
        (f"{short}-2", f"{short}-s1", 0, 1, "ok", 1000, 800, 50, 2.0, f"{short}-1", 2.5, 800),
        (f"{short}-3", f"{short}-s1", 1, 2, "user_cancel", None, None, None, 2.0, f"{short}-2", 293.5, None),
        (f"{short}-4", f"{short}-s2", 0, 0, "ok", 1000, 800, 50, 2.0, None, None, None),
    ]
    started = datetime(2026, 6, 1, 10, 0, 2, 100_000, tzinfo=UTC)
    assert result.tool_calls.select("tool_call_id", "kind", "duration_s", "ok", "started_at").rows() == [
        (f"{short}-1-t0", "read_file", 0.4, True, started),
        (f"{short}-1-t1", "run_tests", 1.5, False, started),
    ]


def test_packed_shards_and_the_folder_of_a_day_give_the_same_calls(tmp_path: Path) -> None:
    plain = ingest("copilot2026", shard(tmp_path)).model_calls
    day = tmp_path / "all" / "date=2026-06-01"
    day.mkdir(parents=True)
    for number, row in enumerate(COPILOT_SESSIONS):
        (day / f"shard-000{number}.jsonl.gz").write_bytes(gzip.compress(lines([row])))
    (day / "manifest.json").write_text("{}", encoding="utf-8")
    facts = ["requested_at", "turn_id", "step_index", "input_tokens", "status", "gap_s"]
    for path in (day, tmp_path / "all"):
        assert ingest("copilot2026", path).model_calls.select(facts).equals(plain.select(facts))
    assert detect_format(day) == "copilot2026"
    assert detect_format(day / "shard-0000.jsonl.gz") == "copilot2026"


def test_calls_side_by_side_start_after_the_last_that_had_ended(tmp_path: Path) -> None:
    calls = (
        copilot_call("10:00:00", "a", duration_ms=1000.0),
        copilot_call("10:00:02", "b", duration_ms=60_000.0),
        copilot_call("10:00:03", "c", duration_ms=1000.0),
        copilot_call("10:00:05", "d", duration_ms=None),
        copilot_call("10:02:00", "e"),
    )
    frame = ingest("copilot2026", shard(tmp_path, (session(*calls),))).model_calls
    told = frame.select(pl.col("starts_after_call_id").str.split("-").list.last(), "gap_s").rows()
    assert told == [(None, None), ("1", 1.0), ("1", 2.0), ("3", 1.0), ("2", 58.0)]


def test_a_batch_that_names_no_call_belongs_to_the_last_call_that_ended_before_it(tmp_path: Path) -> None:
    tool = {"name": "x", "status": 1, "duration_ms": 5.0}
    batches = (copilot_batch("10:00:02.500", "?", tool), copilot_batch("09:00:00", "?", tool))
    result = ingest("copilot2026", shard(tmp_path, (session(copilot_call("10:00:00", "a"), batches=batches),)))
    assert counts_add_up(result)
    assert result.tool_calls["call_id"].to_list() == result.model_calls["call_id"].to_list()
    assert result.quarantine.select("row_number", "rule").rows() == [(0, "tool_has_call")]


@pytest.mark.parametrize(
    ("result", "code", "status"),
    [
        ("Success", "OK", "ok"),
        (None, "OK", "ok"),
        ("UserCancel", "OK", "user_cancel"),
        ("Canceled", None, "user_cancel"),
        ("RateLimited", None, "rate_limited"),
        ("Error", "429 Too Many Requests", "error"),
        (None, "TooManyRequests", "rate_limited"),
        ("Timeout", "", "error"),
    ],
)
def test_the_result_tells_the_status(tmp_path: Path, result: str | None, code: str | None, status: str) -> None:
    call = copilot_call("10:00:00", "a", result=result, status_code=code)
    assert ingest("copilot2026", shard(tmp_path, (session(call),))).model_calls["status"].to_list() == [status]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"message_id": "m0"}, "call_is_unique"),
        ({"timestamp": None}, "timestamp_is_plausible"),
        ({"timestamp": 1780308000}, "timestamp_is_plausible"),
        ({"timestamp": "1026-06-01T10:00:00Z"}, "timestamp_is_plausible"),
        ({"result": None, "status_code": None}, "result_is_told"),
        ({"tokens": {"prompt": "many", "completion": 1}}, "numbers_are_numbers"),
        ({"duration_ms": "long"}, "numbers_are_numbers"),
        ({"duration_ms": -1.0}, "duration_is_plausible"),
        ({"duration_ms": 1e12}, "duration_is_plausible"),
        ({"tokens": {"prompt": 5, "completion": -1}}, "token_count_not_negative"),
        ({"tokens": {"prompt": 10**12, "completion": 1}}, "token_count_is_plausible"),
        ({"tokens": {"prompt": 0, "completion": 1}}, "input_not_empty"),
        ({"tokens": None}, "input_not_empty"),
        ({"tokens": {"prompt": 5, "completion": 1, "cached": 6}}, "cached_tokens_within_input"),
    ],
)
def test_a_bad_call_goes_to_quarantine_with_its_rule_and_the_good_calls_stay(
    tmp_path: Path, changes: dict[str, Any], rule: str
) -> None:
    calls = [copilot_call("10:00:00", "m0"), copilot_call("10:01:00", "m1"), copilot_call("10:02:00", "m2")]
    calls[1] = {**calls[1], **changes}
    tool = {"name": "x", "status": 1, "duration_ms": 5.0}
    result = ingest(
        "copilot2026", shard(tmp_path, (session(*calls, batches=(copilot_batch("10:02:03", "m2", tool),)),))
    )
    assert counts_add_up(result)
    assert result.quarantine.select("row_number", "rule").rows() == [(2, rule)]
    assert result.model_calls["call_id"].str.slice(9).to_list() == ["1", "3"]
    assert result.model_calls["starts_after_call_id"].str.slice(9).to_list() == [None, "1"]
    assert result.tool_calls.height == 1


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        json.dumps({"session_id": "x"}),
        json.dumps({"session_id": "x", "turns": [7]}),
        json.dumps({"session_id": "x", "turns": [{"llm_calls": 7}]}),
        json.dumps({"session_id": "x", "turns": [{"llm_calls": [None]}]}),
        '{"turns": ' + "[" * 100_000,
        '{"session_id": "' + "x" * 10_000_000,
    ],
)
def test_a_line_or_turn_that_cannot_be_read_goes_to_quarantine(tmp_path: Path, line: str) -> None:
    result = ingest("copilot2026", shard(tmp_path, (*COPILOT_SESSIONS, line)))
    assert counts_add_up(result)
    assert result.quarantine.select("row_number", "rule").rows() == [(5, "row_is_readable")]


def test_a_tool_of_a_refused_call_is_refused_too(tmp_path: Path) -> None:
    tool = {"name": "x", "status": 1, "duration_ms": 5.0}
    calls = (copilot_call("10:00:00", "a", duration_ms=-1.0), copilot_call("10:01:00", "b"))
    result = ingest("copilot2026", shard(tmp_path, (session(*calls, batches=(copilot_batch("10:00:03", "a", tool),)),)))
    assert counts_add_up(result)
    assert sorted(result.quarantine["rule"]) == ["duration_is_plausible", "tool_has_call"]


def test_a_damaged_gzip_an_empty_folder_and_other_keys_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableTrace, match="holds none of"):
        ingest("copilot2026", tmp_path)
    (tmp_path / "shard-0.jsonl.gz").write_bytes(gzip.compress(lines(COPILOT_SESSIONS))[:-20])
    with pytest.raises(UnreadableTrace, match="damaged gzip"):
        ingest("copilot2026", tmp_path)
    with pytest.raises(UnreadableTrace, match="keys found: 'a'"):
        ingest("copilot2026", shard(tmp_path, ({"a": 1},)))
