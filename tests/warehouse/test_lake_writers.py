"""Two writers at once: both days are kept, and on one day the second is told instead of silently winning."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from threading import Barrier

import polars as pl
import pytest

import warehouse.lake.tables
from tests.warehouse.lake_frames import MONDAY, TUESDAY, calls
from warehouse.contracts import ModelCalls
from warehouse.errors import ConcurrentWrite
from warehouse.lake import Lake
from warehouse.lake.layout import to_stored

REPOSITORY = Path(__file__).resolve().parents[2]


def write(home: Path, rows: int, day: date, seed: int = 1) -> int | ConcurrentWrite:
    """Rows written by a lake of its own, or the refusal."""
    lake = Lake.open(home)
    try:
        partition = {"day": day}
        return lake.replace(
            "model_calls", calls(rows, day, seed=seed), schema=ModelCalls, partition=partition
        ).row_count
    except ConcurrentWrite as refusal:
        return refusal
    finally:
        lake.close()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both writers have read the table before either commits."""
    both_have_read = Barrier(2, timeout=20)

    def wait_then_store(frame: pl.DataFrame) -> pl.DataFrame:
        both_have_read.wait()
        return to_stored(frame)

    monkeypatch.setattr(warehouse.lake.tables, "to_stored", wait_then_store)


def race(home: Path, *writers: tuple[int, date]) -> list[int | ConcurrentWrite]:
    """Runs one thread per writer."""
    with ThreadPoolExecutor(len(writers)) as pool:
        return list(pool.map(lambda writer: write(home, *writer), writers))


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("day", [MONDAY, TUESDAY], ids=["replaced day", "new day"])
def test_of_two_writers_on_one_day_the_second_is_refused(
    tmp_path: Path, day: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as alone:
        alone.setattr(warehouse.lake.tables, "to_stored", to_stored)
        write(tmp_path, 2, MONDAY)
    results = race(tmp_path, (3, day), (4, day))
    refusals = [each for each in results if isinstance(each, ConcurrentWrite)]
    (winner,) = [each for each in results if isinstance(each, int)]
    assert len(refusals) == 1
    assert "run again" in str(refusals[0])
    assert Lake.open(tmp_path).scan("model_calls", schema=ModelCalls, days=[day]).collect().height == winner


@pytest.mark.usefixtures("at_once")
def test_two_writers_on_different_days_both_succeed(tmp_path: Path) -> None:
    assert race(tmp_path, (3, MONDAY), (4, TUESDAY)) == [3, 4]
    assert Lake.open(tmp_path).row_count("model_calls") == 7


def test_many_that_make_the_lake_at_once_all_open_it(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        lakes = list(pool.map(lambda _: Lake.open(tmp_path), range(4)))
    assert [lake.datasets() for lake in lakes] == [["synthetic"]] * 4


@pytest.mark.usefixtures("at_once")
def test_a_receipt_names_the_writers_own_snapshot(tmp_path: Path) -> None:
    lakes = [Lake.open(tmp_path), Lake.open(tmp_path)]

    def receipt(lake: Lake, day: date) -> int:
        return lake.replace("model_calls", calls(1, day), schema=ModelCalls, partition={"day": day}).snapshot_id

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(receipt, lakes, [MONDAY, TUESDAY])
    assert first != second
    heights = {
        snapshot: lakes[0].scan("model_calls", schema=ModelCalls, snapshot_id=snapshot).collect().height
        for snapshot in (first, second)
    }
    assert sorted(heights.values()) == [1, 2]


SCRIPT = """
import sys
from datetime import date
from pathlib import Path
from tests.warehouse.test_lake_writers import write
home, day = Path(sys.argv[1]), date.fromisoformat(sys.argv[2])
assert [write(home, rows, day) for rows in (3, 4, 5)] == [3, 4, 5]
"""


@pytest.mark.slow
def test_two_processes_that_make_the_lake_and_write_different_days_both_succeed(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path), str(day)], cwd=REPOSITORY)  # noqa: S603 - our own
        for day in (MONDAY, TUESDAY)
    ]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    assert Lake.open(tmp_path).row_count("model_calls") == 10
