"""Clean lines by columns against JSON line by line."""

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.warehouse.ingest.trace_files import MOONCAKE_ROWS
from warehouse.ingest.adapters.mooncake import clean_lines
from warehouse.ingest.adapters.mooncake.clean_lines import clean_cells
from warehouse.ingest.adapters.mooncake.lines import _one_by_one, read_lines

FACTS = ["timestamp", "input_length", "output_length", "hash_ids"]
DENSE = (",", ":")
ROWS = st.lists(
    st.builds(
        lambda stamp, tokens, out, ids: dict(zip(FACTS, (stamp, tokens, out, ids), strict=True)),
        st.integers(0, 10**9), st.integers(0, 10**6), st.integers(0, 10**6), st.lists(st.integers(0, 10**15), min_size=1, max_size=5),
    ),
    min_size=1, max_size=5,
)  # fmt: skip


def facts(clean: pl.DataFrame) -> pl.DataFrame:
    """The cells with 64-bit ids, which slower paths have always."""
    return clean.select(FACTS).cast({"hash_ids": pl.List(pl.Int64)})


@pytest.mark.parametrize("separators", [DENSE, (", ", ": ")])
@given(rows=ROWS)
@settings(max_examples=30)
def test_clean_lines_are_read_as_json_reads_them(separators: tuple[str, str], rows: list[dict[str, object]]) -> None:
    lines = [json.dumps(row, separators=separators).encode() for row in rows]
    clean = clean_cells(b"\n".join(lines))
    assert clean is not None
    assert facts(clean).equals(_one_by_one(lines).select(FACTS))


@given(data=st.data())
@settings(max_examples=300)
def test_whatever_is_taken_for_clean_is_what_json_says(data: st.DataObject) -> None:
    line = json.dumps(MOONCAKE_ROWS[0], separators=data.draw(st.sampled_from([DENSE, (", ", ": ")]))).encode()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(line)))
        until = data.draw(st.integers(at, min(len(line), at + 2)))
        line = line[:at] + data.draw(st.sampled_from([b"", *(bytes([c]) for c in b'10 ,:[]{}"-.eEst')])) + line[until:]
    clean = clean_cells(line)
    if clean is not None:
        assert facts(clean).equals(_one_by_one([line]).select(FACTS))


@pytest.mark.parametrize(
    "line",
    [
        '{"time1stamp":,"input_length":5,"output_length":5,"hash_ids":[1]}',
        '{"timestamp":1,2,"input_length":,"output_length":5,"hash_ids":[1]}',
        '{"timestamp":1 2,"input_length":5,"output_length":5,"hash_ids":[1]}',
        '{"timestamp":1,"input_length":5,"output_length":5,"hash_ids":[1]}7',
        '7{"timestamp":1,"input_length":5,"output_length":5,"hash_ids":[1]}',
        '{"timestamp":1,"input_length":5,"output_length":5,"hash_ids":[]}',
        '{"timestamp":1,"input_length":5,"output_length":5,"hash_ids":[1,]}',
        '{"timestamp":1.5,"input_length":5,"output_length":5,"hash_ids":[1]}',
        '{"timestamp":1,"input_length":5,"output_length":5,"hash_ids":[99999999999999999999]}',
        '{"timestamp":01,"input_length":5,"output_length":5,"hash_ids":[1]}',
        '{"timestamp":1,"input_length":5,"output_length":5,"hash_ids":[1, 2]}',
        '{"timestamp": 1, "input_length": 5, "output_length": 5, "hash_ids": [1,2]}',
        '{"timestamp": 1, "input_length": 5, "output_length": 5, "hash_ids": [1 ,2]}',
        '{"timestamp": 1, "input_length": 5, "output_length": 5, "hash_ids": [1, 2 ,3, 4]}',
        '{"timestamp":1,"input_length":5,"output_length":5,"hash_ids":[1]}\r',
        '{"timestamp":1,"input_length":5,"output_length":5,"hash_ids":[1]}\n\n',
        '{"timestamp":1,"input_length":5,"output_length":5,"hash_ids":[1]',
        '{"timestamp":-1,"input_length":5,"output_length":5,"hash_ids":[1]}',
        '{"input_length":1,"timestamp":5,"output_length":5,"hash_ids":[1]}',
    ],
)
def test_a_line_that_is_not_clean_is_left_to_json(line: str) -> None:
    assert clean_cells(line.encode()) is None


def test_cells_of_a_slab_are_the_cells_of_its_lines() -> None:
    content = b"".join(json.dumps(row).encode() + b"\n" for row in MOONCAKE_ROWS)
    clean = clean_cells(content)
    assert clean is not None
    assert clean["hash_ids"].to_list() == [row["hash_ids"] for row in MOONCAKE_ROWS]
    assert clean["timestamp"].dtype == pl.Float64


@pytest.mark.parametrize("stretch", [1, 80, 200, 1 << 19])
def test_the_length_of_a_stretch_changes_no_cell(monkeypatch: pytest.MonkeyPatch, stretch: int) -> None:
    content = b"".join(json.dumps(row).encode() + b"\n" for row in MOONCAKE_ROWS * 3)
    monkeypatch.setattr(clean_lines, "STRETCH_BYTES", stretch)
    clean = clean_cells(content)
    assert clean is not None
    assert clean["hash_ids"].to_list() == [row["hash_ids"] for row in MOONCAKE_ROWS] * 3


def test_a_list_that_holds_no_whole_number_somewhere_is_no_list(tmp_path: Path) -> None:
    rows = [{**MOONCAKE_ROWS[0], "hash_ids": ids} for ids in ([1, None], [1, 2], None, ["x"])]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    cells, _, _ = read_lines(tmp_path / "x.jsonl")
    assert cells["hash_ids"].to_list() == [None, [1, 2], None, None]


def test_clean_and_other_slabs_are_put_together_with_wide_ids(tmp_path: Path) -> None:
    odd = {**MOONCAKE_ROWS[0], "hash_ids": [2**40], "more": 1}
    many = [*MOONCAKE_ROWS * 40_000, odd]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in many), encoding="utf-8")
    cells, spare, _ = read_lines(tmp_path / "x.jsonl")
    assert cells["hash_ids"].to_list() == [row["hash_ids"] for row in many]
    assert cells["row_number"].to_list() == list(range(1, len(many) + 1))
    assert cells.schema["hash_ids"] == pl.List(pl.Int64)
    assert spare == []
