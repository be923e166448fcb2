"""JSON lines: the patient path gives what the quick path gives, and single values are read strictly."""

import json
from pathlib import Path

import polars as pl
import pytest

from warehouse.ingest.reading.json_lines import decimal, iso_time, json_line_cells, text, whole, whole_list
from warehouse.ingest.reading.source import Source

KINDS: dict[str, pl.DataType | type[pl.DataType]] = {
    "a": pl.Int64, "b": pl.Float64, "c": pl.String, "d": pl.List(pl.Int64),
}  # fmt: skip


def source(content: bytes) -> Source:
    return Source(path=Path("x"), name="x", source_id="0" * 16, content=content)


def test_one_bad_line_changes_nothing_about_the_lines_beside_it() -> None:
    rows = [json.dumps({"a": at, "b": at / 2, "c": str(at), "d": [at, at + 1], "e": 1}) for at in range(9_000)]
    clean, names = json_line_cells(source("\n".join(rows).encode()), KINDS)
    assert names == ["a", "b", "c", "d", "e"]
    assert clean.height == 9_000
    rows[4_500] = "{"
    marred, _ = json_line_cells(source("\n".join(rows).encode()), KINDS)
    others = pl.col("row_number") != 4_501
    assert marred.filter(others).equals(clean.filter(others))
    assert marred.row(4_500, named=True)["problem"] == "the line is not JSON (cut short?)"


def test_blank_lines_are_counted_and_no_rows() -> None:
    cells, _ = json_line_cells(source(b'\n{"a": 1}\r\n\n{"a": 2}'), KINDS)
    assert cells.select("row_number", "a").rows() == [(2, 1), (4, 2)]


@pytest.mark.parametrize(
    ("value", "read"),
    [(3, 3), (3.0, 3), (3.5, None), (True, None), ("3", None), (10**30, None), (float("nan"), None), (None, None)],
)
def test_a_whole_number_is_read_strictly(value: object, read: int | None) -> None:
    assert whole(value) == read


@pytest.mark.parametrize(
    ("value", "read"), [(3, 3.0), ("2.5", 2.5), ("x", None), (True, None), (10**30, None), (float("inf"), None)]
)
def test_a_number_may_be_written_as_text(value: object, read: float | None) -> None:
    assert decimal(value) == read


def test_text_is_capped_and_can_be_encoded() -> None:
    assert text("\ud800a" + "b" * 5_000) == "?a" + "b" * 998
    assert (text(7), text(7.5), text([1])) == ("7", None, None)


def test_a_list_keeps_its_length_with_null_for_what_is_no_number() -> None:
    assert whole_list([1, "x", 2.0]) == [1, None, 2]
    assert whole_list("12") is None


@pytest.mark.parametrize(
    ("value", "hour"),
    [
        ("2026-06-01T05:00:00Z", 5),
        ("2026-06-01T05:00:00+02:00", 3),
        ("2026-06-01T05:00:00", 5),
        ("noon", None),
        (5, None),
    ],
)
def test_an_iso_time_is_utc_unless_it_says_otherwise(value: object, hour: int | None) -> None:
    stamp = iso_time(value)
    assert (stamp and stamp.hour) == hour


def test_a_time_at_the_end_of_all_years_does_not_overflow() -> None:
    assert iso_time("0001-01-01T00:00:00+23:00") is None
