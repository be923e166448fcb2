"""What the lake gives back is what was put in: types, partitions, snapshots, grown contracts."""

from datetime import date
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest
from dataframely.random import Generator
from polars.testing import assert_frame_equal

from tests.warehouse.lake_frames import MONDAY, TUESDAY, calls, in_order
from tests.warehouse.test_contracts import CONTRACTS
from warehouse.contracts import ModelCalls, Quarantine, StepBins
from warehouse.errors import (
    BadDatasetName,
    ContractBroken,
    MovedHome,
    OutsidePartition,
    SchemaChanged,
    UnknownPartition,
    UnknownSnapshot,
    UnreachableDatabase,
    UnstorableColumn,
    UnusableHome,
)
from warehouse.lake import Lake


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(tmp_path / "home")


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_frame_of_any_contract_comes_back_with_its_dtypes_and_values(lake: Lake, contract: type[dy.Schema]) -> None:
    frame = contract.sample(8, generator=Generator(7))
    receipt = lake.replace("table", frame, schema=contract, partition=None)
    back = lake.scan("table", schema=contract).collect()
    assert receipt.row_count == lake.row_count("table") == 8
    assert_frame_equal(in_order(back), in_order(frame))


def test_the_same_rows_twice_are_there_once_and_other_partitions_stay(lake: Lake) -> None:
    monday, tuesday = calls(5), calls(3, TUESDAY)
    lake.replace("model_calls", monday, schema=ModelCalls, partition={"day": MONDAY})
    lake.replace("model_calls", tuesday, schema=ModelCalls, partition={"day": TUESDAY})
    lake.replace("model_calls", monday, schema=ModelCalls, partition={"day": MONDAY})
    back = lake.scan("model_calls", schema=ModelCalls)
    assert_frame_equal(in_order(back), in_order(pl.concat([monday, tuesday])))
    assert lake.row_count("model_calls") == 8
    assert lake.days("model_calls") == [MONDAY, TUESDAY]


def test_a_day_and_surface_can_be_replaced_without_its_neighbours(lake: Lake) -> None:
    coding, chats = calls(4), calls(2, surface="long_context_chat")
    lake.replace("model_calls", pl.concat([coding, chats]), schema=ModelCalls, partition={"day": MONDAY})
    fewer = calls(1, seed=2)
    lake.replace("model_calls", fewer, schema=ModelCalls, partition={"day": MONDAY, "surface": "codex_loop"})
    assert_frame_equal(in_order(lake.scan("model_calls", schema=ModelCalls)), in_order(pl.concat([fewer, chats])))


def test_replacing_a_day_by_nothing_empties_it(lake: Lake) -> None:
    lake.replace("model_calls", pl.concat([calls(4), calls(2, TUESDAY)]), schema=ModelCalls, partition=None)
    lake.replace("model_calls", ModelCalls.create_empty(), schema=ModelCalls, partition={"day": MONDAY})
    assert lake.days("model_calls") == [TUESDAY]


def test_days_read_only_those_days(lake: Lake) -> None:
    lake.replace("model_calls", pl.concat([calls(4), calls(2, TUESDAY)]), schema=ModelCalls, partition=None)
    assert lake.scan("model_calls", schema=ModelCalls, days=[TUESDAY]).collect().height == 2
    assert lake.scan("model_calls", schema=ModelCalls, days=[]).collect().is_empty()


def test_days_of_a_table_without_days_are_refused(lake: Lake) -> None:
    with pytest.raises(UnknownPartition, match="step_bins has no column day"):
        lake.scan("step_bins", schema=StepBins, days=[MONDAY])


def test_rows_outside_the_partition_are_refused_and_nothing_is_written(lake: Lake) -> None:
    with pytest.raises(OutsidePartition, match=r"2 of 6 rows for model_calls lie outside.*2026, 3, 3"):
        lake.replace(
            "model_calls",
            pl.concat([calls(4), calls(2, TUESDAY)]),
            schema=ModelCalls,
            partition={"day": MONDAY},
        )
    assert lake.tables() == []


def test_rows_that_break_the_contract_are_refused(lake: Lake) -> None:
    negative = calls(3).with_columns(input_tokens=pl.lit(-1, dtype=pl.Int64))
    with pytest.raises(ContractBroken, match=r"ModelCalls.*quarantine"):
        lake.replace("model_calls", negative, schema=ModelCalls, partition={"day": MONDAY})
    with pytest.raises(ContractBroken, match="input_tokens"):
        lake.replace("model_calls", calls(3).drop("input_tokens"), schema=ModelCalls, partition={"day": MONDAY})
    odd = calls(3).with_columns(surface=pl.lit("<script>"))
    with pytest.raises(ContractBroken, match=r"'surface' failed.* 3 rows"):
        lake.replace("model_calls", odd, schema=ModelCalls, partition={"day": MONDAY})


def test_a_lazy_frame_in_another_column_order_and_width_is_cast(lake: Lake) -> None:
    frame = calls(3)
    other = frame.lazy().select(reversed(frame.columns)).with_columns(pl.col("turn_id", "step_index").cast(pl.Int64))
    loose = other.with_columns(pl.col("surface").cast(pl.String), extra=1)
    lake.replace("model_calls", loose, schema=ModelCalls, partition={"day": MONDAY})
    assert_frame_equal(in_order(lake.scan("model_calls", schema=ModelCalls)), in_order(frame))


@pytest.mark.parametrize(
    "partition", [{}, {"tenant_id": "t"}, {"day": "2026-03-02"}, {"surface": MONDAY}, {"source_id": "s"}]
)
def test_a_partition_that_the_table_is_not_cut_by_is_refused(lake: Lake, partition: dict[str, date | str]) -> None:
    with pytest.raises(UnknownPartition, match="pass None"):
        lake.replace("model_calls", calls(1), schema=ModelCalls, partition=partition)


def test_the_quarantine_of_one_source_can_be_replaced(lake: Lake) -> None:
    first = Quarantine.sample(overrides={"source_id": ["a"] * 3}, generator=Generator(1))
    second = Quarantine.sample(overrides={"source_id": ["b"] * 2}, generator=Generator(2))
    lake.replace("quarantine", first, schema=Quarantine, partition={"source_id": "a"})
    lake.replace("quarantine", second, schema=Quarantine, partition={"source_id": "b"})
    lake.replace("quarantine", first.head(1), schema=Quarantine, partition={"source_id": "a"})
    assert lake.row_count("quarantine") == 3
    assert lake.days("quarantine") == []


def test_a_table_never_written_is_an_empty_frame(lake: Lake) -> None:
    empty = lake.scan("model_calls", schema=ModelCalls).collect()
    assert_frame_equal(empty, ModelCalls.create_empty())
    assert (lake.row_count("model_calls"), lake.snapshot_id("model_calls"), lake.days("model_calls")) == (0, None, [])


def test_a_snapshot_shows_the_table_as_it_was(lake: Lake) -> None:
    before = lake.replace("model_calls", calls(5), schema=ModelCalls, partition={"day": MONDAY})
    after = lake.replace("model_calls", calls(2, seed=9), schema=ModelCalls, partition={"day": MONDAY})
    assert lake.snapshot_id("model_calls") == after.snapshot_id != before.snapshot_id
    then = lake.scan("model_calls", schema=ModelCalls, snapshot_id=before.snapshot_id)
    assert_frame_equal(in_order(then), in_order(calls(5)))
    with pytest.raises(UnknownSnapshot, match="has no snapshot 1:"):
        lake.scan("model_calls", schema=ModelCalls, snapshot_id=1)
    with pytest.raises(UnknownSnapshot):
        lake.scan("absent", schema=ModelCalls, snapshot_id=before.snapshot_id)


class Narrow(dy.Schema):
    llm = dy.String(primary_key=True)
    busy_s = dy.Float64()


class Wide(Narrow):
    step_count = dy.Int64(nullable=True)
    family = dy.Enum(("gemm", "vector"), nullable=True)


class Retyped(dy.Schema):
    llm = dy.String(primary_key=True)
    busy_s = dy.Int64()


class Unstorable(dy.Schema):
    wait = dy.Duration()


def test_a_column_that_the_contract_gained_is_added_and_null_in_old_rows(lake: Lake) -> None:
    old = lake.replace("bins", pl.DataFrame({"llm": ["a"], "busy_s": [1.0]}), schema=Narrow, partition=None)
    assert lake.scan("bins", schema=Wide).collect().rows() == [("a", 1.0, None, None)]
    grown = Wide.sample(2, overrides={"family": "gemm", "step_count": [3, 4]}, generator=Generator(1))
    lake.replace("bins", grown, schema=Wide, partition=None)
    assert_frame_equal(in_order(lake.scan("bins", schema=Wide)), in_order(grown))
    assert lake.scan("bins", schema=Wide, snapshot_id=old.snapshot_id).collect()["family"].to_list() == [None]


def test_a_column_that_the_contract_lost_is_null_in_new_rows(lake: Lake) -> None:
    lake.replace("bins", Wide.sample(2, generator=Generator(1)), schema=Wide, partition=None)
    lake.replace("bins", pl.DataFrame({"llm": ["a"], "busy_s": [1.0]}), schema=Narrow, partition=None)
    assert lake.scan("bins", schema=Wide).collect().rows() == [("a", 1.0, None, None)]


def test_a_column_that_changed_its_type_is_refused(lake: Lake) -> None:
    lake.replace("bins", pl.DataFrame({"llm": ["a"], "busy_s": [1.0]}), schema=Narrow, partition=None)
    with pytest.raises(SchemaChanged, match=r"bins\.busy_s is stored as double"):
        lake.replace("bins", pl.DataFrame({"llm": ["a"], "busy_s": [1]}), schema=Retyped, partition=None)


def test_a_dtype_that_the_lake_cannot_keep_exactly_is_refused(lake: Lake) -> None:
    with pytest.raises(UnstorableColumn, match="'wait'"):
        lake.replace("odd", Unstorable.create_empty(), schema=Unstorable, partition=None)


def test_datasets_never_mix(tmp_path: Path) -> None:
    synthetic = Lake.open(tmp_path)
    trace = Lake.open(tmp_path, dataset="azure_1a2b3c4d")
    synthetic.replace("step_bins", StepBins.sample(3, generator=Generator(1)), schema=StepBins, partition=None)
    trace.replace("step_bins", StepBins.sample(2, generator=Generator(2)), schema=StepBins, partition=None)
    assert (synthetic.row_count("step_bins"), trace.row_count("step_bins")) == (3, 2)
    assert synthetic.datasets() == ["azure_1a2b3c4d", "synthetic"]


@pytest.mark.parametrize("name", ["", "Azure", "a.b", "../up", "a b", "x" * 65, "name\n", "a-b"])
def test_a_dataset_name_that_is_no_namespace_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadDatasetName, match="a-z, 0-9"):
        Lake.open(tmp_path, dataset=name)


def test_a_moved_home_is_refused_with_both_paths_and_the_way_out(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    lake = Lake.open(here)
    lake.replace("model_calls", calls(1), schema=ModelCalls, partition=None)
    lake.close()
    here.rename(there)
    with pytest.raises(MovedHome) as refusal:
        Lake.open(there)
    assert all(word in str(refusal.value) for word in (str(here), str(there), "SCOVILLE_HOME"))
    there.rename(here)
    assert Lake.open(here).row_count("model_calls") == 1


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnusableHome, match="name another SCOVILLE_HOME"):
        Lake.open(tmp_path / "file")


@pytest.mark.parametrize("url", ["nonsense", "oracle+nothing://u:secret@h/d", "sqlite:////no/such/folder/c.db"])
def test_a_catalogue_that_cannot_be_reached_is_one_line_without_the_password(tmp_path: Path, url: str) -> None:
    with pytest.raises(UnreachableDatabase, match="cannot open the database") as refusal:
        Lake.open(tmp_path, catalog_url=url)
    assert "secret" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_home_with_spaces_and_percent_signs_works_and_may_be_named_relatively(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Lake.open(Path("a home%20 é?x")).replace("model_calls", calls(2), schema=ModelCalls, partition=None)
    again = Lake.open(tmp_path / "a home%20 é?x")
    assert again.scan("model_calls", schema=ModelCalls).collect().height == 2


def test_the_catalogue_can_be_any_database(tmp_path: Path) -> None:
    lake = Lake.open(tmp_path / "home", catalog_url=f"sqlite:///{tmp_path / 'elsewhere.db'}")
    lake.replace("model_calls", calls(2), schema=ModelCalls, partition=None)
    assert (tmp_path / "elsewhere.db").exists()
    assert not (tmp_path / "home" / "lake" / "catalog.db").exists()
