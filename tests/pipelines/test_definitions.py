"""The graph loads, is complete, and says what it should of its assets."""

from pathlib import Path

import dagster as dg
import pytest

from pipelines.definitions import build_definitions
from pipelines.settings import Executor, Settings
from pipelines.tables import TABLES, Group


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    return build_definitions(Settings(home=tmp_path_factory.mktemp("home")))


def assets(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


def test_every_table_has_an_asset_of_its_name(definitions: dg.Definitions) -> None:
    assert set(TABLES) <= set(assets(definitions))


def test_every_table_asset_says_what_it_is_and_who_owns_it(definitions: dg.Definitions) -> None:
    for name, spec in assets(definitions).items():
        if name in TABLES:
            assert spec.description, name
            assert spec.owners, name
            assert {"polars", "iceberg"} <= spec.kinds, name
            assert spec.group_name == TABLES[name].group, name
            assert spec.code_version, name
            schema = spec.metadata["dagster/column_schema"]
            assert [column.name for column in schema.columns] == TABLES[name].schema.column_names()


def test_features_come_from_telemetry_or_from_each_other_and_go_stale(definitions: dg.Definitions) -> None:
    for name, spec in assets(definitions).items():
        if spec.group_name == Group.FEATURES:
            deps = {dep.asset_key.to_user_string() for dep in spec.deps}
            assert deps & {"model_calls", "session_features", "workload_mix"}, name
            assert spec.freshness_policy is not None, name


def test_every_rule_of_a_contract_is_a_check(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    checks = {key.name for key in graph.asset_check_keys}
    for name, table in TABLES.items():
        assert {f"{name}__{rule}" for rule in table.rules} <= checks, name
    assert "model_calls__cached_tokens_within_input" in checks
    assert {"model_calls__tokens_conserved", "demand_calls__tokens_conserved", "quarantine__calls_accounted"} <= checks


def test_jobs_schedules_and_sensors_are_there(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()
    assert {"telemetry_daily", "features_daily", "ingest_trace", "maintenance_weekly"} <= set(repository.job_names)
    schedules = {schedule.name: schedule.cron_schedule for schedule in repository.schedule_defs}
    assert schedules["telemetry_every_day"] == "0 2 * * *"
    assert {sensor.name for sensor in repository.sensor_defs} >= {"landing_folder", "features_of_landed_days"}


def test_the_daily_job_is_telemetry_and_features(definitions: dg.Definitions) -> None:
    job = definitions.resolve_job_def("telemetry_daily")
    selected = {key.to_user_string() for key in job.asset_layer.selected_asset_keys}
    assert selected == {name for name, table in TABLES.items() if table.group in {Group.TELEMETRY, Group.FEATURES}}


def test_the_schedule_asks_for_the_day_before(definitions: dg.Definitions) -> None:
    from datetime import UTC, datetime

    schedule = next(s for s in definitions.get_repository_def().schedule_defs if s.name == "telemetry_every_day")
    context = dg.build_schedule_context(
        scheduled_execution_time=datetime(2026, 6, 4, 2, tzinfo=UTC), repository_def=definitions.get_repository_def()
    )
    tick = schedule.evaluate_tick(context)
    assert [request.partition_key for request in tick.run_requests or ()] == ["2026-06-03"]


def test_the_executor_is_chosen_by_setting(tmp_path: Path) -> None:
    for choice, executor in (
        (Executor.IN_PROCESS, dg.in_process_executor),
        (Executor.MULTIPROCESS, dg.multiprocess_executor),
    ):
        assert build_definitions(Settings(home=tmp_path, executor=choice)).executor is executor


def test_an_override_takes_the_place_of_a_resource(tmp_path: Path) -> None:
    from pipelines.resources import SourceResource

    mine = SourceResource(seed=99)
    assert (build_definitions(Settings(home=tmp_path), {"source": mine}).resources or {})["source"] is mine
