"""Traces of calls in both layouts, and the rows that are refused."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hwmodel.serving.errors import BadTrace
from hwmodel.serving.traces import read_trace

CSV = "arrived_at,num_prefill_tokens,num_decode_tokens\n"


def write(folder: Path, *rows: str, header: str = CSV) -> Path:
    path = folder / "trace.csv"
    path.write_text(header + "".join(f"{row}\n" for row in rows))
    return path


def test_vidurs_csv_is_read_in_seconds_and_kept_in_order(tmp_path: Path) -> None:
    calls = read_trace(write(tmp_path, "0.5,10,2", "0.000001,7.0,1", "2, 3 ,4"), arrival_scale=2.0)
    np.testing.assert_array_equal(calls.start_ns, [1_000_000_000, 2_000, 4_000_000_000])
    np.testing.assert_array_equal(calls.input_tokens, [10, 7, 3])
    np.testing.assert_array_equal(calls.output_tokens, [2, 1, 4])


def test_llmservingsims_workload_is_read_in_nanoseconds_without_its_tokens(tmp_path: Path) -> None:
    path = tmp_path / "workload.parquet"
    pl.DataFrame(
        {"input_toks": [5, 6], "output_toks": [1, 2], "arrival_time_ns": [3, 10], "input_tok_ids": [[1, 2], [3]]}
    ).write_parquet(path)
    calls = read_trace(path, arrival_scale=1.5)
    np.testing.assert_array_equal(calls.start_ns, [4, 15])
    np.testing.assert_array_equal(calls.input_tokens, [5, 6])


def test_priorities_are_read_where_there_are_some(tmp_path: Path) -> None:
    header = CSV.replace("\n", ",priority\n")
    np.testing.assert_array_equal(read_trace(write(tmp_path, "0,1,1,2", "1,1,1,0", header=header)).priority, [2, 0])
    np.testing.assert_array_equal(read_trace(write(tmp_path, "0,1,1")).priority, [0])
    with pytest.raises(BadTrace, match=r"row 1 .*priority is '-1' and must be a whole number of 0 or more"):
        read_trace(write(tmp_path, "0,1,1,0", "0,1,1,-1", header=header))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("-1,5,5", "arrived_at is '-1' and must be between 0"),
        ("inf,5,5", "arrived_at is 'inf'"),
        ("nan,5,5", "arrived_at is 'nan' and must be a number"),
        ("1e12,5,5", "between 0 and 30 years"),
        ("soon,5,5", "arrived_at is 'soon' and must be a number"),
        (",5,5", "arrived_at is None and must be a number"),
        ("1,0,5", "num_prefill_tokens is '0' and must be a whole number of 1 or more"),
        ("1,2.5,5", "num_prefill_tokens is '2.5'"),
        ("1,5,0", "num_decode_tokens is '0'"),
        ("1,5,-3", "num_decode_tokens is '-3'"),
        ("1,5,", "num_decode_tokens is None"),
        ("1,5,1e99", "num_decode_tokens is '1e99'"),
    ],
)
def test_a_bad_row_is_named_with_its_rule(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(BadTrace) as refused:
        read_trace(write(tmp_path, "0,1,1", row, "2,2,2"))
    assert message in str(refused.value)
    assert str(refused.value).startswith("row 1 of trace.csv")


def test_files_that_are_no_trace_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadTrace, match=r"has neither arrived_at.* nor arrival_time_ns.*it has a, b"):
        read_trace(write(tmp_path, "1,2", header="a,b\n"))
    with pytest.raises(BadTrace, match="has no calls"):
        read_trace(write(tmp_path))
    with pytest.raises(BadTrace, match="cannot be read as CSV"):
        read_trace(tmp_path / "nowhere.csv")
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1")
    with pytest.raises(BadTrace, match="cannot be read as Parquet"):
        read_trace(broken)
    dated = tmp_path / "dated.parquet"
    times = pl.Series("arrival_time_ns", [0]).cast(pl.Datetime("ns"))
    pl.DataFrame({"input_toks": [5], "output_toks": [1]}).with_columns(times).write_parquet(dated)
    with pytest.raises(BadTrace, match="not numbers"):
        read_trace(dated)
