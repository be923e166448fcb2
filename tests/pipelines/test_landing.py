"""The landing folder: complete files only, each content once, and always put away."""

import json
import os
from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from dagster import DagsterInstance

from pipelines.definitions import build_definitions
from pipelines.home import HomeFolders, prepare_home
from pipelines.landing import feature_requests, ingest_source, landing_tick
from pipelines.landing.files import present
from pipelines.resources import LakeResource, trace_source
from pipelines.settings import Settings
from tests.pipelines.trace_files import NEGATIVE, ROWS, write_azure
from warehouse.contracts import ModelCalls, Quarantine
from warehouse.ingest import UnreadableTrace

DAY = date(2023, 11, 16)


@pytest.fixture
def folders(tmp_path: Path) -> HomeFolders:
    return prepare_home(tmp_path)


def ticks(folders: HomeFolders, count: int, cursor: str | None = None) -> list[dg.SensorResult]:
    results = []
    for _ in range(count):
        result = landing_tick(cursor, folders)
        cursor = result.cursor
        results.append(result)
    return results


def taken(result: dg.SensorResult) -> list[str]:
    return [
        Path(request.run_config["ops"]["ingest_trace_file"]["config"]["path"]).name
        for request in result.run_requests or ()
    ]


def run(folders: HomeFolders, request: dg.RunRequest, *, raises: bool = True) -> dg.ExecuteInProcessResult:
    definitions = build_definitions(Settings(home=folders.root))
    with DagsterInstance.from_config(str(folders.dagster)) as instance:
        return definitions.resolve_job_def("ingest_trace").execute_in_process(
            instance=instance, run_config=request.run_config, raise_on_error=raises
        )


def test_a_file_is_taken_at_the_second_tick_that_sees_it_unchanged(folders: HomeFolders) -> None:
    write_azure(folders.landing / "calls.csv")
    assert [taken(result) for result in ticks(folders, 3)] == [[], ["calls.csv"], []]


def test_a_growing_file_is_left_alone_until_it_stands_still(folders: HomeFolders) -> None:
    path = write_azure(folders.landing / "calls.csv", *ROWS[:2])
    first = landing_tick(None, folders)
    write_azure(path, *ROWS[:4])
    second = landing_tick(first.cursor, folders)
    assert [taken(second), taken(landing_tick(second.cursor, folders))] == [[], ["calls.csv"]]


def test_hidden_and_unfinished_files_folders_and_links_are_not_looked_at(folders: HomeFolders) -> None:
    for name in (".calls.csv", "calls.csv.part", "calls.tmp", "~calls.csv", "calls.CRDOWNLOAD"):
        write_azure(folders.landing / name)
    (folders.landing / "link.csv").symlink_to(folders.landing / ".calls.csv")
    assert present(folders.landing) == {}


def test_the_same_content_under_two_names_is_taken_once(folders: HomeFolders) -> None:
    write_azure(folders.landing / "a.csv")
    write_azure(folders.landing / "b.csv")
    results = ticks(folders, 3)
    assert [taken(result) for result in results] == [[], ["a.csv"], []]
    assert (folders.done / "b.csv").exists()
    assert (folders.landing / "a.csv").exists()


def test_the_run_key_is_the_content_hash(folders: HomeFolders) -> None:
    path = write_azure(folders.landing / "a.csv")
    (request,) = ticks(folders, 2)[1].run_requests or ()
    assert request.run_key == trace_source("azure", path).source_id


def test_content_that_failed_is_tried_again_when_it_is_dropped_again(folders: HomeFolders) -> None:
    path = write_azure(folders.landing / "a.csv")
    result = ticks(folders, 2)[1]
    path.rename(folders.failed / "a.csv")
    again = write_azure(folders.landing / "a.csv")
    os.utime(again, (1, 1))
    third = ticks(folders, 2, result.cursor)[1]
    assert taken(third) == ["a.csv"]
    assert (third.run_requests or ())[0].run_key != (result.run_requests or ())[0].run_key


def test_the_cursor_survives_json(folders: HomeFolders) -> None:
    write_azure(folders.landing / "a.csv")
    memory = json.loads(ticks(folders, 2)[1].cursor or "")
    assert set(memory) == {"seen", "taken"}
    assert len(memory["taken"]) == 1


def test_a_landed_file_ends_in_done_with_its_rows_in_the_lake(folders: HomeFolders) -> None:
    write_azure(folders.landing / "calls.csv", *ROWS, NEGATIVE)
    (request,) = ticks(folders, 2)[1].run_requests or ()
    result = run(folders, request)
    assert (folders.done / "calls.csv").exists()
    with LakeResource(home=str(folders.root), dataset="landed_azure").opened() as lake:
        assert lake.row_count("model_calls") == len(ROWS)
        assert lake.scan("quarantine", schema=Quarantine).collect()["rule"].to_list() == ["token_count_not_negative"]
    written = {(event.asset_key.to_user_string(), event.partition) for event in materializations(result)}
    assert ("model_calls", "2023-11-16") in written
    assert ("quarantine", None) in written
    with DagsterInstance.from_config(str(folders.dagster)) as instance:
        tags = instance.get_runs()[0].tags
    (features,) = feature_requests("run", tags, home=str(folders.root))
    assert features.partition_key == "2023-11-16"
    job = build_definitions(Settings(home=folders.root)).resolve_job_def("features_daily")
    lake = dg.validate_run_config(job, features.run_config)["resources"]["lake"]["config"]
    assert lake == {"home": str(folders.root), "dataset": "landed_azure"}


def materializations(result: dg.ExecuteInProcessResult) -> list[dg.AssetMaterialization]:
    return [event.step_materialization_data.materialization for event in result.get_asset_materialization_events()]


def test_a_file_without_one_good_row_ends_in_failed_with_its_reason(folders: HomeFolders) -> None:
    (folders.landing / "calls.csv").write_text("when,what\n1,2\n")
    (request,) = ticks(folders, 2)[1].run_requests or ()
    result = run(folders, request, raises=False)
    assert not result.success
    assert not (folders.landing / "calls.csv").exists()
    reason = (folders.failed / "calls.csv.reason.txt").read_text()
    assert "no known format fits (columns: 'when', 'what')" in reason
    assert reason.count("\n") == 1


def test_a_file_put_away_never_overwrites_another(folders: HomeFolders) -> None:
    (folders.done / "calls.csv").write_text("older")
    write_azure(folders.landing / "calls.csv")
    (request,) = ticks(folders, 2)[1].run_requests or ()
    run(folders, request)
    assert (folders.done / "calls.csv").read_text() == "older"
    assert (folders.done / "calls-2.csv").exists()


def test_late_rows_rewrite_their_day_and_twice_changes_nothing(tmp_path: Path) -> None:
    early = trace_source("azure", write_azure(tmp_path / "early.csv", *ROWS[:5]), dataset="both")
    late = trace_source("azure", write_azure(tmp_path / "late.csv", *ROWS[5:8]), dataset="both")
    with LakeResource(home=str(tmp_path / "home"), dataset="both").opened() as lake:
        for source in (early, late, early, late):
            ingest_source(lake, source)
        calls = lake.scan("model_calls", schema=ModelCalls, days=[DAY]).collect()
    assert calls.height == 8
    counts = dict(calls.group_by("source_id").agg(pl.len()).iter_rows())
    assert counts == {early.source_id: 5, late.source_id: 3}


def test_an_unusable_file_leaves_what_was_there(tmp_path: Path) -> None:
    good = trace_source("azure", write_azure(tmp_path / "good.csv"), dataset="both")
    bad = tmp_path / "bad.csv"
    bad.write_text("")
    with LakeResource(home=str(tmp_path / "home"), dataset="both").opened() as lake:
        ingest_source(lake, good)
        before = lake.snapshot_id("model_calls")
        with pytest.raises(UnreadableTrace, match="is empty"):
            ingest_source(lake, trace_source("azure", bad, dataset="both"))
        assert lake.snapshot_id("model_calls") == before
