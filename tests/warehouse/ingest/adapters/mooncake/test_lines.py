"""Clean lines by columns against JSON line by line, and files that are read slab by slab."""

import gzip
import json
import re
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.warehouse.ingest.trace_files import MOONCAKE_ROWS
from warehouse.ingest import UnreadableTrace
from warehouse.ingest.adapters.mooncake.lines import _clean, _one_by_one
from warehouse.ingest.reading.slabs import TextFile

FACTS = ["timestamp", "input_length", "output_length", "hash_ids"]
DENSE = (",", ":")
ROWS = st.lists(
    st.builds(
        lambda stamp, tokens, out, ids: dict(zip(FACTS, (stamp, tokens, out, ids), strict=True)),
        st.integers(0, 10**9), st.integers(0, 10**6), st.integers(0, 10**6), st.lists(st.integers(0, 10**15), min_size=1, max_size=5),
    ),
    min_size=1, max_size=5,
)  # fmt: skip


@pytest.mark.parametrize("separators", [DENSE, (", ", ": ")])
@given(rows=ROWS)
@settings(max_examples=30)
def test_clean_lines_are_read_as_json_reads_them(separators: tuple[str, str], rows: list[dict[str, object]]) -> None:
    lines = [json.dumps(row, separators=separators).encode() for row in rows]
    clean = _clean(b"\n".join(lines))
    assert clean is not None
    assert clean.select(FACTS).equals(_one_by_one(lines).select(FACTS))


@given(data=st.data())
@settings(max_examples=300)
def test_whatever_is_taken_for_clean_is_what_json_says(data: st.DataObject) -> None:
    line = json.dumps(MOONCAKE_ROWS[0], separators=data.draw(st.sampled_from([DENSE, (", ", ": ")]))).encode()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(line)))
        until = data.draw(st.integers(at, min(len(line), at + 2)))
        line = line[:at] + data.draw(st.sampled_from([b"", *(bytes([c]) for c in b'10 ,:[]{}"-.eEst')])) + line[until:]
    clean = _clean(line)
    if clean is not None and not re.search(rb"(?<!\d)0\d", line):  # leading zeros are let through
        assert clean.select(FACTS).equals(_one_by_one([line]).select(FACTS))


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
        '{"input_length":1,"timestamp":5,"output_length":5,"hash_ids":[1]}',
    ],
)
def test_a_line_that_is_not_clean_is_left_to_json(line: str) -> None:
    assert _clean(line.encode()) is None


@given(lines=st.lists(st.binary(max_size=30).filter(lambda b: b"\n" not in b), max_size=20), slab=st.integers(1, 40))
@settings(max_examples=60)
def test_slabs_hold_every_line_once_under_its_number(lines: list[bytes], slab: int) -> None:
    content = b"\n".join(lines)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_bytes(b"x" + content)
        file = TextFile(path=path, slab_bytes=slab)
        found = {
            part.first_line + at: line
            for part in file.slabs()
            for at, line in enumerate(part.content.removesuffix(b"\n").split(b"\n"))
        }
    expected = (b"x" + content).removesuffix(b"\n").split(b"\n")
    assert [found[number] for number in sorted(found)] == expected
    assert sorted(found) == list(range(1, len(expected) + 1))


def test_an_overlong_line_is_named_and_the_lines_around_it_stay(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"a\n" + b"y" * 20_000_000 + b"\nb\nc\n")
    slabs = list(TextFile(path=tmp_path / "x", slab_bytes=1 << 20).slabs())
    assert [(slab.first_line, slab.is_overlong) for slab in slabs if slab.is_overlong] == [(2, True)]
    kept = [(slab.first_line, slab.content) for slab in slabs if not slab.is_overlong]
    assert (kept[0], kept[-1]) == ((1, b"a\n"), (3, b"b\nc\n"))


def test_packed_and_plain_files_have_one_id(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"a\nb\n" * 1000)
    (tmp_path / "packed").write_bytes(gzip.compress(b"a\nb\n" * 1000))
    ids = []
    for name in ("plain", "packed"):
        file = TextFile(path=tmp_path / name, slab_bytes=64)
        assert sum(slab.content.count(b"\n") for slab in file.slabs()) == 2000
        ids.append(file.source_id)
    assert ids[0] == ids[1]
    (tmp_path / "plain").write_bytes(b"")
    with pytest.raises(UnreadableTrace, match="is empty"):
        list(TextFile(path=tmp_path / "plain").slabs())


def test_cells_of_a_slab_are_the_cells_of_its_lines() -> None:
    content = b"".join(json.dumps(row).encode() + b"\n" for row in MOONCAKE_ROWS)
    clean = _clean(content)
    assert clean is not None
    assert clean["hash_ids"].to_list() == [row["hash_ids"] for row in MOONCAKE_ROWS]
    assert clean["timestamp"].dtype == pl.Float64
