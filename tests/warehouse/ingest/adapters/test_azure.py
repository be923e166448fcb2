"""The azure adapter: every cell of a good file, and every way in which a row or a file is refused."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from tests.warehouse.ingest.trace_files import AZURE_HEADER, AZURE_ROWS, azure_file, counts_add_up
from warehouse.contracts import Surface
from warehouse.ingest import UnreadableTrace, ingest


def rules(path: Path) -> list[tuple[int, str]]:
    result = ingest("azure", path)
    assert counts_add_up(result)
    return list(result.quarantine.select("row_number", "rule").rows())


def test_a_good_file_comes_out_row_by_row(tmp_path: Path) -> None:
    result = ingest("azure", azure_file(tmp_path))
    assert counts_add_up(result)
    assert result.rows_read == 3
    assert result.model_calls.select("requested_at", "input_tokens", "output_tokens").rows() == [
        (datetime(2023, 11, 16, 18, 15, 46, 680590, tzinfo=UTC), 374, 44),
        (datetime(2023, 11, 16, 18, 15, 50, 995169, tzinfo=UTC), 396, 109),
        (datetime(2023, 11, 16, 18, 15, 51, 222467, tzinfo=UTC), 879, 55),
    ]
    short = result.source_id[:8]
    assert result.model_calls["call_id"].to_list() == [f"{short}-1", f"{short}-2", f"{short}-3"]
    assert result.model_calls["session_id"].n_unique() == 3
    assert set(result.model_calls["tenant_id"]) == {"unknown"}
    assert result.model_calls["shared_prefix_tokens"].null_count() == 3
    assert result.model_calls["cache_read_tokens"].null_count() == 3
    assert result.tool_calls.is_empty()


def test_the_parquet_form_gives_the_same_calls_as_the_csv(tmp_path: Path) -> None:
    from_csv = ingest("azure", azure_file(tmp_path)).model_calls
    times = [row.split(",")[0][:26] for row in AZURE_ROWS]
    frame = pl.DataFrame({"TIMESTAMP": times, "ContextTokens": [374, 396, 879], "GeneratedTokens": [44, 109, 55]})
    stamped = frame.with_columns(pl.col("TIMESTAMP").str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="ns"))
    stamped.write_parquet(tmp_path / "conv.parquet")
    from_parquet = ingest("azure", tmp_path / "conv.parquet").model_calls
    facts = ["requested_at", "input_tokens", "output_tokens", "surface", "service_tier", "day"]
    assert from_parquet.select(facts).equals(from_csv.select(facts))


@pytest.mark.parametrize(
    ("name", "surface"), [("AzureLLMInferenceTrace_code.csv", "api_burst"), ("conv.csv", "long_context_chat")]
)
def test_the_surface_follows_the_file_name(tmp_path: Path, name: str, surface: str) -> None:
    assert ingest("azure", azure_file(tmp_path, name=name)).sessions["surface"].unique().to_list() == [surface]


def test_a_chosen_surface_wins(tmp_path: Path) -> None:
    result = ingest("azure", azure_file(tmp_path), surface=Surface.MULTIMODAL)
    assert result.model_calls["surface"].unique().to_list() == ["multimodal"]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("2023-11-16 18:15:52,-5,10", "token_count_not_negative"),
        ("2023-11-16 18:15:52,5,-10", "token_count_not_negative"),
        ("2023-11-16 18:15:52,5.5,10", "token_count_is_integer"),
        ("2023-11-16 18:15:52,,10", "token_count_is_integer"),
        ("2023-11-16 18:15:52,many,10", "token_count_is_integer"),
        ("2023-11-16 18:15:52,99999999999999999999,10", "token_count_is_integer"),
        ("2023-11-16 18:15:52,999999999,10", "token_count_is_plausible"),
        ("2023-11-16 18:15:52,0,10", "input_not_empty"),
        ("2023-11-16 18:1", "row_is_complete"),
        ("2023-11-16 18:15:52,5,10,7", "row_is_complete"),
        ("2023-02-30 18:15:52,5,10", "timestamp_is_iso"),
        ("1700158546,5,10", "timestamp_is_iso"),
        ("1023-11-16 18:15:52,5,10", "timestamp_is_plausible"),
        ("x" * 10_000_000, "row_is_complete"),
    ],
)
def test_a_bad_row_goes_to_quarantine_with_its_rule_and_the_good_rows_stay(
    tmp_path: Path, line: str, rule: str
) -> None:
    assert rules(azure_file(tmp_path, (AZURE_ROWS[0], line, AZURE_ROWS[1]))) == [(2, rule)]


def test_a_truncated_last_line_goes_to_quarantine(tmp_path: Path) -> None:
    path = azure_file(tmp_path)
    path.write_text(path.read_text(encoding="utf-8")[:-8], encoding="utf-8")
    assert rules(path) == [(3, "row_is_complete")]


def test_a_file_without_a_last_line_end_is_read_with_a_warning(tmp_path: Path) -> None:
    path = azure_file(tmp_path)
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    result = ingest("azure", path)
    assert result.model_calls.height == 3
    assert any("no line end" in note for note in result.notes)


def test_bytes_that_are_not_utf8_go_to_quarantine(tmp_path: Path) -> None:
    path = azure_file(tmp_path)
    path.write_bytes(path.read_bytes() + b"2023-11-16 18:15:52,5,1\xff\n")
    assert rules(path) == [(4, "text_is_utf8")]


def test_windows_line_ends_a_byte_order_mark_blank_lines_and_quotes_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "conv.csv"
    lines = ["\ufeff" + AZURE_HEADER, AZURE_ROWS[0], "", '"2023-11-16T18:15:52Z","5","10"']
    path.write_bytes("\r\n".join(lines).encode() + b"\r\n")
    result = ingest("azure", path)
    assert counts_add_up(result)
    assert result.model_calls.select("input_tokens", "output_tokens").rows() == [(374, 44), (5, 10)]


def test_columns_in_another_order_are_understood(tmp_path: Path) -> None:
    path = azure_file(tmp_path, ("44,2023-11-16 18:15:46.6,374",), header="GeneratedTokens,TIMESTAMP,ContextTokens")
    assert ingest("azure", path).model_calls.select("input_tokens", "output_tokens").rows() == [(374, 44)]


def test_a_column_with_what_people_wrote_is_dropped_and_named(tmp_path: Path) -> None:
    rows = (
        '2023-11-16 18:15:46.6,374,44,"my secret, and\nmore",7',
        "2023-11-16 18:15:47.6,-1,44,other secret,8",
        "2023-11-16 18:15:48.6,5",
    )
    result = ingest("azure", azure_file(tmp_path, rows, header=f"{AZURE_HEADER},Prompt,Region"))
    assert counts_add_up(result)
    assert result.model_calls.height == 1
    assert result.quarantine["rule"].to_list() == ["token_count_not_negative", "row_is_complete"]
    assert any("Prompt" in note and "dropped" in note for note in result.notes)
    assert "secret" not in str(result.quarantine.rows()) + str(result.model_calls.rows())


def test_text_in_a_number_column_does_not_reach_the_quarantine(tmp_path: Path) -> None:
    result = ingest("azure", azure_file(tmp_path, (AZURE_ROWS[0], "2023-11-16 18:15:52,my secret,10")))
    assert "secret" not in str(result.quarantine.rows())


@pytest.mark.parametrize(
    ("stamps", "unit"),
    [
        (("1700158546.68", "1700158550.99"), "seconds"),
        (("1700158546680", "1700158550990"), "milliseconds"),
        (("1700158546680000", "1700158550990000"), "microseconds"),
        (("1700158546680000000", "1700158550990000000"), "nanoseconds"),
        (("0.0", "4.3"), "offset from the start"),
    ],
)
def test_epoch_numbers_are_refused_with_the_guessed_unit(tmp_path: Path, stamps: tuple[str, ...], unit: str) -> None:
    with pytest.raises(UnreadableTrace, match=unit):
        ingest("azure", azure_file(tmp_path, tuple(f"{stamp},5,6" for stamp in stamps)))


def test_unknown_columns_are_named_beside_those_expected(tmp_path: Path) -> None:
    with pytest.raises(UnreadableTrace, match=r"'time', 'tokens'.*TIMESTAMP, ContextTokens, GeneratedTokens"):
        ingest("azure", azure_file(tmp_path, ("1,2",), header="time,tokens"))


@pytest.mark.parametrize(
    "body", ["", "\n", AZURE_HEADER, f"{AZURE_HEADER}\n", f"{AZURE_HEADER}\nbad,-1,x\n", "\x00\x01"]
)
def test_a_file_without_one_usable_row_is_refused_as_a_whole(tmp_path: Path, body: str) -> None:
    path = tmp_path / "conv.csv"
    path.write_text(body, encoding="utf-8")
    with pytest.raises(UnreadableTrace):
        ingest("azure", path)


def test_the_multimodal_form_counts_images_whose_tokens_are_unknown(tmp_path: Path) -> None:
    header, rows = "TIMESTAMP,NumImages,ContextTokens,GeneratedTokens", ("2024-10-15 00:00:01.5,2,900,40",)
    more = ("2024-10-15 00:00:02.5,0,300,4", "2024-10-15 00:00:03,-1,300,4", "2024-10-15 00:00:04,some,300,4")
    result = ingest("azure", azure_file(tmp_path, (*rows, *more), header=header))
    assert counts_add_up(result)
    assert result.model_calls.select("input_tokens", "image_tokens").rows() == [(900, None), (300, 0)]
    assert set(result.sessions["surface"]) == {"multimodal"}
    assert result.quarantine["rule"].to_list() == ["image_count_is_plausible"] * 2
    assert any("2 images in 1 calls" in note for note in result.notes)


def test_a_packed_file_gives_the_same_calls(tmp_path: Path) -> None:
    plain = azure_file(tmp_path)
    (tmp_path / "conv.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    packed = ingest("azure", tmp_path / "conv.csv.gz")
    assert packed.model_calls.equals(ingest("azure", plain).model_calls)
    assert packed.source_id == ingest("azure", plain).source_id


def test_the_2024_form_with_its_zone_and_without_fractions_is_read(tmp_path: Path) -> None:
    rows = ("2024-05-10 00:00:00.009930+00:00,2162,5", "2024-05-10 00:00:02+00:00,2399,6")
    calls = ingest("azure", azure_file(tmp_path, rows, name="AzureLLMInferenceTrace_code_1week.csv")).model_calls
    assert calls["requested_at"].to_list() == [
        datetime(2024, 5, 10, 0, 0, 0, 9_930, tzinfo=UTC),
        datetime(2024, 5, 10, 0, 0, 2, tzinfo=UTC),
    ]
    assert set(calls["surface"]) == {"api_burst"}
