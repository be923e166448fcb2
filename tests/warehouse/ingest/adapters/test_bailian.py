"""The bailian adapter: chats by parent links, shared blocks, and every way in which a row or a chain is refused."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.warehouse.ingest.seeds import BAILIAN_ROWS, bailian_row
from tests.warehouse.ingest.trace_files import counts_add_up, mooncake_file
from warehouse.ingest import UnreadableTrace, detect_format, ingest


def bailian_file(folder: Path, rows: tuple[object, ...] = BAILIAN_ROWS, name: str = "qwen_traceA.jsonl") -> Path:
    return mooncake_file(folder, rows, name=name)


def numbers(ids: pl.Series) -> list[int | None]:
    return ids.str.split("-").list.last().cast(pl.Int64).to_list()


def test_a_good_file_comes_out_row_by_row(tmp_path: Path) -> None:
    result = ingest("bailian", bailian_file(tmp_path), anchor=date(2025, 3, 3))
    assert counts_add_up(result)
    calls = result.model_calls
    midnight = datetime(2025, 3, 3, tzinfo=UTC)
    assert numbers(calls["call_id"]) == [1, 3, 4, 5, 2, 6]
    assert calls["session_id"].str.slice(9).to_list() == ["c159"] * 4 + ["c160", "c172"]
    assert calls["requested_at"].to_list() == [
        midnight + timedelta(seconds=at) for at in (0.5, 61.114, 90.0, 95.0, 3.25, 96.0)
    ]
    assert calls["turn_id"].to_list() == [0, 1, 2, 2, 0, 4]
    assert calls["step_index"].to_list() == [0, 1, 2, 3, 0, 0]
    assert numbers(calls["starts_after_call_id"]) == [None, 1, 3, 3, None, None]
    assert calls["gap_s"].null_count() == 6
    assert numbers(calls["parent_call_id"]) == [None, 1, 3, 4, None, 5]
    assert calls["shared_prefix_tokens"].to_list() == [0, 48, 64, 64, 0, 32]


def test_the_parquet_form_gives_the_same_calls_as_the_json_lines(tmp_path: Path) -> None:
    pl.DataFrame(BAILIAN_ROWS).write_parquet(tmp_path / "b.parquet")
    facts = ["requested_at", "input_tokens", "output_tokens", "shared_prefix_tokens", "turn_id", "step_index"]
    path = bailian_file(tmp_path)
    from_parquet = ingest("bailian", tmp_path / "b.parquet").model_calls
    assert from_parquet.select(facts).equals(ingest("bailian", path).model_calls.select(facts))
    assert detect_format(path) == detect_format(tmp_path / "b.parquet") == "bailian"


def test_the_business_trace_counts_as_api_burst(tmp_path: Path) -> None:
    result = ingest("bailian", bailian_file(tmp_path, name="qwen_traceB_blksz_16.jsonl"))
    assert set(result.sessions["surface"]) == {"api_burst"}


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"timestamp": None}, "timestamp_is_number"),
        ({"timestamp": -1.0}, "timestamp_is_plausible"),
        ({"timestamp": 1e9}, "timestamp_is_plausible"),
        ({"input_length": -4}, "token_count_not_negative"),
        ({"input_length": 48.5}, "token_count_is_integer"),
        ({"output_length": "7"}, "token_count_is_integer"),
        ({"input_length": 0, "hash_ids": []}, "input_not_empty"),
        ({"chat_id": None}, "chat_is_told"),
        ({"parent_chat_id": "x"}, "chat_is_told"),
        ({"chat_id": 1}, "call_is_unique"),
        ({"turn": 0}, "turn_is_plausible"),
        ({"turn": 10**12}, "turn_is_plausible"),
        ({"hash_ids": [1, "a", 3]}, "hash_ids_are_integers"),
        ({"hash_ids": 7}, "hash_ids_are_integers"),
        ({"hash_ids": [1]}, "hash_ids_match_length"),
        ({"hash_ids": [1, 2, 3, 4]}, "hash_ids_match_length"),
        ({"parent_chat_id": 1}, "parents_end_in_a_root"),
        ({"parent_chat_id": 2, "timestamp": 15.0}, "parent_comes_first"),
    ],
)
def test_a_bad_row_goes_to_quarantine_with_its_rule_and_the_good_rows_stay(
    tmp_path: Path, changes: dict[str, Any], rule: str
) -> None:
    rows = [bailian_row(number, timestamp=10.0 * number) for number in range(1, 6)]
    rows[2] = {**rows[2], "chat_id": 1 if rule == "parents_end_in_a_root" else 3, **changes}
    if rule == "parents_end_in_a_root":
        rows[2]["chat_id"], rows[2]["parent_chat_id"] = 3, 3
    result = ingest("bailian", bailian_file(tmp_path, tuple(rows)))
    assert counts_add_up(result)
    assert result.quarantine.select("row_number", "rule").rows() == [(3, rule)]
    assert result.model_calls.height == 4


@pytest.mark.parametrize(
    "line", ["{", "[1]", '{"chat_id": 1, "x": ' + "[" * 100_000 + "]" * 100_000 + "}", "{" + " " * 10_000_000]
)
def test_a_line_that_cannot_be_read_goes_to_quarantine(tmp_path: Path, line: str) -> None:
    result = ingest("bailian", bailian_file(tmp_path, (*BAILIAN_ROWS, line)))
    assert counts_add_up(result)
    assert result.quarantine.select("row_number", "rule").rows() == [(7, "row_is_readable")]


def test_a_circle_of_parents_goes_to_quarantine_with_all_that_hang_on_it(tmp_path: Path) -> None:
    ring = tuple(bailian_row(50 + at, 50 + (at + 1) % 5, timestamp=5.0) for at in range(5))
    hanging = (bailian_row(60, 52, 6.0), bailian_row(61, 60, 7.0))
    result = ingest("bailian", bailian_file(tmp_path, (*BAILIAN_ROWS, *ring, *hanging)))
    assert counts_add_up(result)
    assert result.quarantine["rule"].to_list() == ["parents_end_in_a_root"] * 7
    assert result.model_calls.height == 6


def test_a_long_chain_is_one_session_in_order(tmp_path: Path) -> None:
    chain = tuple(bailian_row(at, at - 1 if at else -1, float(at), turn=at + 1) for at in range(9_000))
    result = ingest("bailian", bailian_file(tmp_path, chain))
    assert result.sessions["call_count"].to_list() == [9_000]
    assert numbers(result.model_calls["call_id"]) == list(range(1, 9_001))
    assert numbers(result.model_calls["starts_after_call_id"])[1:] == list(range(1, 9_000))


def test_content_keys_are_dropped_and_named(tmp_path: Path) -> None:
    rows = ({**BAILIAN_ROWS[0], "prompt": "my secret"}, {**bailian_row(7, timestamp=-1), "prompt": "my secret"})
    result = ingest("bailian", bailian_file(tmp_path, rows))
    assert any("prompt" in note for note in result.notes)
    assert "secret" not in str(result.quarantine.rows()) + str(result.model_calls.rows())


def test_times_in_milliseconds_are_refused_with_the_guess(tmp_path: Path) -> None:
    rows = tuple(bailian_row(at, timestamp=at * 100_000.0) for at in range(100))
    with pytest.raises(UnreadableTrace, match="milliseconds"):
        ingest("bailian", bailian_file(tmp_path, rows))


def test_lacking_keys_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableTrace, match="lacking for a bailian trace: parent_chat_id"):
        ingest("bailian", bailian_file(tmp_path, (json.dumps({"chat_id": 1}),)))
