"""Evaluation by replay: value summed by hand, curves that divide what they say, percentiles, patience."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from hwmodel.catalog import DesignTable
from hwmodel.design import (
    AbandonmentModel,
    Evaluation,
    NoDeployment,
    PoolEvaluation,
    Scenario,
    evaluate,
    evaluate_many,
    pool_load,
    served_value,
)
from hwmodel.design.scenario import guessing
from hwmodel.physical import tco
from hwmodel.serving import EmptyDemand, NoFleet
from tests.hwmodel.design.planted import START, Shape, h100, planted
from tests.hwmodel.design.test_patience import CHAT_CURVE
from warehouse.contracts import SURFACES

CODEX, CHAT = SURFACES.index("codex_loop"), SURFACES.index("long_context_chat")
TWO = (Shape(), Shape(surface="long_context_chat", sessions_per_s=1.0, input_tokens=6000, value_usd_per_mtoken=4.0))


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return planted(*TWO)


@pytest.fixture(scope="module")
def found(scenario: Scenario) -> Evaluation:
    return evaluate(h100(), scenario)


def test_value_is_the_sum_of_the_calls_inside_their_limits(scenario: Scenario, found: Evaluation) -> None:
    pool, result = scenario.pools[0], found.pools[0].fleet.result
    by_hand = dict.fromkeys(range(len(SURFACES)), 0.0)
    for at in range(len(pool.demand)):
        in_time = result.ttft_s[at] <= 4.0 and result.tpot_s[at] <= 0.04
        if pool.demand.is_scored[at] and in_time:
            usd = {CODEX: 10e-6, CHAT: 4e-6}[int(pool.demand.surface[at])]
            by_hand[int(pool.demand.surface[at])] += usd * pool.demand.output_tokens[at]
    per_hour = pool.traffic_ratio * 3600.0 / 40.0
    assert found.value_by_surface.tolist() == pytest.approx([v * per_hour for v in by_hand.values()])
    assert found.value_usd_per_h == pytest.approx(sum(by_hand.values()) * per_hour)
    assert found.value_by_surface[CODEX] > 0.0 < found.value_by_surface[CHAT]


def test_served_value_never_exceeds_what_was_offered(scenario: Scenario, found: Evaluation) -> None:
    assert 0.0 < found.value_usd_per_h <= scenario.pools[0].offered_usd_per_h * (1.0 + 1e-9)


def test_the_cell_stands_for_the_traffic_of_the_fleet() -> None:
    once, thousand = planted(*TWO), planted(*TWO, traffic_ratio=1000.0)
    one, many = evaluate(h100(), once), evaluate(h100(), thousand)
    assert many.chips_needed == pytest.approx(1000.0 * one.chips_needed)
    assert many.value_usd_per_h == pytest.approx(1000.0 * one.value_usd_per_h)
    assert many.curves == pytest.approx(one.curves)
    offered_usd_per_h = 3600.0 * (2.0 * 2 * 164 * 10e-6 + 1.0 * 2 * 164 * 4e-6)
    assert once.pools[0].offered_usd_per_h == pytest.approx(offered_usd_per_h, rel=0.1)


def test_curves_divide_value_by_dollars_joules_racks_and_seconds(found: Evaluation) -> None:
    cost = tco(DesignTable.of([h100()]))
    chips, value = found.chips_needed, found.value_usd_per_h
    waited = np.nansum(found.pools[0].fleet.result.duration_s[found.pools[0].pool.demand.is_scored])
    waited_s_per_h = waited * found.pools[0].pool.traffic_ratio * 90.0
    assert found.curves == pytest.approx(
        {
            "value_per_usd_ratio": value / (chips * cost.typical_usd_per_chip_h[0]),
            "value_usd_per_j": value / (chips * cost.all_in_w[0] * 3600.0),
            "value_usd_per_rack_h": value * cost.chips_per_rack_count[0] / chips,
            "value_usd_per_latency_s": value / waited_s_per_h,
        }
    )


def test_doubled_values_double_the_value_and_leave_the_fleet() -> None:
    dearer = [replace(shape, value_usd_per_mtoken=2.0 * shape.value_usd_per_mtoken) for shape in TWO]
    one, two = evaluate(h100(), planted(*TWO)), evaluate(h100(), planted(*dearer))
    assert two.value_usd_per_h == pytest.approx(2.0 * one.value_usd_per_h)
    assert two.chips_needed == one.chips_needed


def test_the_late_share_counts_scored_calls_outside_their_limits(found: Evaluation) -> None:
    part = found.pools[0]
    scored = part.pool.demand.is_scored
    late = sum(
        not met for met, counts in zip(part.fleet.result.is_met.tolist(), scored.tolist(), strict=True) if counts
    )
    assert found.late_ratio == pytest.approx(late / scored.sum())


def test_the_late_share_of_two_pools_weighs_them_by_their_traffic(found: Evaluation) -> None:
    part = found.pools[0]
    rare = replace(part, late_ratio=1.0, pool=replace(part.pool, traffic_ratio=part.pool.traffic_ratio / 3.0))
    both = replace(found, pools=(replace(part, late_ratio=0.0), rare))
    assert both.late_ratio == pytest.approx(0.25)


def test_percentiles_are_of_scored_answered_calls(found: Evaluation) -> None:
    part = found.pools[0]
    times = np.sort(part.fleet.result.ttft_s[part.pool.demand.is_scored])
    for q in (50.0, 95.0):
        exact = found.percentile("ttft_s", q)
        assert (times <= exact).mean() >= q / 100.0
        assert (times < exact).mean() <= q / 100.0


def test_percentiles_weigh_pools_by_their_traffic(found: Evaluation) -> None:
    part = found.pools[0]
    count = len(part.pool.demand)

    def taking(wait_s: float, traffic_ratio: float) -> PoolEvaluation:
        result = replace(part.fleet.result, ttft_s=np.full(count, wait_s))
        return replace(
            part, pool=replace(part.pool, traffic_ratio=traffic_ratio), fleet=replace(part.fleet, result=result)
        )

    both = replace(found, pools=(taking(1.0, 9.0), taking(5.0, 1.0)))
    assert (both.percentile("ttft_s", 89.0), both.percentile("ttft_s", 91.0)) == (1.0, 5.0)


def test_a_fleet_that_answers_nothing_has_no_percentile(found: Evaluation) -> None:
    part = found.pools[0]
    never = replace(part.fleet.result, ttft_s=np.full(len(part.pool.demand), np.nan))
    silent = replace(found, pools=(replace(part, fleet=replace(part.fleet, result=never)),))
    assert silent.percentile("ttft_s", 50.0) == float("inf")


def test_people_who_leave_take_value_with_them(scenario: Scenario, found: Evaluation) -> None:
    pool, result = scenario.pools[0], found.pools[0].fleet.result
    stayed = served_value(pool, result, AbandonmentModel.nobody_leaves())
    left = served_value(pool, result, AbandonmentModel.of(CHAT_CURVE))
    assert stayed.tolist() == pytest.approx(found.value_by_surface.tolist())
    assert left[CODEX] == stayed[CODEX]
    # Sessions of two calls, every first token within five seconds: 0.9 at the first call, 0.81 at the second.
    assert 0.81 * stayed[CHAT] < left[CHAT] < 0.9 * stayed[CHAT]


def test_evaluating_many_is_evaluating_each(scenario: Scenario, found: Evaluation) -> None:
    slower = replace(h100(), name="slower", clock_hz=h100().clock_hz * 0.8)
    both = evaluate_many([h100(), slower], scenario)
    assert [e.design.name for e in both if e] == [h100().name, "slower"]
    for one, alone in zip(both, (found, evaluate(slower, scenario)), strict=True):
        assert one is not None
        assert one.curves == alone.curves
        assert (one.pools[0].fleet.result.ttft_s == alone.pools[0].fleet.result.ttft_s).all()


def test_designs_that_cannot_serve_the_demand_have_no_evaluation() -> None:
    hasty = planted(Shape(ttft_limit_s=0.4))
    thimble = replace(h100(), name="thimble", hbm_stack_bytes=0.1e9)
    snail = replace(h100(), name="snail", matrix_flop_per_clk=h100().matrix_flop_per_clk / 40.0)
    with pytest.raises(NoDeployment):
        evaluate(thimble, hasty)
    with pytest.raises(NoFleet):
        evaluate(snail, hasty)
    found = evaluate_many([thimble, h100(), snail], hasty)
    assert [None if e is None else e.design.name for e in found] == [None, h100().name, None]


def test_a_better_chip_needs_fewer_chips_for_the_same_demand(scenario: Scenario, found: Evaluation) -> None:
    faster = replace(h100(), name="faster", hbm_stack_bytes_per_s=h100().hbm_stack_bytes_per_s * 2.0)
    assert evaluate(faster, scenario).chips_needed < found.chips_needed


def test_guesses_say_how_far_the_replay_is_from_the_closed_form(scenario: Scenario, found: Evaluation) -> None:
    guesses = found.guesses()
    assert list(guesses) == ["llama-3.1-8b"]
    assert 0.3 < guesses["llama-3.1-8b"] < 3.0
    again = evaluate(h100(), guessing(scenario, guesses))
    assert again.chips_needed == pytest.approx(found.chips_needed, rel=0.02)


def test_the_cell_gives_the_baseline_the_replicas_it_was_asked_for(found: Evaluation) -> None:
    assert found.pools[0].fleet.replicas_needed == pytest.approx(2.0, rel=0.4)
    assert 0.0 < found.pools[0].utilisation_ratio <= 1.0


def test_an_empty_window_is_refused() -> None:
    with pytest.raises(EmptyDemand, match="scenario planted: no calls within 40 s from 2026-06-02 12:00"):
        planted(window_start=START + timedelta(days=1))


def test_calls_beyond_the_context_are_counted_and_left_out() -> None:
    long = Shape(surface="long_context_chat", sessions_per_s=0.2, input_tokens=140_000, steps=1)
    pool = planted(Shape(), long).pools[0]
    assert pool.unservable_count == 10
    assert (pool.demand.surface == CODEX).all()
    with pytest.raises(EmptyDemand, match="beyond the context of its LLM"):
        planted(long)


def test_the_load_of_a_pool_is_the_mean_of_its_scored_calls(scenario: Scenario) -> None:
    pool = scenario.pools[0]
    demand, load = pool.demand, pool_load(pool.demand, pool.window_s)
    scored = np.flatnonzero(demand.is_scored)
    assert load.calls_per_s == scored.size / 40.0
    assert load.fresh_tokens + load.shared_tokens == pytest.approx(demand.input_tokens[scored].mean())
    assert load.output_tokens == pytest.approx(demand.output_tokens[scored].mean())
    assert load.tpot_limit_s == 0.04
    assert (load.reuse_gap_s == 3.0).all()
