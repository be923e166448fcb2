"""Housekeeping removes what nobody needs and nothing else."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from tests.warehouse.lake_frames import MONDAY, TUESDAY, calls, in_order
from warehouse.contracts import ModelCalls
from warehouse.errors import UnknownSnapshot, UnsafeSweep
from warehouse.lake import Lake
from warehouse.maintenance import expire_snapshots, sweep_orphans

DAY = timedelta(days=1)
NEXT_YEAR = datetime.now(UTC) + timedelta(days=365)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(tmp_path / "a home%20")


def write(lake: Lake, rows: int) -> int:
    receipt = lake.replace("model_calls", calls(rows, seed=rows), schema=ModelCalls, partition={"day": MONDAY})
    return receipt.snapshot_id


def data_files(lake: Lake) -> set[Path]:
    return set((lake.home / "lake" / "data").rglob("*.parquet"))


def test_old_snapshots_go_but_never_a_named_one_nor_the_current_one(lake: Lake) -> None:
    named, forgotten, current = write(lake, 2), write(lake, 3), write(lake, 4)
    (removal,) = expire_snapshots(lake, older_than=30 * DAY, keep={named}, now=NEXT_YEAR)
    assert removal.table == "synthetic.model_calls"
    assert forgotten in removal.snapshot_ids
    assert not {named, current} & set(removal.snapshot_ids)
    then = lake.scan("model_calls", schema=ModelCalls, snapshot_id=named)
    assert_frame_equal(in_order(then), in_order(calls(2, seed=2)))
    assert lake.row_count("model_calls") == 4
    with pytest.raises(UnknownSnapshot):
        lake.scan("model_calls", schema=ModelCalls, snapshot_id=forgotten)


def test_young_snapshots_stay(lake: Lake) -> None:
    first = write(lake, 2)
    write(lake, 3)
    assert expire_snapshots(lake, older_than=30 * DAY, keep=(), now=datetime.now(UTC) + 29 * DAY) == []
    assert lake.scan("model_calls", schema=ModelCalls, snapshot_id=first).collect().height == 2


def test_a_sweep_keeps_every_file_that_a_snapshot_needs(lake: Lake) -> None:
    old, new = write(lake, 2), write(lake, 3)
    lake.replace("model_calls", calls(5, TUESDAY), schema=ModelCalls, partition={"day": TUESDAY})
    before = data_files(lake)
    assert sweep_orphans(lake, older_than=DAY, now=NEXT_YEAR) == []
    assert data_files(lake) == before
    heights = [lake.scan("model_calls", schema=ModelCalls, snapshot_id=each).collect().height for each in (old, new)]
    assert heights == [2, 3]


def test_a_sweep_removes_what_a_killed_writer_and_expired_snapshots_left(lake: Lake) -> None:
    write(lake, 2)
    write(lake, 3)
    (folder,) = {path.parent.parent for path in data_files(lake)}
    leftover = folder / "of_a_killed_writer" / "part.parquet"
    leftover.parent.mkdir()
    leftover.write_bytes(b"half a file")
    expire_snapshots(lake, older_than=30 * DAY, keep=(), now=NEXT_YEAR)
    (removal,) = sweep_orphans(lake, older_than=DAY, now=NEXT_YEAR)
    assert leftover in removal.files
    assert not leftover.parent.exists()
    assert removal.freed_bytes > len(b"half a file")
    assert len(data_files(lake)) == 1
    assert_frame_equal(in_order(lake.scan("model_calls", schema=ModelCalls)), in_order(calls(3, seed=3)))
    write(lake, 4)
    assert lake.row_count("model_calls") == 4


def test_a_young_orphan_stays_because_its_writer_may_still_run(lake: Lake) -> None:
    write(lake, 2)
    (live,) = data_files(lake)
    now = datetime.now(UTC)
    young, old = live.with_name("young.parquet"), live.with_name("old.parquet")
    for path, age in ((young, timedelta(hours=23)), (old, timedelta(hours=25))):
        path.touch()
        os.utime(path, times=((now - age).timestamp(),) * 2)
    (removal,) = sweep_orphans(lake, older_than=DAY, now=now)
    assert removal.files == (old,)
    assert data_files(lake) == {live, young}


def test_every_dataset_of_the_home_is_swept(lake: Lake) -> None:
    other = Lake.open(lake.home, dataset="azure_1a2b3c4d")
    write(other, 2)
    write(other, 3)
    (removal,) = expire_snapshots(lake, older_than=DAY, keep=(), now=NEXT_YEAR)
    assert removal.table == "azure_1a2b3c4d.model_calls"


def test_a_sweep_that_could_hit_a_running_write_is_refused(lake: Lake) -> None:
    with pytest.raises(UnsafeSweep, match="at least 1:00:00"):
        sweep_orphans(lake, older_than=timedelta(minutes=5), now=NEXT_YEAR)
