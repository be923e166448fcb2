"""Recognising a name_of_format, the table of formats, and errors that every format shares."""

import gzip
import lzma
import re
import zlib
from pathlib import Path

import polars as pl
import pytest

from tests.warehouse.ingest.seeds import SEEDS
from tests.warehouse.ingest.trace_files import (
    GOLDEN_SESSION,
    azure_file,
    counts_add_up,
    mooncake_file,
    mooncake_row,
    weka_file,
)
from warehouse.errors import WarehouseError
from warehouse.ingest import FORMATS, Evidence, IngestError, UnknownFormat, UnreadableTrace, detect_format, ingest


def test_each_format_is_recognised_by_its_columns(tmp_path: Path) -> None:
    assert detect_format(azure_file(tmp_path)) == "azure"
    assert detect_format(mooncake_file(tmp_path)) == "mooncake"
    assert detect_format(mooncake_file(tmp_path, (mooncake_row(),), name="one.jsonl")) == "mooncake"
    folder = tmp_path / "weka"
    folder.mkdir()
    assert detect_format(weka_file(folder, GOLDEN_SESSION)) == "weka"
    assert detect_format(folder) == "weka"


def test_parquet_files_are_recognised_by_their_columns(tmp_path: Path) -> None:
    pl.DataFrame([mooncake_row()]).write_parquet(tmp_path / "a.parquet")
    assert detect_format(tmp_path / "a.parquet") == "mooncake"
    stamps = {"TIMESTAMP": ["2023-11-16 18:15:46"], "ContextTokens": [1], "GeneratedTokens": [1]}
    pl.DataFrame(stamps).write_parquet(tmp_path / "b.parquet")
    assert detect_format(tmp_path / "b.parquet") == "azure"


def test_a_file_that_two_formats_fit_is_refused_with_both_names(tmp_path: Path) -> None:
    both = pl.DataFrame([{**mooncake_row(), "TIMESTAMP": "2023-11-16", "ContextTokens": 1, "GeneratedTokens": 1}])
    both.write_parquet(tmp_path / "both.parquet")
    with pytest.raises(UnreadableTrace, match="azure and mooncake both fit"):
        detect_format(tmp_path / "both.parquet")


@pytest.mark.parametrize("body", ["a,b\n1,2\n", '{"a": 1}', "[1]", "\x00\xff", "{" * 1000, "PAR1 nothing"])
def test_a_file_that_no_format_fits_is_refused(tmp_path: Path, body: str) -> None:
    (tmp_path / "x").write_text(body, encoding="utf-8")
    with pytest.raises(UnreadableTrace):
        detect_format(tmp_path / "x")


def test_an_unknown_format_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownFormat, match="known: azure, mooncake, weka, "):
        ingest("azrue", azure_file(tmp_path))


@pytest.mark.parametrize("name_of_format", list(FORMATS))
def test_a_missing_file_and_an_empty_file_are_refused_in_one_line(tmp_path: Path, name_of_format: str) -> None:
    (tmp_path / "empty").touch()
    for name, says in (("missing", "no such file"), ("empty", "is empty")):
        with pytest.raises(IngestError, match=says) as caught:
            ingest(name_of_format, tmp_path / name)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name_of_format", ["azure", "mooncake"])
def test_a_folder_is_refused_by_a_format_of_one_file(tmp_path: Path, name_of_format: str) -> None:
    with pytest.raises(UnreadableTrace, match="is a folder"):
        ingest(name_of_format, tmp_path)


@pytest.mark.parametrize("name_of_format", list(FORMATS))
@pytest.mark.parametrize("body", [b"PAR1", b"PAR1" + b"\x00" * 100, b"PAR1" + b"\xff" * 40 + b"PAR1"])
def test_a_damaged_parquet_file_is_refused(tmp_path: Path, name_of_format: str, body: bytes) -> None:
    (tmp_path / "x.parquet").write_bytes(body)
    with pytest.raises(UnreadableTrace, match="damaged Parquet"):
        ingest(name_of_format, tmp_path / "x.parquet")


@pytest.mark.parametrize("name_of_format", list(FORMATS))
def test_a_parquet_file_of_strange_types_is_refused_or_quarantined(tmp_path: Path, name_of_format: str) -> None:
    from warehouse.ingest.adapters import azure, bailian, burstgpt, mooncake
    from warehouse.ingest.adapters.ragpulse.files import CELLS
    from warehouse.ingest.adapters.tracelab.rounds import NEEDED as OF_ROUNDS
    from warehouse.ingest.adapters.weka.parquet import NEEDED

    columns = {
        "azure": azure.COLUMNS,
        "mooncake": mooncake.COLUMNS,
        "weka": tuple(NEEDED),
        "burstgpt": (*burstgpt.COLUMNS, *burstgpt.OPTIONAL),
        "bailian": bailian.COLUMNS,
        "ragpulse": tuple(CELLS),
        "tracelab": (*OF_ROUNDS, "prefix_tokens", "tools"),
    }
    names = columns.get(name_of_format, ("session_id", "turns"))
    for values in ([[1, 2]], [b"\xff"], [{"a": 1}], [None], [True], [float("nan")], ["x"], [2**63 + 1]):
        pl.DataFrame({name: pl.Series(values) for name in names}).write_parquet(tmp_path / "x.parquet")
        with pytest.raises(UnreadableTrace):
            ingest(name_of_format, tmp_path / "x.parquet")


def test_content_decides_the_source_id_and_the_name_does_not(tmp_path: Path) -> None:
    one, other = azure_file(tmp_path, name="a.csv"), azure_file(tmp_path, name="b.csv")
    first, second = ingest("azure", one), ingest("azure", other)
    assert first.source_id == second.source_id
    assert re.fullmatch(r"[0-9a-f]{16}", first.source_id)
    assert (first.source_name, second.source_name) == ("a.csv", "b.csv")
    assert set(first.model_calls["source_id"]) == {first.source_id}


def test_all_errors_of_the_adapters_are_warehouse_errors() -> None:
    assert issubclass(IngestError, WarehouseError)
    assert issubclass(UnreadableTrace, IngestError)
    assert issubclass(UnknownFormat, IngestError)


def test_the_table_of_formats_names_itself() -> None:
    assert [known.name for known in FORMATS.values()] == list(FORMATS)
    assert list(FORMATS)[:3] == ["azure", "mooncake", "weka"]
    assert all(known.description and "\n" not in known.description for known in FORMATS.values())


@pytest.mark.parametrize("name_of_format", list(FORMATS))
@pytest.mark.parametrize(
    ("packer", "content"),
    [
        ("gzip once more", gzip.compress(gzip.compress(b"{}"))),
        ("zlib", zlib.compress(b"{}")),
        ("xz", lzma.compress(b"{}")),
    ],
    ids=("gzip twice", "zlib", "xz"),
)
def test_what_is_packed_otherwise_than_with_gzip_is_refused_with_the_packer(
    tmp_path: Path, name_of_format: str, packer: str, content: bytes
) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(UnreadableTrace, match=f"is packed with {packer}"):
        ingest(name_of_format, tmp_path / "x")


def test_the_readme_lists_each_format_with_what_it_was_tried_on() -> None:
    readme = (Path(__file__).resolve().parents[3] / "README.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `(\w+)` \| .* \| (real files|schema-only) \|$", readme, re.MULTILINE))
    tried = {Evidence.TESTED: "real files", Evidence.SCHEMA_ONLY: "schema-only"}
    assert listed == {name: tried[known.evidence] for name, known in FORMATS.items()}


@pytest.mark.parametrize("name_of_format", ["mooncake", "bailian", "ragpulse", "copilot2026", "tracelab"])
@pytest.mark.parametrize(
    "line",
    [
        b'{"timestamp": 1, "x": "' + b"y" * 10_000_000,
        b'{"x": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        '{"x": "grüße"}'.encode("latin-1"),
        '{"x": 1}'.encode("utf-16-le"),
        b'{"x": "\x00"}',
        b"[1, 2]",
        b"7",
    ],
    ids=["10 MB", "deep", "latin-1", "utf-16", "nul", "list", "number"],
)
def test_a_hostile_line_is_one_refused_row_and_changes_nothing_else(
    tmp_path: Path, name_of_format: str, line: bytes
) -> None:
    seed = SEEDS[name_of_format][0]
    for name, content in seed.beside.items():
        (tmp_path / name).write_bytes(content)
    path = tmp_path / seed.name
    path.write_bytes(seed.content)
    clean = ingest(name_of_format, path)
    path.write_bytes(seed.content + line + b"\n")
    marred = ingest(name_of_format, path)
    assert counts_add_up(marred)
    assert marred.quarantine["rule"].to_list() == ["row_is_readable"]
    assert marred.rows_read == clean.rows_read + 1
    facts = ["requested_at", "input_tokens", "output_tokens", "shared_prefix_tokens", "turn_id", "step_index", "gap_s"]
    assert marred.model_calls.select(facts).equals(clean.model_calls.select(facts))
    assert marred.tool_calls.drop("tool_call_id", "call_id", "session_id", "source_id").equals(
        clean.tool_calls.drop("tool_call_id", "call_id", "session_id", "source_id")
    )
