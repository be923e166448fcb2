"""The mooncake adapter: lineage of a known trace, units, and every way in which a row or a file is refused."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from tests.warehouse.ingest.trace_files import MOONCAKE_ROWS, counts_add_up, mooncake_file, mooncake_row
from warehouse.ingest import UnreadableTrace, ingest


def test_a_good_file_comes_out_row_by_row(tmp_path: Path) -> None:
    result = ingest("mooncake", mooncake_file(tmp_path), anchor=date(2025, 3, 3))
    assert counts_add_up(result)
    id_of = {at: f"{result.source_id[:8]}-{at}" for at in range(1, 6)}
    facts = ["call_id", "input_tokens", "output_tokens", "parent_call_id", "shared_prefix_tokens"]
    assert result.model_calls.select(facts).rows() == [
        (id_of[1], 1500, 7, None, 0),
        (id_of[2], 1000, 7, id_of[1], 512),
        (id_of[3], 2048, 7, id_of[1], 1536),
        (id_of[4], 1000, 7, id_of[2], 1000),  # two blocks are 1024 tokens, the prompt has 1000
        (id_of[5], 10, 7, None, 0),
    ]
    assert result.model_calls["requested_at"].to_list() == [
        datetime(2025, 3, 3, 0, 0, second, tzinfo=UTC) for second in (0, 0, 3, 6, 9)
    ]
    assert set(result.sessions["surface"]) == {"long_context_chat"}


def test_the_parquet_form_gives_the_same_calls_as_the_json_lines(tmp_path: Path) -> None:
    pl.DataFrame(MOONCAKE_ROWS).write_parquet(tmp_path / "trace.parquet")
    facts = ["requested_at", "input_tokens", "output_tokens", "shared_prefix_tokens", "surface"]
    from_parquet = ingest("mooncake", tmp_path / "trace.parquet").model_calls
    assert from_parquet.select(facts).equals(ingest("mooncake", mooncake_file(tmp_path)).model_calls.select(facts))


def test_rows_out_of_time_order_are_sorted_before_prefixes_are_compared(tmp_path: Path) -> None:
    rows = (mooncake_row(5000, blocks=(0, 1)), mooncake_row(0, blocks=(0, 1, 2)))
    calls = ingest("mooncake", mooncake_file(tmp_path, rows)).model_calls
    assert calls.select("input_tokens", "shared_prefix_tokens").rows() == [(1536, 0), (1024, 1024)]


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (mooncake_row(5, blocks=(0, 1), tokens=1025), "hash_ids_match_length"),
        (mooncake_row(5, blocks=(), tokens=100), "hash_ids_match_length"),
        (mooncake_row(5, blocks=(), tokens=0), "input_not_empty"),
        (mooncake_row(5, blocks=(), tokens=-4), "token_count_not_negative"),
        (mooncake_row(5, out=-1), "token_count_not_negative"),
        ({**mooncake_row(5), "input_length": 1024.5}, "token_count_is_integer"),
        ({**mooncake_row(5), "input_length": "1024"}, "token_count_is_integer"),
        ({**mooncake_row(5), "input_length": True}, "token_count_is_integer"),
        ({**mooncake_row(5), "output_length": None}, "token_count_is_integer"),
        ({**mooncake_row(5), "hash_ids": [1, "a"]}, "hash_ids_are_integers"),
        ({**mooncake_row(5), "hash_ids": "12"}, "hash_ids_are_integers"),
        ({**mooncake_row(5), "hash_ids": None}, "hash_ids_are_integers"),
        ({**mooncake_row(5), "hash_ids": [1, 10**30]}, "hash_ids_are_integers"),
        ({**mooncake_row(5), "timestamp": "soon"}, "timestamp_is_number"),
        ({**mooncake_row(5), "timestamp": -1}, "timestamp_is_plausible"),
        ({**mooncake_row(5), "timestamp": 1e17}, "timestamp_is_plausible"),
        ('{"timestamp": 5, "input_len', "row_is_readable"),
        ("[1, 2]", "row_is_readable"),
        ('{"timestamp": NaN, "input_length": 5, "output_length": 5, "hash_ids": [1]}', "timestamp_is_number"),
        ('{"timestamp": 1, "x": ' + "[" * 100_000 + "]" * 100_000 + "}", "row_is_readable"),
        ('{"timestamp": 1, "x": "' + "y" * 10_000_000, "row_is_readable"),
        (json.dumps({"timestamp": 1, "x": "y" * 1_000_000}), "token_count_is_integer"),
    ],
)
def test_a_bad_row_goes_to_quarantine_with_its_rule_and_the_good_rows_stay(
    tmp_path: Path, row: object, rule: str
) -> None:
    many = tuple(mooncake_row(1000 * at) for at in range(40))
    result = ingest("mooncake", mooncake_file(tmp_path, (*many, row, mooncake_row(41_000))))
    assert counts_add_up(result)
    assert result.quarantine.select("row_number", "rule").rows() == [(41, rule)]
    assert result.model_calls.height == 41


def test_a_truncated_last_line_and_bytes_that_are_not_utf8_go_to_quarantine(tmp_path: Path) -> None:
    path = mooncake_file(tmp_path)
    path.write_bytes(path.read_bytes() + b'{"timestamp": 1, "x": "\xff"}\n' + b'{"timestamp": 9000, "inp')
    result = ingest("mooncake", path)
    assert counts_add_up(result)
    assert result.quarantine["row_number"].to_list() == [6, 7]
    assert "UTF-8" in result.quarantine["reason"][0]
    assert "cut short" in result.quarantine["reason"][1]


def test_a_file_with_one_bad_line_gives_the_good_rows_the_values_of_the_fast_path(tmp_path: Path) -> None:
    clean = ingest("mooncake", mooncake_file(tmp_path)).model_calls
    marred = ingest("mooncake", mooncake_file(tmp_path, (*MOONCAKE_ROWS, "{"), name="b.jsonl")).model_calls
    facts = ["requested_at", "input_tokens", "output_tokens", "shared_prefix_tokens"]
    assert marred.select(facts).equals(clean.select(facts))


def test_content_keys_are_dropped_and_named(tmp_path: Path) -> None:
    rows = ({**MOONCAKE_ROWS[0], "prompt": "my secret"}, {**mooncake_row(4, out=-1), "prompt": "my secret"})
    result = ingest("mooncake", mooncake_file(tmp_path, rows))
    assert any("prompt" in note for note in result.notes)
    assert "secret" not in str(result.quarantine.rows()) + str(result.model_calls.rows())


def rate(step: float, start: float = 0) -> tuple[dict[str, object], ...]:
    return tuple(mooncake_row(start + at * step) for at in range(100))


@pytest.mark.parametrize(
    ("rows", "guess"),
    [
        (rate(0.3), "looks like seconds"),
        (rate(3e8), "looks like nanoseconds"),
        (rate(1, start=1_700_000_000), "Unix seconds"),
        (rate(300, start=1_700_000_000_000), "Unix milliseconds"),
        (rate(300_000_000, start=1.7e18), "Unix nanoseconds"),
    ],
)
def test_times_in_another_unit_are_refused_with_the_guess(
    tmp_path: Path, rows: tuple[dict[str, object], ...], guess: str
) -> None:
    with pytest.raises(UnreadableTrace, match=guess):
        ingest("mooncake", mooncake_file(tmp_path, rows))


def test_microseconds_are_told_from_nanoseconds_by_the_rate_that_they_would_mean(tmp_path: Path) -> None:
    rows = tuple(mooncake_row(at * 1.8e6, blocks=(at,)) for at in range(4000))  # 1.8 s apart, or 556 a second in ns
    with pytest.raises(UnreadableTrace, match="looks like microseconds"):
        ingest("mooncake", mooncake_file(tmp_path, rows))


def test_three_calls_a_second_in_milliseconds_are_accepted(tmp_path: Path) -> None:
    assert ingest("mooncake", mooncake_file(tmp_path, rate(300))).model_calls.height == 100


def test_unknown_keys_are_named_beside_those_expected(tmp_path: Path) -> None:
    with pytest.raises(UnreadableTrace, match=r"'chat_id'.*timestamp, input_length, output_length, hash_ids"):
        ingest("mooncake", mooncake_file(tmp_path, ({"chat_id": 1},)))


@pytest.mark.parametrize("body", ["", "\n\n", "{", "[]", json.dumps(mooncake_row(0, out=-1))])
def test_a_file_without_one_usable_row_is_refused_as_a_whole(tmp_path: Path, body: str) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text(body, encoding="utf-8")
    with pytest.raises(UnreadableTrace):
        ingest("mooncake", path)
