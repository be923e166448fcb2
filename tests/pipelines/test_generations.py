"""A chain of generations: who is accepted, what demand answers, and that it stays as it was where it does not answer."""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from hwmodel.catalog import ChipDesign, design_of, load_catalog
from pipelines.errors import BadInput
from pipelines.exploration.keeping.log import ledger_id
from pipelines.generations import GenerationPlan, accept_best, answering, moved_demand, run_generations
from pipelines.incumbent import incumbent_design
from pipelines.lake_days import read_days
from pipelines.resources import LakeResource, LedgerResource, SourceResource
from pipelines.run_loop import run_loop
from pipelines.source import SimulatedSource, TraceSource
from tests.pipelines.homes import request_in, small_source
from warehouse.contracts import Surface
from warehouse.errors import NotRecorded
from warehouse.ledger import DesignPoint, Recommendation, RecommendationStatus, Run

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
CHANGES = pl.DataFrame(
    {
        "design_id": ["one", "one"],
        "surface": ["api_burst", "codex_loop"],
        "price_ratio": [0.5, 1.0],
        "latency_ratio": [1.0, 1.0],
    }
)


def bigger() -> ChipDesign:
    return replace(design_of(load_catalog().chip("h100-sxm")), name="h100 with 6 stacks", hbm_stacks_count=6.0)


def record_recommendation(home: Path) -> str:
    """A run that recommends one design; returns the design's id."""
    design = bigger()
    run = Run(
        run_id="r1",
        dataset="synthetic",
        seed=1,
        baseline_chip="h100-sxm",
        llm_mix={},
        started_at=NOON,
        code_version="1",
    )
    found = Recommendation(
        run_id="r1", design_id=ledger_id(design), rank=1, change={}, predicted_gain_ratio=1.2, low=1.1, high=1.3
    )
    with LedgerResource(home=str(home)).opened() as ledger, ledger.unit_of_work() as work:
        work.runs.add(run)
        work.designs.add(DesignPoint(design_id=ledger_id(design), parameters=asdict(design), created_at=NOON))
        work.recommendations.add(found)
    return ledger_id(design)


def demand_of(home: Path, dataset: str) -> pl.DataFrame:
    with LakeResource(home=str(home), dataset=dataset).opened() as lake:
        return read_days(lake, "demand_calls", lake.days("demand_calls")).collect()


def test_a_recommended_design_can_be_the_chip_in_service(tmp_path: Path) -> None:
    design_id = record_recommendation(tmp_path)
    with LedgerResource(home=str(tmp_path)).opened() as ledger:
        for name in ("r1:1", f"r1:{design_id}"):
            assert incumbent_design(name, ledger, allow_estimates=False) == bigger()
        with pytest.raises(NotRecorded, match="no recommendation"):
            incumbent_design("r1:2", ledger, allow_estimates=False)
        with pytest.raises(NotRecorded, match="no run"):
            incumbent_design("r9:1", ledger, allow_estimates=False)


def test_the_best_recommendation_is_accepted_and_the_ledger_says_why(tmp_path: Path) -> None:
    design_id = record_recommendation(tmp_path)
    accepted = accept_best(tmp_path, "r1", number=2)
    assert accepted is not None
    assert accepted.design_id == design_id
    with LedgerResource(home=str(tmp_path)).opened() as ledger:
        decided = ledger.decisions_of("r1", 1)[-1]
    assert decided.status is RecommendationStatus.ACCEPTED
    assert "generation 2" in decided.why


def test_a_run_without_recommendation_ends_the_chain(tmp_path: Path) -> None:
    record_recommendation(tmp_path)
    assert accept_best(tmp_path, "r0", number=2) is None


def test_demand_answers_to_price_and_says_by_how_much() -> None:
    moved = moved_demand(CHANGES, scale_ratio=1.0)
    assert moved["codex_loop"]["volume_ratio"] == 1.0
    answer = moved["api_burst"]
    assert 1.0 < answer["volume_low_ratio"] < answer["volume_ratio"] < answer["volume_high_ratio"]
    assert {each["volume_ratio"] for each in moved_demand(CHANGES, scale_ratio=0.0).values()} == {1.0}


def test_the_next_generation_has_a_data_set_of_its_own() -> None:
    moved = moved_demand(CHANGES, scale_ratio=1.0)
    second = answering(small_source(), moved, number=2)
    third = answering(second, moved, number=3)
    assert (second.dataset, third.dataset) == ("synthetic_generation_2", "synthetic_generation_3")
    assert isinstance(second, SimulatedSource)
    assert second.settings.calls_of(Surface.API_BURST) > small_source().settings.calls_of(Surface.API_BURST)


def test_a_generation_survives_the_settings_of_a_run() -> None:
    second = answering(small_source(), moved_demand(CHANGES, scale_ratio=1.0), number=2)
    again = SourceResource.of(second).source()
    assert again == second


def test_demand_that_does_not_answer_is_the_same_to_the_byte(tmp_path: Path) -> None:
    request = request_in(tmp_path, calls_per_day=600)
    run_loop(request)
    run_loop(replace(request, source=answering(request.source, moved_demand(CHANGES, scale_ratio=0.0), number=2)))
    first, second = demand_of(tmp_path, "synthetic"), demand_of(tmp_path, "synthetic_generation_2")
    assert len(first) > 100
    assert first.equals(second)


def test_what_cannot_be_run_is_refused(tmp_path: Path) -> None:
    for count, elasticity in ((0, 1.0), (11, 1.0), (2, -0.1), (2, float("nan"))):
        with pytest.raises(BadInput):
            GenerationPlan(count=count, elasticity_ratio=elasticity)
    traced = replace(request_in(tmp_path), source=TraceSource(format="azure", path=tmp_path / "calls.csv"))
    with pytest.raises(BadInput, match="--elasticity 0"):
        run_generations(traced, GenerationPlan(count=2))
