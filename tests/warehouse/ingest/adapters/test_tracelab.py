"""The tracelab adapter: times from events, cached prefixes, tools, the real example, and every way to be refused."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.shared_data import shared_path
from tests.warehouse.ingest.seeds import ROUND, TRACELAB_ROWS
from tests.warehouse.ingest.trace_files import counts_add_up, mooncake_file
from warehouse.ingest import UnreadableTrace, detect_format, ingest


def rounds_file(folder: Path, rows: tuple[object, ...] = TRACELAB_ROWS) -> Path:
    return mooncake_file(folder, rows, name="round_trace.jsonl")


def test_a_good_file_comes_out_row_by_row(tmp_path: Path) -> None:
    result = ingest("tracelab", rounds_file(tmp_path))
    assert counts_add_up(result)
    short = result.source_id[:8]
    facts = [
        "call_id", "turn_id", "requested_at", "duration_s", "input_tokens", "cache_read_tokens", "output_tokens",
        "starts_after_call_id", "gap_s", "parent_call_id", "shared_prefix_tokens",
    ]  # fmt: skip
    assert result.model_calls.select(facts).rows() == [
        (f"{short}-1", 0, datetime(2026, 6, 1, 5, 40, 20, tzinfo=UTC), 4.5, 3000, 2000, 100, None, None, None, None),
        # asked 0.9 s after the first ended; of 3,500 tokens 3,000 came from the cache, the first held 3,100
        (
            f"{short}-2", 0, datetime(2026, 6, 1, 5, 40, 25, 400_000, tzinfo=UTC), 4.6, 3500, 3000, 100,
            f"{short}-1", 0.9, f"{short}-1", 3000,
        ),
    ]  # fmt: skip
    assert result.tool_calls.select("call_id", "kind", "duration_s", "ok", "started_at").rows() == [
        (f"{short}-1", "Bash", 0.85, True, datetime(2026, 6, 1, 5, 40, 24, 500_000, tzinfo=UTC))
    ]


def test_more_cached_tokens_than_the_call_before_held_are_not_all_shared_with_it(tmp_path: Path) -> None:
    wide = {
        **TRACELAB_ROWS[1], "input_tokens_total": 9000, "prefix_tokens": 8000, "newly_append_tokens": 1000,
        "claude_uncached_input_tokens": None,
    }  # fmt: skip
    calls = ingest("tracelab", rounds_file(tmp_path, (ROUND, wide))).model_calls
    assert calls["shared_prefix_tokens"].to_list() == [None, 3100]


def test_a_user_message_opens_a_turn(tmp_path: Path) -> None:
    events = [
        {"event_type": "user_message", "timestamp": "2026-06-01T05:50:00Z"},
        {"event_type": "text", "timestamp": "2026-06-01T05:50:02Z"},
    ]
    asked = {**TRACELAB_ROWS[1], "round_index": 2, "round_id": "msg_2", "timing_events": events}
    assert ingest("tracelab", rounds_file(tmp_path, (*TRACELAB_ROWS, asked))).model_calls["turn_id"].to_list() == [
        0,
        0,
        1,
    ]


def test_a_round_without_input_events_is_placed_at_its_first_output_with_unknown_duration(tmp_path: Path) -> None:
    events = [{"event_type": "text", "timestamp": f"2026-06-01T05:50:0{second}Z"} for second in (1, 3)]
    bare = {**TRACELAB_ROWS[1], "round_index": 2, "round_id": "msg_2", "timing_events": events}
    result = ingest("tracelab", rounds_file(tmp_path, (*TRACELAB_ROWS, bare)))
    last = result.model_calls.row(2, named=True)
    assert (last["requested_at"], last["duration_s"]) == (datetime(2026, 6, 1, 5, 50, 1, tzinfo=UTC), None)
    assert any("1 rounds tell no input event" in note for note in result.notes)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"session_id": None}, "call_has_a_place"),
        ({"round_index": "x"}, "call_has_a_place"),
        ({"round_index": 1, "round_id": "msg_1"}, "call_is_unique"),
        ({"timing_events": []}, "round_tells_times"),
        ({"timing_events": "{"}, "round_tells_times"),
        ({"timing_events": [{"event_type": {}, "timestamp": "2026-06-01T05:50:00Z"}]}, "round_tells_times"),
        ({"timing_events": [{"event_type": "text", "timestamp": "noon"}]}, "round_tells_times"),
        ({"timing_events": [{"event_type": "text", "timestamp": "1926-06-01T05:50:00Z"}]}, "timestamp_is_plausible"),
        ({"input_tokens_total": -1}, "token_count_not_negative"),
        ({"output_tokens": None}, "token_count_is_integer"),
        ({"prefix_tokens": "2000"}, "token_count_is_integer"),
        ({"prefix_tokens": 2500}, "prefix_and_append_sum_up"),
        ({"claude_cache_read_input_tokens": 1999}, "exclusive_parts_sum_up"),
        ({"reasoning_output_tokens": 5000}, "reasoning_tokens_within_output"),
    ],
)
def test_a_bad_row_goes_to_quarantine_with_its_rule_and_the_good_rows_stay(
    tmp_path: Path, changes: dict[str, Any], rule: str
) -> None:
    bad = {**ROUND, "round_index": 5, "round_id": "msg_5", **changes}
    result = ingest("tracelab", rounds_file(tmp_path, (*TRACELAB_ROWS, bad)))
    assert counts_add_up(result)
    assert result.quarantine.filter(pl.col("row_number") > 0).select("row_number", "rule").rows() == [(3, rule)]
    assert result.model_calls.height == 2
    assert result.tool_calls.height == 1


@pytest.mark.parametrize(
    ("tool", "rule"),
    [
        ({"tool_wall_latency_ms": -5, "tool_internal_latency_ms": None}, "tool_time_is_plausible"),
        ({"tool_wall_latency_ms": None, "tool_internal_latency_ms": None}, "tool_is_told"),
        ({"emitted_at": "noon"}, "tool_is_told"),
        ({"tool_name": None}, "tool_is_told"),
        ({"is_error": "no"}, "tool_is_told"),
    ],
)
def test_a_bad_tool_call_goes_to_quarantine_outside_the_count_of_rows(
    tmp_path: Path, tool: dict[str, Any], rule: str
) -> None:
    good: dict[str, Any] = ROUND["tools"][0]  # type: ignore[index]
    row = {**ROUND, "tools": [good, {**good, **tool}]}
    result = ingest("tracelab", rounds_file(tmp_path, (row,)))
    assert counts_add_up(result)
    assert result.quarantine.select("row_number", "rule").rows() == [(0, rule)]
    assert result.tool_calls.height == 1


def test_arguments_and_results_of_tools_are_not_kept(tmp_path: Path) -> None:
    secret = {**ROUND, "tools": [{**ROUND["tools"][0], "input": "my secret"}], "prompt_text": "my secret"}  # type: ignore[index]
    result = ingest("tracelab", rounds_file(tmp_path, (secret, {**secret, "round_index": 2, "output_tokens": -1})))
    assert "secret" not in str(result.model_calls.rows()) + str(result.tool_calls.rows()) + str(
        result.quarantine.rows()
    )
    assert any("prompt_text" in note for note in result.notes)


def test_other_keys_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableTrace, match="tracelab rounds have session_id"):
        ingest("tracelab", rounds_file(tmp_path, (json.dumps({"a": 1}),)))


def test_the_real_example_is_taken_whole() -> None:
    path = shared_path("data/traces/tracelab_example_rounds.parquet")
    result = ingest("tracelab", path)
    assert detect_format(path) == "tracelab"
    assert counts_add_up(result)
    assert (result.model_calls.height, result.tool_calls.height, result.quarantine.height) == (19, 19, 0)
    facts = result.model_calls.group_by("session_id", maintain_order=True).agg(
        pl.len(),
        turns=pl.col("turn_id").n_unique(),
        first=pl.col("requested_at").min(),
        cached=pl.col("cache_read_tokens").sum(),
    )
    assert facts.select("len", "turns").rows() == [(9, 3), (10, 2)]
    raw = pl.read_parquet(path)
    assert facts["cached"].sum() == raw["prefix_tokens"].sum()
    assert result.model_calls["input_tokens"].sum() == raw["input_tokens_total"].sum()
    second = result.model_calls.filter(pl.col("requested_at") == datetime(2026, 6, 1, 5, 40, 50, 938_000, tzinfo=UTC))
    assert second.select("gap_s", "duration_s").row(0) == (
        19.291,
        13.924,
    )  # tool 19.291 s, then 05:41:04.862 - 05:40:50.938
