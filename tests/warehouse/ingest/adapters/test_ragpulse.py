"""The ragpulse adapter: components in order, both forms, the real week, and every way in which a row is refused."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.shared_data import shared_path
from tests.warehouse.ingest.seeds import RAGPULSE_LENGTHS, RAGPULSE_ROWS, lines, ragpulse_components, ragpulse_row
from tests.warehouse.ingest.trace_files import counts_add_up
from warehouse.ingest import UnreadableTrace, detect_format, ingest

NOON = datetime(2025, 3, 3, 12, tzinfo=UTC)


def rag_folder(folder: Path, rows: tuple[dict[str, Any], ...] = RAGPULSE_ROWS, *, components: bool = True) -> Path:
    for name, content in (ragpulse_components() if components else {}).items():
        (folder / name).write_bytes(content)
    (folder / "0_trace.jsonl").write_bytes(lines(rows))
    return folder


def parquet_form(folder: Path, rows: tuple[dict[str, Any], ...] = RAGPULSE_ROWS) -> Path:
    flat = [{**row, **row["hash_ids"], "timestamp": int(row["timestamp"])} for row in rows]
    empty = {"web_search": pl.List(pl.Int32)}
    pl.DataFrame(flat, schema_overrides=empty).drop("hash_ids").write_parquet(folder / "r_requests.parquet")
    lengths = {"hash_id": list(RAGPULSE_LENGTHS), "token_length": list(RAGPULSE_LENGTHS.values())}
    pl.DataFrame(lengths).write_parquet(folder / "r_components.parquet")
    return folder / "r_requests.parquet"


def test_a_good_file_comes_out_row_by_row(tmp_path: Path) -> None:
    result = ingest("ragpulse", rag_folder(tmp_path), anchor=date(2025, 3, 3))
    assert counts_add_up(result)
    short = result.source_id[:8]
    facts = [
        "call_id", "session_id", "turn_id", "requested_at", "input_tokens", "starts_after_call_id", "gap_s",
        "parent_call_id", "shared_prefix_tokens",
    ]  # fmt: skip
    assert result.model_calls.select(facts).rows() == [
        (f"{short}-1", f"{short}-a-1", 0, NOON + timedelta(seconds=27), 1140, None, None, None, 0),
        # system prompt 512 + 100 and both passages 300 + 200, then another history
        (f"{short}-2", f"{short}-a-1", 1, NOON + timedelta(seconds=64), 1200, f"{short}-1", None, f"{short}-1", 1112),
        (f"{short}-3", f"{short}-b-2", 0, NOON + timedelta(seconds=70), 1020, None, None, f"{short}-2", 912),
    ]
    assert set(result.sessions["surface"]) == {"always_on_assistant"}


def test_both_forms_and_the_folder_give_the_same_calls(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    folder, table = rag_folder(tmp_path), parquet_form(tmp_path / "p")
    facts = ["requested_at", "input_tokens", "output_tokens", "shared_prefix_tokens", "turn_id"]
    from_lines = ingest("ragpulse", folder / "0_trace.jsonl").model_calls.select(facts)
    assert ingest("ragpulse", table).model_calls.select(facts).equals(from_lines)
    assert ingest("ragpulse", folder).model_calls.select(facts).equals(from_lines)
    assert {detect_format(path) for path in (folder, folder / "0_trace.jsonl", table)} == {"ragpulse"}


def test_without_component_files_the_shared_tokens_are_unknown(tmp_path: Path) -> None:
    result = ingest("ragpulse", rag_folder(tmp_path, components=False))
    assert result.model_calls["shared_prefix_tokens"].null_count() == 3
    assert any("no component files" in note for note in result.notes)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"timestamp": "soon"}, "timestamp_is_number"),
        ({"timestamp": -3}, "timestamp_is_plausible"),
        ({"input_length": 12.5}, "token_count_is_integer"),
        ({"output_length": -1}, "token_count_not_negative"),
        ({"session_id": None}, "session_is_told"),
        ({"hash_ids": None}, "hash_ids_are_integers"),
        ({"hash_ids": {"sys_prompt": [1]}}, "hash_ids_are_integers"),
        ({"input_length": 1000}, "hash_ids_match_length"),
        ({"input_length": 3000}, "hash_ids_match_length"),
    ],
)
def test_a_bad_row_goes_to_quarantine_with_its_rule_and_the_good_rows_stay(
    tmp_path: Path, changes: dict[str, Any], rule: str
) -> None:
    bad = {**ragpulse_row(66, "a-1", tokens=1140), **changes}
    result = ingest("ragpulse", rag_folder(tmp_path, (*RAGPULSE_ROWS[:2], bad, RAGPULSE_ROWS[2])))
    assert counts_add_up(result)
    assert result.quarantine.select("row_number", "rule").rows() == [(3, rule)]
    assert result.model_calls.height == 3


def test_an_id_of_no_component_goes_to_quarantine(tmp_path: Path) -> None:
    bad = ragpulse_row(66, "a-1", tokens=1140, history=[999])
    result = ingest("ragpulse", rag_folder(tmp_path, (*RAGPULSE_ROWS, bad)))
    assert result.quarantine.select("row_number", "rule").rows() == [(4, "hash_ids_are_known")]


def test_broken_component_lines_are_counted_and_what_hangs_on_them_is_refused(tmp_path: Path) -> None:
    rag_folder(tmp_path)
    (tmp_path / "3_history.jsonl").write_text('{"history_id": 20, "token_le\n[1]\n', encoding="utf-8")
    with pytest.raises(UnreadableTrace, match="hash_ids_are_known"):
        ingest("ragpulse", tmp_path)
    (tmp_path / "4_user_input.jsonl").write_bytes(
        lines([{"user_input_id": each, "token_length": RAGPULSE_LENGTHS[each]} for each in (20, 21, 30, 31)])
    )
    result = ingest("ragpulse", tmp_path)
    assert result.model_calls.height == 3
    assert any("2 rows of the component files" in note for note in result.notes)


def test_lacking_keys_are_named(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"timestamp": 1}\n', encoding="utf-8")
    with pytest.raises(UnreadableTrace, match="a ragpulse trace has timestamp"):
        ingest("ragpulse", tmp_path / "x.jsonl")


def test_the_real_week_is_taken_whole() -> None:
    path = shared_path("data/traces/ragpulse_requests.parquet")
    result = ingest("ragpulse", path)
    assert counts_add_up(result)
    assert (result.model_calls.height, result.quarantine.height, result.sessions.height) == (7_106, 0, 3_990)
    assert result.model_calls["call_id"].n_unique() == 7_106
    spanned = result.model_calls["requested_at"].max() - result.model_calls["requested_at"].min()  # type: ignore[operator]
    assert spanned == timedelta(seconds=604_603)
    in_order = result.model_calls.filter(pl.col("parent_call_id").is_not_null())
    asked = dict(result.model_calls.select("call_id", "requested_at").iter_rows())
    assert all(asked[parent] <= at for parent, at in in_order.select("parent_call_id", "requested_at").iter_rows())


def test_the_shared_tokens_of_the_real_trace_are_those_of_comparing_every_pair() -> None:
    rows = pl.read_parquet(shared_path("data/traces/ragpulse_requests.parquet")).sort("timestamp", maintain_order=True)
    lengths = dict(
        pl.read_parquet(shared_path("data/traces/ragpulse_components.parquet"))
        .select("hash_id", "token_length")
        .iter_rows()
    )
    parts = ("sys_prompt", "passages_ids", "history", "web_search", "user_input")
    prompts = [[each for part in parts for each in row[part]] for row in rows.head(300).to_dicts()]

    def shared(one: list[int], other: list[int]) -> int:
        count = next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), None)
        return sum(lengths[each] for each in one[: min(len(one), len(other)) if count is None else count])

    expected = [
        max((shared(prompt, before) for before in prompts[:at]), default=0) for at, prompt in enumerate(prompts)
    ]
    calls = ingest("ragpulse", shared_path("data/traces/ragpulse_requests.parquet")).model_calls
    first = calls.sort("requested_at", pl.col("call_id").str.split("-").list.last().cast(pl.Int64)).head(300)
    assert first["shared_prefix_tokens"].to_list() == expected
