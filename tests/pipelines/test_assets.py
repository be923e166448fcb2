"""Each asset called as a plain function on a home of its own: rows in, rows in the lake, checks told."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from pipelines.assets import features, history, telemetry
from pipelines.lake_days import read_days, write_day
from pipelines.recording import record_day
from pipelines.resources import LakeResource, LoopResource, SourceResource, trace_source
from pipelines.source import SimulatedSource
from pipelines.tables import TABLES
from tests.pipelines.homes import FIRST, made_day, small_source
from tests.pipelines.trace_files import NEGATIVE, ROWS, write_azure
from warehouse.contracts import ModelCalls
from warehouse.errors import ConcurrentWrite, ContractBroken
from warehouse.lake import Lake

Result = dg.MaterializeResult[None]
Asset = Callable[..., Result]


def context(day: date = FIRST) -> dg.AssetExecutionContext:
    return dg.build_asset_context(partition_key=day.isoformat())


def days_results(lake: LakeResource, source: SourceResource) -> dict[str, Result]:
    """What the telemetry asset yields, by table: its own function, as Dagster wants one output per check otherwise."""
    body = telemetry.telemetry.op.compute_fn.decorated_fn  # type: ignore[union-attr]
    return {
        dg.AssetKey.from_coercible(result.asset_key).to_user_string(): result
        for result in body(context(), lake=lake, source=source)
    }


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[LakeResource, SourceResource, dict[str, Result]]:
    """A lake with the telemetry of one small day, and what the asset said of it."""
    lake = LakeResource(home=str(tmp_path_factory.mktemp("home")))
    source = SourceResource.of(small_source())
    return lake, source, days_results(lake, source)


Filled = tuple[LakeResource, SourceResource, dict[str, Result]]


def passed(result: Result) -> dict[str, bool]:
    return {str(check.check_name): check.passed for check in result.check_results or ()}


def test_telemetry_writes_the_three_tables_of_the_day(filled: Filled) -> None:
    lake, _, results = filled
    made = made_day()
    assert set(results) == {"model_calls", "tool_calls", "sessions"}
    with lake.opened() as tables:
        for name, frame in made.items():
            assert read_days(tables, name, [FIRST]).collect().height == frame.height > 0


def test_a_materialisation_says_where_the_rows_are_and_what_made_them(filled: Filled) -> None:
    lake, _, results = filled
    metadata = dict(results["model_calls"].metadata or {})
    with lake.opened() as tables:
        assert metadata["snapshot_id"] == dg.MetadataValue.text(str(tables.snapshot_id("model_calls")))
        assert metadata["dagster/row_count"] == dg.MetadataValue.int(tables.row_count("model_calls"))
    assert metadata["dagster/table_name"] == dg.MetadataValue.text("synthetic.model_calls")
    assert str(metadata["dagster/uri"].value).startswith("file:///")  # type: ignore[union-attr]
    assert metadata["seed"] == dg.MetadataValue.int(3)
    picture = str(metadata["picture"].value)  # type: ignore[union-attr]
    assert picture.startswith("![model_calls](data:image/png;base64,iVBOR")
    assert len(picture) < 140_000


def test_telemetry_tells_every_check_it_declares(filled: Filled) -> None:
    told = {name: ok for result in filled[2].values() for name, ok in passed(result).items()}
    assert set(told) == {spec.name for spec in telemetry.telemetry.check_specs}
    assert all(told.values())


@pytest.mark.parametrize(
    "table",
    [
        "session_features",
        "wait_profile",
        "stall_profile",
        "abandonment_curve",
        "context_growth",
        "workload_mix",
        "prefix_reuse",
    ],
)
def test_a_feature_writes_its_day_and_holds_its_contract(filled: Filled, table: str) -> None:
    lake, _, _ = filled
    asset: dg.AssetsDefinition = getattr(features, table)
    result: Result = asset(context(), lake=lake)  # type: ignore[assignment]
    assert set(passed(result)) == {spec.name for spec in asset.check_specs}
    assert all(passed(result).values())
    with lake.opened() as tables:
        assert tables.days(table) == [FIRST]


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("abandonment_thresholds", 0),
        ("context_trend", 0),
        ("workload_drift", 0),
        ("emerging_workloads", 0),
        ("demand_forecast", 18),
    ],
)
def test_a_feature_of_history_says_little_after_one_day_and_holds_its_contract(
    filled: Filled, table: str, rows: int
) -> None:
    lake, _, _ = filled
    for needed in ("session_features", "workload_mix"):
        getattr(features, needed)(context(), lake=lake)
    asset: dg.AssetsDefinition = getattr(history, table)
    result: Result = asset(context(), lake=lake)  # type: ignore[assignment]
    assert set(passed(result)) == {spec.name for spec in asset.check_specs}
    assert all(passed(result).values())
    with lake.opened() as tables:
        assert tables.row_count(table) == rows


def test_demand_is_served_by_the_policy_or_by_the_llm_that_was_asked_for(filled: Filled) -> None:
    lake, source, _ = filled
    for loop, served in ((LoopResource(), 3), (LoopResource(llm="gpt-oss-120b"), 1)):
        result: Result = features.demand_calls(context(), lake=lake, source=source, loop=loop)  # type: ignore[assignment]
        assert all(passed(result).values())
        assert "demand_calls__tokens_conserved" in passed(result)
        with lake.opened() as tables:
            assert read_days(tables, "demand_calls", [FIRST]).collect()["llm"].n_unique() == served


def test_another_seed_replaces_the_day_and_leaves_no_rows_behind(tmp_path: Path) -> None:
    lake = LakeResource(home=str(tmp_path))
    for seed in (1, 2):
        source = SourceResource.of(small_source(seed=seed, calls_per_day=300))
        days_results(lake, source)
    with lake.opened() as tables:
        assert read_days(tables, "model_calls", [FIRST]).collect()["source_id"].unique().to_list() == ["synthetic:2"]


def test_quarantine_accounts_for_every_row_of_a_trace(tmp_path: Path) -> None:
    path = write_azure(tmp_path / "calls.csv", *ROWS, NEGATIVE)
    given = trace_source("azure", path)
    lake = LakeResource(home=str(tmp_path / "home"), dataset=given.dataset)
    result = telemetry.quarantine(dg.build_asset_context(), lake=lake, source=SourceResource.of(given))
    assert passed(result)["quarantine__calls_accounted"]  # type: ignore[arg-type]
    with lake.opened() as tables:
        assert tables.row_count("quarantine") == 1


def test_a_source_survives_its_way_through_a_resource(tmp_path: Path) -> None:
    simulated = small_source(seed=11, day_count=4)
    assert SourceResource.of(simulated).source() == simulated
    traced = trace_source("azure", tmp_path / "calls.csv", "codex_loop", "mine")
    assert SourceResource.of(traced).source() == traced


def test_a_name_that_looks_like_markup_stays_a_name(tmp_path: Path, filled: Filled) -> None:
    tenant = "<script>alert(1)</script>"
    calls = made_day()["model_calls"].with_columns(tenant_id=pl.lit(tenant))
    with LakeResource(home=str(tmp_path)).opened() as lake:
        record_day(lake, "model_calls", calls, FIRST)
        assert read_days(lake, "model_calls", [FIRST]).collect()["tenant_id"].unique().to_list() == [tenant]


def test_a_row_that_breaks_the_contract_is_not_written(tmp_path: Path, filled: Filled) -> None:
    calls = made_day()["model_calls"]
    with LakeResource(home=str(tmp_path)).opened() as lake:
        with pytest.raises(ContractBroken):
            write_day(lake, "model_calls", calls.with_columns(cache_read_tokens=pl.col("input_tokens") + 1), FIRST)
        assert lake.row_count("model_calls") == 0


@pytest.mark.parametrize(
    ("error", "tries"), [(ConcurrentWrite("too late"), 4), (OSError("disk full"), 4), (ContractBroken("wrong"), 1)]
)
def test_a_lost_race_is_tried_again_and_bad_data_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, tries: int
) -> None:
    attempts = []

    def fails(*_: object, **__: object) -> None:
        attempts.append(1)
        raise error

    monkeypatch.setattr(Lake, "replace_stream", fails)
    monkeypatch.setattr("pipelines.recording.FIRST_WAIT_S", 0.0)
    resources = {"lake": LakeResource(home=str(tmp_path)), "source": SourceResource.of(small_source(calls_per_day=50))}
    with pytest.raises((dg.DagsterError, ContractBroken)):
        dg.materialize([telemetry.telemetry], partition_key=FIRST.isoformat(), resources=resources)
    assert len(attempts) == tries


def test_the_body_of_an_asset_is_short() -> None:
    import ast

    for module in (telemetry, features, history):
        tree = ast.parse(Path(str(module.__file__)).read_text())
        for node in ast.walk(tree):
            is_asset = isinstance(node, ast.FunctionDef) and node.decorator_list
            if is_asset and isinstance(node, ast.FunctionDef):
                first = node.body[1].lineno
                assert (node.end_lineno or first) - first + 1 <= 12, node.name


def test_a_simulation_without_days_is_refused() -> None:
    from pipelines.errors import BadInput

    with pytest.raises(BadInput, match="0 days"):
        replace(small_source(), day_count=0)
    assert isinstance(small_source(), SimulatedSource)
    assert set(TABLES["model_calls"].schema.column_names()) == set(ModelCalls.column_names())
