"""The table that one service hands to the next, through files and back; and the control of the whole comparison."""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest

from featurize import demand_calls
from hwmodel.catalog import ChipDesign, design_of, load_catalog
from hwmodel.serving.explained import DeclaredIncumbent, Explanation, Finding, explain_telemetry
from pipelines.errors import BadInput
from pipelines.latency_table import measured_latency, replayed_latency, write_latency
from pipelines.policy import serving_policy
from pipelines.requests import simulated
from pipelines.resources import SourceResource
from telemetry_sim import LatencyLaw, MeasuredLatency, SimulationSettings, simulate_days
from warehouse.contracts import ServiceLatency, Surface

TP = {"gpt-oss-120b": 2, "qwen3-next-80b-a3b": 4, "gemma-3-27b": 1}
REPLICAS = {"gpt-oss-120b": 0.25, "qwen3-next-80b-a3b": 0.25, "gemma-3-27b": 0.0625}
HOST_STEP_S = 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Telemetry and the demand in it."""

    calls: pl.DataFrame
    demand: pl.DataFrame


def told(*, calls_per_day: int, days: int, seed: int, latency: LatencyLaw | None) -> Told:
    settings = SimulationSettings(seed=seed, calls_per_day=calls_per_day)
    made = [frames for _, frames in simulate_days(settings, days, latency=latency, workers=1)]
    calls, sessions = (pl.concat([getattr(day, name) for day in made]) for name in ("model_calls", "sessions"))
    demand = demand_calls(calls.lazy(), serving_policy().lazy(), sessions.lazy()).collect()
    return Told(calls=calls, demand=demand)


def chip(name: str) -> ChipDesign:
    return design_of(load_catalog().chip(name))


def on(design: ChipDesign) -> DeclaredIncumbent:
    return DeclaredIncumbent(design=design, tp_by_llm=TP)


@cache
def served_by(name: str, seed: int) -> Told:
    """Two days of telemetry whose calls were served as a real chip's replay serves them."""
    asked = told(calls_per_day=24_000, days=2, seed=seed, latency=None)
    latencies = replayed_latency(
        asked.demand, serving_policy(), on(chip(name)), replicas_by_llm=REPLICAS, host_step_s=HOST_STEP_S
    )
    return told(calls_per_day=24_000, days=2, seed=seed, latency=MeasuredLatency.of(latencies))


def explained(telemetry: Told, design: ChipDesign) -> Explanation:
    return explain_telemetry(telemetry.demand, telemetry.calls, serving_policy(), on(design), catalog=load_catalog())


@pytest.mark.slow
@pytest.mark.parametrize(("name", "seed"), [("h100-sxm", 0), ("h200-sxm", 1)])
def test_telemetry_made_from_a_chips_table_is_explained_by_that_chip(name: str, seed: int) -> None:
    found = explained(served_by(name, seed), chip(name))
    assert found.verdict.finding is Finding.HOLDS
    assert found.verdict.likeness is not None
    assert found.verdict.likeness.distance_ratio < 1.1
    assert found.verdict.likeness.unexplained_ratio == pytest.approx(1.0, abs=0.15)
    assert found.unserved_ratio < 0.01


@pytest.mark.slow
@pytest.mark.parametrize(
    ("memory_ratio", "cores_ratio"),
    [pytest.param(0.25, 1.0, id="memory of a quarter"), pytest.param(1.0, 0.25, id="compute of a quarter")],
)
@pytest.mark.parametrize(("name", "seed"), [("h100-sxm", 0), ("h200-sxm", 1)])
def test_a_wrong_chip_does_not_explain_it(name: str, seed: int, memory_ratio: float, cores_ratio: float) -> None:
    right = chip(name)
    wrong = replace(
        right,
        name="wrong",
        hbm_stack_bytes_per_s=right.hbm_stack_bytes_per_s * memory_ratio,
        cores_count=right.cores_count * cores_ratio,
    )
    found = explained(served_by(name, seed), wrong)
    assert found.verdict.finding is Finding.FAILS
    assert found.verdict.tests[0].finding is Finding.FAILS


@cache
def small() -> Told:
    return told(calls_per_day=6_000, days=1, seed=4, latency=None)


@cache
def small_table() -> dy.DataFrame[ServiceLatency]:
    return replayed_latency(
        small().demand,
        serving_policy(),
        on(chip("h100-sxm")),
        replicas_by_llm=dict.fromkeys(TP, 1.0),
        host_step_s=0.001,
    )


def test_a_table_on_disk_serves_the_next_simulation_the_same_twice(tmp_path: Path) -> None:
    path = tmp_path / "latency.parquet"
    write_latency(path, small_table())
    source = simulated(days=1, calls_per_day=6_000, seed=4, latency=path)
    assert "latency.parquet" in source.description
    once, again = (
        next(iter(simulate_days(source.settings, 1, latency=law)))[1].model_calls
        for law in (source.latency(), measured_latency(path))
    )
    assert once.equals(again)
    typical_s = once.filter(pl.col("surface") == Surface.API_BURST.value)["ttft_s"].median()
    assert isinstance(typical_s, float)
    assert typical_s < 0.2


def test_an_llm_without_a_fleet_is_left_out_and_its_surface_keeps_its_law() -> None:
    asked = told(calls_per_day=1500, days=1, seed=0, latency=None)
    served = asked.demand["llm"].cast(pl.String)
    kept = next(llm for llm in REPLICAS if (served == llm).any() and (served != llm).any())
    latencies = replayed_latency(
        asked.demand,
        serving_policy(),
        on(chip("h100-sxm")),
        replicas_by_llm={kept: REPLICAS[kept]},
        host_step_s=HOST_STEP_S,
    )
    surfaces = asked.demand.filter(served == kept)["surface"].cast(pl.String)
    assert set(latencies["surface"].cast(pl.String)) <= set(surfaces)


def test_without_a_table_a_source_serves_by_the_incumbents_laws() -> None:
    assert simulated(days=1, calls_per_day=100, seed=1).latency() is None


def test_a_source_with_a_table_survives_the_resource_that_carries_it(tmp_path: Path) -> None:
    source = simulated(days=2, calls_per_day=100, seed=1, latency=tmp_path / "latency.parquet")
    assert SourceResource.of(source).source() == source
    bare = simulated(days=2, calls_per_day=100, seed=1)
    assert SourceResource.of(bare).source() == bare


def test_a_file_that_is_no_table_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "other.parquet"
    small().calls.write_parquet(path)
    with pytest.raises(BadInput, match=r"other\.parquet"):
        measured_latency(path)
    with pytest.raises(BadInput, match=r"gone\.parquet"):
        measured_latency(tmp_path / "gone.parquet")
