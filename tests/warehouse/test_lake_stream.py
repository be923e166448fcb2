"""A table written in parts: one commit, all rows, and nothing at all where a part is bad."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from warehouse.contracts import Sessions
from warehouse.errors import ContractBroken, OutsidePartition
from warehouse.lake import Lake

DAY = date(2026, 6, 2)
ORDER = "session_id"


def session_rows(first: int, count: int, day: date = DAY) -> pl.DataFrame:
    start = pl.datetime(day.year, day.month, day.day, 12, time_zone="UTC")
    return (
        pl.DataFrame({"session_id": [f"s{number:06d}" for number in range(first, first + count)]})
        .with_columns(
            surface=pl.lit("codex_loop"),
            tenant_id=pl.lit("t"),
            client_id=pl.lit("c"),
            region=pl.lit("europe"),
            service_tier=pl.lit("standard"),
            started_at=start,
            ended_at=start,
            turn_count=pl.lit(1, pl.Int64),
            call_count=pl.lit(1, pl.Int64),
            outcome=pl.lit("completed"),
            paid=pl.lit(value=True),
            source_id=pl.lit("synthetic:0"),
            day=pl.lit(day),
        )
        .pipe(Sessions.validate, cast=True)
    )


def test_parts_written_as_a_stream_are_the_rows_of_one_write_in_one_snapshot(tmp_path: Path) -> None:
    lake = Lake.open(tmp_path)
    parts = [session_rows(1000 * part, 1000) for part in range(7)]
    receipt = lake.replace_stream("sessions", iter(parts), schema=Sessions, partition={"day": DAY})
    assert receipt.row_count == 7000
    assert receipt.snapshot_id == lake.snapshot_id("sessions")
    found = lake.scan("sessions", schema=Sessions).sort(ORDER).collect()
    assert_frame_equal(found, pl.concat(parts))
    again = lake.replace_stream("sessions", iter(parts[:2]), schema=Sessions, partition={"day": DAY})
    assert again.row_count == lake.row_count("sessions") == 2000
    lake.close()


def test_no_parts_make_an_empty_partition(tmp_path: Path) -> None:
    lake = Lake.open(tmp_path)
    lake.replace("sessions", session_rows(0, 5), schema=Sessions, partition={"day": DAY})
    receipt = lake.replace_stream("sessions", iter(()), schema=Sessions, partition={"day": DAY})
    assert receipt.row_count == lake.row_count("sessions") == 0
    lake.close()


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (session_rows(0, 3).with_columns(call_count=pl.lit(0, pl.Int64)), ContractBroken),
        (session_rows(0, 3, date(2026, 6, 3)), OutsidePartition),
    ],
)
def test_a_bad_part_late_in_the_stream_leaves_what_was_there(
    tmp_path: Path, bad: pl.DataFrame, error: type[Exception]
) -> None:
    lake = Lake.open(tmp_path)
    lake.replace("sessions", session_rows(0, 5), schema=Sessions, partition={"day": DAY})
    with pytest.raises(error):
        lake.replace_stream(
            "sessions",
            iter([*(session_rows(1000 * part, 1000) for part in range(6)), bad]),
            schema=Sessions,
            partition={"day": DAY},
        )
    assert lake.row_count("sessions") == 5
    lake.close()


def test_what_breaks_the_making_of_parts_reaches_the_writer_and_nothing_is_written(tmp_path: Path) -> None:
    class BrokenMaker(RuntimeError):
        pass

    def parts() -> Iterator[pl.DataFrame]:
        yield session_rows(0, 1000)
        raise BrokenMaker("no more")

    lake = Lake.open(tmp_path)
    with pytest.raises(BrokenMaker, match="no more"):
        lake.replace_stream("sessions", parts(), schema=Sessions, partition={"day": DAY})
    assert lake.row_count("sessions") == 0
    lake.close()
