"""The otlp adapter: each convention row by row, what is refused, and what must never get through."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.warehouse.ingest.otlp_files import (
    CHAT,
    CLAUDE,
    CODEX,
    GEN_AI,
    OPENINFERENCE,
    logs_of,
    otlp_file,
    span,
    spans_of,
)
from tests.warehouse.ingest.trace_files import counts_add_up
from warehouse.ingest import Ingested, UnreadableTrace, detect_format, ingest

COUNTS = ["input_tokens", "cache_read_tokens", "output_tokens", "reasoning_tokens"]


def read(folder: Path, *documents: object) -> Ingested:
    path = otlp_file(folder, *documents)
    assert detect_format(path) == "otlp"
    result = ingest("otlp", path)
    assert counts_add_up(result)
    return result


def seconds(name: str) -> pl.Expr:
    return ((pl.col(name) - pl.datetime(2026, 5, 28, 20, 26, 40, time_zone="UTC")).dt.total_microseconds() / 1e6).alias(
        name
    )


def test_gen_ai_spans_come_out_row_by_row_with_old_and_new_names(tmp_path: Path) -> None:
    result = read(tmp_path, GEN_AI)
    calls = result.model_calls
    assert calls.select(*COUNTS, "status", "finish_reason").rows() == [
        (1000, 600, 50, 20, "ok", "tool_calls"),
        (300, None, 7, None, "ok", None),
        (1100, None, None, None, "error", None),
        (None, None, None, None, "rate_limited", None),
    ]
    assert calls.select(seconds("requested_at"), "duration_s", "ttft_s", "gap_s", "step_index").rows() == [
        (0.0, 4.0, 1.5, None, 0),
        (8.0, 4.0, None, 4.0, 1),
        (22.0, 3.0, None, 18.0, 2),
        (26.0, 0.5, None, 1.0, 3),
    ]
    assert calls["agent_id"].to_list() == [None, "searcher", None, None]
    assert result.rows_kept == 7
    assert any("2 of 4 calls are incomplete" in note for note in result.notes)


def test_a_tool_span_belongs_to_the_call_before_it(tmp_path: Path) -> None:
    result = read(tmp_path, GEN_AI)
    tools = result.tool_calls.select("call_id", "kind", seconds("started_at"), "duration_s", "ok").rows()
    assert tools == [(result.model_calls["call_id"][0], "grep", 4.5, 2.0, True)]


def test_openinference_counts_the_innermost_call_alone(tmp_path: Path) -> None:
    result = read(tmp_path, OPENINFERENCE)
    assert result.model_calls.select(*COUNTS, "model").rows() == [(80, 16, 9, None, "m-2")]
    assert result.model_calls["session_id"][0].endswith("-s9")
    assert result.tool_calls.select("kind", "ok").rows() == [("sql", False)]
    assert any("1 spans around another span" in note for note in result.notes)


def test_claude_codes_cached_tokens_are_added_to_its_input(tmp_path: Path) -> None:
    result = read(tmp_path, CLAUDE)
    facts = [*COUNTS, "status", "turn_id", "duration_s", "ttft_s", "surface"]
    assert result.model_calls.select(facts).rows() == [
        (1000, 900, 20, None, "ok", 0, 4.0, 0.9, "codex_loop"),
        (None, None, None, None, "rate_limited", 1, 0.5, None, "codex_loop"),
    ]
    assert result.model_calls.select(seconds("requested_at")).to_series().to_list() == [1.0, 8.5]
    assert result.tool_calls.select("kind", seconds("started_at"), "duration_s", "ok").rows() == [
        ("Bash", 5.5, 1.5, True)
    ]


def test_codexs_request_and_its_completion_are_one_call_and_its_cached_tokens_part_of_the_input(tmp_path: Path) -> None:
    result = read(tmp_path, CODEX)
    assert result.model_calls.select(*COUNTS, "turn_id", "duration_s", "model").rows() == [
        (500, 400, 40, 30, 0, 5.5, "gpt"),
        (None, None, None, None, 1, None, None),  # no completion came: unknown, not 0
    ]
    assert result.tool_calls.select("kind", "ok").rows() == [("shell", False)]
    assert result.rows_kept == 7


def test_anthropic_spans_that_count_apart_are_told_by_any_one_of_them(tmp_path: Path) -> None:
    claude = {**CHAT, "gen_ai.provider.name": "anthropic"}
    apart = {"gen_ai.usage.input_tokens": 5, "gen_ai.usage.cache_read.input_tokens": 900}
    unclear = {"gen_ai.usage.input_tokens": 900, "gen_ai.usage.cache_read.input_tokens": 100}
    mixed = spans_of(span("a", 0, 1, {**claude, **apart}), span("b", 2, 3, {**claude, **unclear}))
    assert read(tmp_path, mixed).model_calls["input_tokens"].to_list() == [905, 1000]
    inclusive = spans_of(span("b", 2, 3, {**claude, **unclear}))
    assert read(tmp_path, inclusive).model_calls["input_tokens"].to_list() == [900]


def test_one_document_lines_and_a_list_of_documents_give_the_same_calls(tmp_path: Path) -> None:
    lines = read(tmp_path, GEN_AI).model_calls
    for text in (json.dumps(GEN_AI, indent=2), json.dumps([GEN_AI])):
        other = read(tmp_path, text).model_calls
        assert other.drop("call_id", "session_id", "source_id", "starts_after_call_id").equals(
            lines.drop("call_id", "session_id", "source_id", "starts_after_call_id")
        )


def test_what_people_wrote_never_gets_through_and_its_names_are_noted(tmp_path: Path) -> None:
    result = read(tmp_path, GEN_AI, CLAUDE)
    for frame in (result.model_calls, result.tool_calls, result.sessions, result.quarantine):
        assert "secret" not in str(frame.rows())
    assert any("gen_ai.input.messages" in note for note in result.notes)


def test_people_are_hashed(tmp_path: Path) -> None:
    result = read(tmp_path, spans_of(span("a", 0, 1, {**CHAT, "user.id": "ada", "organization.id": "acme"})))
    row = result.model_calls.row(0, named=True)
    assert "ada" not in row["client_id"]
    assert row["client_id"] != row["tenant_id"]
    assert "acme" not in row["tenant_id"]


GOOD = span("good", 0, 1, {**CHAT, "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 2})


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        (span("x", 0, 1, {**CHAT, "gen_ai.usage.input_tokens": -1}), "token_count_is_plausible"),
        (span("x", 0, 1, {**CHAT, "gen_ai.usage.input_tokens": 10**12}), "token_count_is_plausible"),
        (span("x", 0, 1, {**CHAT, "gen_ai.usage.input_tokens": "many"}), "token_count_is_integer"),
        (span("x", 0, 1, {**CHAT, "gen_ai.usage.input_tokens": 1.5}), "token_count_is_integer"),
        (span("x", 0, 1, {**CHAT, "gen_ai.response.time_to_first_chunk": -1.0}), "latency_is_number"),
        (span("x", 5, 1, CHAT), "ends_not_before_start"),
        (span("x", 0, 1e6, CHAT), "ends_not_before_start"),
        (span("x", 0, 1, CHAT, startTimeUnixNano="1780000000", endTimeUnixNano="1780000001"), "time_is_plausible"),
        (span("x", 0, 1, CHAT, startTimeUnixNano="soon"), "time_is_told"),
        (span("x", 0, 1, CHAT, endTimeUnixNano=None), "time_is_told"),
        (GOOD, "span_is_unique"),
        ("not an object", "record_is_readable"),
        (span("x", 0, 1, {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "t"}, traceId="t9"), "tool_has_call"),
        (span("x", 0, 1, {"gen_ai.operation.name": "execute_tool"}), "tool_is_told"),
        (span("x", 0, 2, {**CHAT, "gen_ai.response.time_to_first_chunk": 9.0}), "first_token_not_after_last"),
    ],
)  # fmt: skip
def test_a_bad_record_goes_to_quarantine_and_the_good_ones_stay(tmp_path: Path, bad: object, rule: str) -> None:
    result = read(tmp_path, spans_of(GOOD, bad))
    assert result.quarantine.select("row_number", "rule").rows() == [(2, rule)]
    assert result.model_calls.height == 1


def test_spans_whose_parents_lead_back_to_them_are_refused(tmp_path: Path) -> None:
    result = read(tmp_path, spans_of(GOOD, span("x", 0, 1, CHAT, parent="y"), span("y", 0, 1, CHAT, parent="x")))
    assert result.quarantine.select("row_number", "rule").rows() == [
        (2, "parent_links_have_no_cycle"),
        (3, "parent_links_have_no_cycle"),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"resourceSpans": [{"sco', "not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("x" * 10_000_000, "not JSON"),
        ('{"a": 1}', "neither resourceSpans nor resourceLogs"),
        ("17", "no export"),
    ],
)
def test_a_bad_line_goes_to_quarantine_and_the_good_ones_stay(tmp_path: Path, line: str, reason: str) -> None:
    result = read(tmp_path, spans_of(GOOD), line)
    assert result.quarantine["rule"].to_list() == ["record_is_readable"]
    assert reason in result.quarantine["reason"][0]


def test_bytes_that_are_not_utf8_go_to_quarantine(tmp_path: Path) -> None:
    path = otlp_file(tmp_path, spans_of(GOOD))
    path.write_bytes(path.read_bytes() + b'{"resourceLogs": ["\xff"]}\n')
    result = ingest("otlp", path)
    assert counts_add_up(result)
    assert "UTF-8" in result.quarantine["reason"][0]


@pytest.mark.parametrize("body", ["[]", '{"resourceSpans": []}', json.dumps(logs_of()), "{", "[1]"])
def test_an_export_without_a_call_is_refused(tmp_path: Path, body: str) -> None:
    with pytest.raises(UnreadableTrace, match="no usable model call"):
        ingest("otlp", otlp_file(tmp_path, body))


def test_a_repeated_event_is_refused(tmp_path: Path) -> None:
    known: dict[str, Any] = {"session.id": "cc", "event.sequence": 4, "input_tokens": 3, "duration_ms": 10}
    from tests.warehouse.ingest.otlp_files import log

    twice = logs_of(log("api_request", 1, known), log("api_request", 1, known), service="claude-code")
    assert read(tmp_path, twice).quarantine.select("row_number", "rule").rows() == [(2, "event_is_unique")]
