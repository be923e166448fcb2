"""Cases of a demand: who is alone, what grows, and what can be replayed."""

from dataclasses import replace

import numpy as np
import pytest

from hwmodel.catalog import DesignTable
from hwmodel.design import Case, CaseKind, ForecastRow, Scenario, cases_of, closed_form_value, in_cell, scenario_under
from hwmodel.design.scenarios import FEWEST_CALLS
from hwmodel.serving import EmptyDemand
from tests.hwmodel.design.planted import TINY_CELL, Shape, h100, planted
from warehouse.contracts import SERVICE_TIERS, SURFACES

CODING, CHAT = SURFACES.index("codex_loop"), SURFACES.index("long_context_chat")


@pytest.fixture(scope="module")
def today() -> Scenario:
    shapes = (Shape(sessions_per_s=6.0), Shape(surface="long_context_chat", sessions_per_s=4.0, input_tokens=9000))
    return planted(*shapes, cell=replace(TINY_CELL, replicas_count=4.0))


def alone(surface: int) -> Case:
    sessions = np.zeros((len(SURFACES), len(SERVICE_TIERS)))
    sessions[surface] = 1.0
    return Case(name="alone", kind=CaseKind.SURFACE, session_ratio=sessions)


def calls_per_s(scenario: Scenario) -> float:
    return sum(pool.load.calls_per_s * pool.traffic_ratio for pool in scenario.pools)


def test_a_short_history_leaves_the_forecast_out_and_says_so(today: Scenario) -> None:
    rows = [ForecastRow(surface="codex_loop", session_ratio=None, input_ratio=None, output_ratio=None)]
    cases, lacking = cases_of(today, {"p10": rows, "p90": []})
    assert not [case for case in cases if case.kind is CaseKind.FORECAST]
    assert set(lacking) >= {"forecast p10", "forecast p90"}


def test_a_forecast_scales_sessions_and_lengths_of_its_surfaces_only(today: Scenario) -> None:
    rows = [ForecastRow(surface="codex_loop", session_ratio=2.0, input_ratio=1.5, output_ratio=None)]
    cases, _ = cases_of(today, {"p50": rows})
    grown = scenario_under(today, next(case for case in cases if case.kind is CaseKind.FORECAST))
    before, after = today.pools[0].demand, grown.pools[0].demand
    coding = before.surface == CODING
    assert after.weight_ratio[coding] == pytest.approx(2.0)
    assert after.weight_ratio[~coding] == pytest.approx(1.0)
    assert after.input_tokens[coding] == pytest.approx(before.input_tokens[coding] * 1.5, abs=1)
    assert (after.output_tokens == before.output_tokens).all()


def test_surfaces_with_enough_calls_are_cases_and_the_only_tier_is_today(today: Scenario) -> None:
    scored = sum(int((p.demand.is_scored & (p.demand.surface == CODING)).sum()) for p in today.pools)
    assert scored >= FEWEST_CALLS
    cases, lacking = cases_of(today, {})
    assert "codex loop" in {case.name for case in cases}
    assert lacking["interactive tier alone"].endswith("that is today")
    assert "0 calls" in lacking["multimodal alone"]


def test_surfaces_alone_add_up_to_today(today: Scenario) -> None:
    parts = [calls_per_s(scenario_under(today, alone(surface))) for surface in (CODING, CHAT)]
    assert sum(parts) == pytest.approx(calls_per_s(today))


def test_a_case_that_leaves_a_pool_alone_keeps_the_same_pool(today: Scenario) -> None:
    same = Case(name="same", kind=CaseKind.WHAT_IF)
    assert all(a is b for a, b in zip(scenario_under(today, same).pools, today.pools, strict=True))


def test_a_case_without_calls_is_refused(today: Scenario) -> None:
    with pytest.raises(EmptyDemand, match="leave the case out"):
        scenario_under(today, alone(SURFACES.index("multimodal")))


def test_prompts_that_grow_beyond_the_context_are_unservable_not_clipped(today: Scenario) -> None:
    longer = Case(name="longer", kind=CaseKind.WHAT_IF, input_ratio=np.full(len(SURFACES), 10.0))
    grown = scenario_under(today, longer)
    assert sum(p.unservable_count for p in grown.pools) > 0
    fits = grown.pools[0].demand.input_tokens + grown.pools[0].demand.output_tokens <= grown.pools[0].llm.context_tokens
    assert (grown.pools[0].demand.weight_ratio[~fits] == 0.0).all()


def test_a_cell_holds_only_its_own_calls_each_once_and_serves_the_same_traffic(today: Scenario) -> None:
    asked = scenario_under(today, alone(CHAT))
    cell = in_cell(asked, replicas_count=2.0, seed=3)
    for pool in cell.pools:
        assert set(pool.demand.surface.tolist()) == {CHAT}
        assert (pool.demand.weight_ratio == 1.0).all()
    assert calls_per_s(cell) == pytest.approx(calls_per_s(asked), rel=1e-6)
    table = DesignTable.of([h100()])
    assert closed_form_value(table, cell)[0] == pytest.approx(closed_form_value(table, asked)[0], rel=0.15)


def test_a_cell_is_the_same_for_the_same_seed(today: Scenario) -> None:
    first, again = (in_cell(scenario_under(today, alone(CHAT)), replicas_count=2.0, seed=3) for _ in range(2))
    assert all((a.demand.start_ns == b.demand.start_ns).all() for a, b in zip(first.pools, again.pools, strict=True))


def test_a_cell_holds_no_more_calls_than_asked_and_stands_for_the_same_traffic(today: Scenario) -> None:
    asked = scenario_under(today, alone(CHAT))
    usual = in_cell(asked, replicas_count=2.0, seed=3)
    small = in_cell(asked, replicas_count=2.0, seed=3, most_calls_count=len(usual.pools[0].demand) // 2)
    assert len(small.pools[0].demand) == pytest.approx(len(usual.pools[0].demand) / 2, rel=0.1)
    assert calls_per_s(small) == pytest.approx(calls_per_s(asked), rel=0.05)
