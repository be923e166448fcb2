"""The dynamo adapter: sessions, sub-agents, lineage and tools of a known trace, and what is refused."""

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.shared_data import shared_path
from tests.warehouse.ingest.dynamo_files import (
    BEGIN_MS,
    DYNAMO_EVENTS,
    dynamo_file,
    dynamo_lines,
    flattened,
    request,
    tool,
)
from tests.warehouse.ingest.trace_files import counts_add_up
from warehouse.ingest import Ingested, UnreadableTrace, detect_format, ingest

FACTS = [
    "agent_id", "turn_id", "step_index", "requested_at", "input_tokens", "cache_read_tokens", "output_tokens",
    "shared_prefix_tokens", "gap_s", "queue_s", "ttft_s", "duration_s", "status",
]  # fmt: skip


def read(path: Path) -> Ingested:
    assert detect_format(path) == "dynamo"
    result = ingest("dynamo", path)
    assert counts_add_up(result)
    return result


def test_a_good_trace_comes_out_row_by_row(tmp_path: Path) -> None:
    result = read(dynamo_file(tmp_path))
    calls = result.model_calls
    assert result.rows_read == result.rows_kept == 9
    short = result.source_id[:8]
    facts = ["call_id", "session_id", "agent_id", "turn_id", "input_tokens", "cache_read_tokens", "output_tokens"]
    assert calls.select(facts).rows() == [
        (f"{short}-1", f"{short}-root", None, 0, 48, 0, 5),
        (f"{short}-4", f"{short}-root", None, 0, 64, 48, 5),
        (f"{short}-5", f"{short}-root", "sub", 0, 32, 0, 5),
        (f"{short}-7", f"{short}-root", "sub", 0, 48, 0, 5),
        (f"{short}-8", f"{short}-root", None, 1, 48, 0, 5),  # no tool led to it: a human did
        (f"{short}-9", f"{short}-request-x", None, 0, 16, 0, None),
    ]
    assert calls.select("parent_call_id", "shared_prefix_tokens").rows() == [
        (None, 0),
        (f"{short}-1", 48),
        (None, 0),
        (f"{short}-5", 32),
        (f"{short}-4", 32),  # of two equal prefixes the latest
        (None, 0),
    ]
    assert calls.select("starts_after_call_id", "gap_s").rows() == [
        (None, None),
        (f"{short}-1", 0.7),
        (f"{short}-4", 0.3),  # the sub-agent began after the call that had ended
        (f"{short}-5", 1.0),
        (f"{short}-4", 55.3),
        (None, None),
    ]
    assert calls.select("queue_s", "ttft_s", "duration_s").unique().rows() == [(0.1, 0.4, 2.0)]
    assert calls["requested_at"][0].timestamp() * 1000 == BEGIN_MS


def test_tools_belong_to_the_calls_that_asked_for_them(tmp_path: Path) -> None:
    result = read(dynamo_file(tmp_path))
    short = result.source_id[:8]
    assert result.tool_calls.select("call_id", "kind", "duration_s", "ok").rows() == [
        (f"{short}-1", "grep", 0.5, True),
        (f"{short}-5", "grep", 0.5, False),
    ]


def test_gzip_shards_wrapped_events_and_the_flattened_table_give_the_same_calls(tmp_path: Path) -> None:
    facts = read(dynamo_file(tmp_path)).model_calls.select(FACTS)
    packed = tmp_path / "trace.000000.jsonl.gz"
    packed.write_bytes(gzip.compress(dynamo_lines(*DYNAMO_EVENTS).encode()))
    flattened().write_parquet(tmp_path / "events.parquet")
    wrapped = dynamo_file(tmp_path, *({"timestamp": 1, "event": event} for event in DYNAMO_EVENTS), name="w.jsonl")
    shards = tmp_path / "shards"
    shards.mkdir()
    for at, part in enumerate((DYNAMO_EVENTS[:4], DYNAMO_EVENTS[4:])):
        (shards / f"trace.{at:06d}.jsonl.gz").write_bytes(gzip.compress(dynamo_lines(*part).encode()))
    for path in (packed, tmp_path / "events.parquet", wrapped, shards):
        assert read(path).model_calls.select(FACTS).equals(facts)


GOOD = request("good", 0, [1, 2])


def changed(**changes: Any) -> dict[str, Any]:
    return request("x", 5000, [1, 2], **changes)


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        (changed(input_tokens=100), "hash_ids_match_length"),
        (changed(replay={"trace_block_size": 0, "input_sequence_hashes": [1, 2]}), "hash_ids_match_length"),
        (changed(replay={"trace_block_size": 16, "input_sequence_hashes": [1, "a"]}), "hash_ids_are_integers"),
        (changed(replay={"trace_block_size": 16, "input_sequence_hashes": [1, 2**64]}), "hash_ids_are_integers"),
        (changed(output_tokens=-1), "token_count_is_plausible"),
        (changed(output_tokens="5"), "token_count_is_plausible"),
        (changed(output_tokens=2.5), "token_count_is_plausible"),
        (changed(output_tokens=10**12), "token_count_is_plausible"),
        (changed(input_tokens=0, replay={}), "input_not_empty"),
        (changed(request_received_ms=BEGIN_MS / 1000), "time_is_plausible"),
        (changed(request_received_ms=BEGIN_MS * 1000), "time_is_plausible"),
        (changed(request_received_ms="soon"), "time_is_plausible"),
        (changed(ttft_ms=-1), "latency_is_plausible"),
        (changed(total_time_ms=1e12), "latency_is_plausible"),
        (changed(ttft_ms=9000.0), "first_token_not_after_last"),
        (changed(cached_tokens=33), "cached_tokens_within_input"),
        (GOOD, "call_is_unique"),
        ({**changed(), "schema": "dynamo.other.v1"}, "schema_is_known"),
        ({**changed(), "event_type": None}, "event_has_type"),
        (request("x", 1, [1], session="a", parent="a"), "parent_links_have_no_cycle"),
        (tool("t", 5000, session="nobody"), "tool_has_call"),
        (tool("t", 5000, tool_class=None), "tool_is_told"),
        (tool("t", 5000, duration_ms=-1), "latency_is_plausible"),
        ("[1]", "event_is_readable"),
        ('{"schema": "dynamo.request.tr', "event_is_readable"),
        ("[" * 100_000, "event_is_readable"),
        (json.dumps({"x": "y" * 10_000_000}), "event_is_readable"),
        ("x" * 10_000_000, "event_is_readable"),
    ],
)
def test_a_bad_event_goes_to_quarantine_and_the_good_ones_stay(tmp_path: Path, bad: object, rule: str) -> None:
    result = read(dynamo_file(tmp_path, GOOD, bad))
    assert result.quarantine.select("row_number", "rule").rows() == [(2, rule)]
    assert result.model_calls.height == 1


def test_sessions_whose_parents_lead_back_are_refused(tmp_path: Path) -> None:
    pair = (request("a", 1, [1], session="a", parent="b"), request("b", 1, [1], session="b", parent="a"))
    result = read(dynamo_file(tmp_path, GOOD, *pair))
    assert result.quarantine["rule"].to_list() == ["parent_links_have_no_cycle"] * 2


def test_bytes_that_are_not_utf8_and_a_cut_gzip_file_are_refused(tmp_path: Path) -> None:
    path = dynamo_file(tmp_path, GOOD)
    path.write_bytes(path.read_bytes() + b'{"schema": "\xff"}\n')
    assert "UTF-8" in read(path).quarantine["reason"][0]
    packed = tmp_path / "cut.jsonl.gz"
    packed.write_bytes(gzip.compress(dynamo_lines(GOOD).encode())[:-9])
    with pytest.raises(UnreadableTrace, match="damaged gzip"):
        ingest("dynamo", packed)


def test_a_cancelled_answer_keeps_its_partial_count_and_says_so(tmp_path: Path) -> None:
    cut = changed(finish_reason_metadata={"finish_reason": "cancelled"})
    assert read(dynamo_file(tmp_path, cut)).model_calls.select("status", "output_tokens").rows() == [("user_cancel", 5)]


@pytest.mark.parametrize("body", ["{}", "[]", json.dumps(tool("t", 0))])
def test_a_file_without_a_request_is_refused(tmp_path: Path, body: str) -> None:
    with pytest.raises(UnreadableTrace, match="no usable request_end"):
        ingest("dynamo", dynamo_file(tmp_path, body))


def test_the_public_agent_trace_keeps_every_event() -> None:
    path = shared_path("data/traces/dynamo_pi_agent_events.parquet")
    result = read(path)
    raw = pl.read_parquet(path)
    assert result.rows_read == result.rows_kept == raw.height == 61
    assert (result.model_calls.height, result.tool_calls.height, result.sessions.height) == (17, 22, 2)
    assert result.model_calls["input_tokens"].sum() == raw["input_tokens"].sum()
    assert result.tool_calls["ok"].sum() == 20
    held = (pl.col("cache_read_tokens") - pl.col("shared_prefix_tokens")).filter(pl.col("agent_id").is_null())
    assert (
        result.model_calls.select(held).to_series() >= -48
    ).all()  # the server kept what lineage says, but for parts
