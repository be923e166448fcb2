"""Scenarios of weighted demand: sessions that were left are served too, and the closed form knows of them."""

from dataclasses import fields, replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwmodel.catalog import load_catalog
from hwmodel.design import AbandonmentModel, CellSize, Scenario, scenario_of
from hwmodel.design.pool import QUANTILES, pool_load, weighted_quantiles
from hwmodel.serving import ReplayDemand, replay_demand, scale_sessions
from tests.hwmodel.design.planted import START, TINY_CELL, Shape, demand_of, h100, policy_of

SHAPE = Shape(steps=3)
POLICY = policy_of([SHAPE])
WINDOW_START = START + timedelta(seconds=TINY_CELL.lead_in_s)
RISING = (1.0, 1.25, 1.6)
"""Weight by step: like sessions were left after the first and the second call."""


def weighted(by_step: tuple[float, ...]) -> pl.DataFrame:
    weight = pl.col("step_index").replace_strict(dict(enumerate(by_step)), return_dtype=pl.Float64)
    return demand_of([SHAPE], span_s=TINY_CELL.lead_in_s + TINY_CELL.window_s).with_columns(weight_ratio=weight)


def scenario_for(demand: pl.DataFrame, cell: CellSize = TINY_CELL) -> Scenario:
    return scenario_of(
        demand,
        POLICY,
        name="weighted",
        baseline=h100(),
        catalog=load_catalog(),
        abandonment=AbandonmentModel.nobody_leaves(),
        window_start=WINDOW_START,
        cell=cell,
        traffic_ratio=1.0,
        seed=1,
    )


def offered(demand: pl.DataFrame, per_call: pl.Expr) -> float:
    """Weighted sum over the calls of the window."""
    window = WINDOW_START, WINDOW_START + timedelta(seconds=TINY_CELL.window_s)
    scored = demand.filter(pl.col("requested_at").is_between(*window, closed="left"))
    return float(scored.select((pl.col("weight_ratio") * per_call).sum()).item())


def same(one: ReplayDemand, other: ReplayDemand) -> bool:
    return all(getattr(one, f.name).tobytes() == getattr(other, f.name).tobytes() for f in fields(ReplayDemand))


@pytest.mark.parametrize("by_step", [RISING, (1.0, 1.0, 1.0), (2.0, 2.0, 2.0)])
def test_the_cells_calls_and_tokens_at_the_fleets_traffic_are_the_weighted_sums(by_step: tuple[float, ...]) -> None:
    demand = weighted(by_step)
    (pool,) = scenario_for(demand).pools
    scored = pool.demand.is_scored
    assert scored.sum() * pool.traffic_ratio == pytest.approx(offered(demand, pl.lit(1.0)))
    for name in ("input_tokens", "output_tokens"):
        served = getattr(pool.demand, name)[scored].sum() * pool.traffic_ratio
        assert served == pytest.approx(offered(demand, pl.col(name)), rel=0.02), name
    value = offered(demand, pl.col("value_usd_per_token") * pl.col("output_tokens")) * 3600.0 / TINY_CELL.window_s
    assert pool.offered_usd_per_h == pytest.approx(value, rel=0.02)


def test_the_same_weight_everywhere_is_the_same_cell_for_more_traffic() -> None:
    once, twice = (scenario_for(weighted((weight,) * 3)).pools[0] for weight in (1.0, 2.0))
    assert same(once.demand, twice.demand)
    assert twice.traffic_ratio == pytest.approx(2.0 * once.traffic_ratio)


def test_the_same_seed_gives_the_same_cell() -> None:
    one, other = (scenario_for(weighted(RISING)).pools[0] for _ in range(2))
    assert same(one.demand, other.demand)


def test_calls_that_stand_for_none_are_not_served() -> None:
    (pool,) = scenario_for(weighted((1.0, 1.0, 0.0))).pools
    assert set(pool.demand.input_tokens.tolist()) == {SHAPE.input_tokens, 2 * SHAPE.input_tokens}


def test_the_closed_form_counts_a_call_as_often_as_its_weight_says() -> None:
    heavy = replay_demand(weighted((1.0, 2.0, 3.0)), POLICY)
    repeated = np.repeat(np.arange(len(heavy)), heavy.weight_ratio.astype(int))
    columns = {f.name: getattr(heavy, f.name)[repeated] for f in fields(ReplayDemand)}
    copied = ReplayDemand(**{**columns, "weight_ratio": np.ones(repeated.size)})
    of_weights, of_copies = pool_load(heavy, 40.0), pool_load(copied, 40.0)
    for part in fields(of_weights):
        np.testing.assert_allclose(getattr(of_weights, part.name), getattr(of_copies, part.name), err_msg=part.name)


def test_a_rare_level_is_one_of_little_weight() -> None:
    demand = replay_demand(weighted((1.0, 1.0, 1.0)), POLICY)
    strict = np.where(np.arange(len(demand)) % 10 == 0, 0.001, 0.04)
    weight = np.where(strict < 0.04, 0.1, 1.0)
    assert pool_load(replace(demand, tpot_limit_s=strict), 40.0).tpot_limit_s == 0.001
    assert pool_load(replace(demand, tpot_limit_s=strict, weight_ratio=weight), 40.0).tpot_limit_s == 0.04


def test_a_cell_of_too_many_calls_is_made_smaller() -> None:
    demand = weighted(RISING)
    (whole,) = scenario_for(demand).pools
    (small,) = scenario_for(demand, cell=replace(TINY_CELL, most_calls_count=int(len(whole.demand) * 0.7))).pools
    assert len(small.demand) == pytest.approx(0.7 * len(whole.demand), rel=0.02)
    assert small.demand.is_scored.sum() * small.traffic_ratio == pytest.approx(offered(demand, pl.lit(1.0)))


def test_a_stratified_cell_has_every_surface_in_its_own_share_to_a_session() -> None:
    shapes = (Shape(), Shape(surface="long_context_chat", sessions_per_s=0.4), Shape(surface="api_burst"))
    demand = replay_demand(demand_of(shapes, span_s=60.0), policy_of(shapes))
    whole = sessions_of(demand)
    for seed in range(5):
        part = sessions_of(scale_sessions(demand, 0.3, jitter_s=0.0, seed=seed, stratified=True))
        for surface, count in whole.items():
            assert part[surface] == pytest.approx(0.3 * count, abs=1.5), (seed, surface)


def sessions_of(demand: ReplayDemand) -> dict[int, int]:
    return {int(s): np.unique(demand.session[demand.surface == s]).size for s in np.unique(demand.surface)}


@given(values=st.lists(st.floats(0.0, 1e4), min_size=1, max_size=50))
def test_quantiles_of_equal_weights_are_numpys(values: list[float]) -> None:
    found = weighted_quantiles(np.array(values), np.full(len(values), 1.3))
    np.testing.assert_allclose(found, np.quantile(values, QUANTILES), rtol=1e-9, atol=1e-9)


def test_quantiles_lean_to_what_weighs_more() -> None:
    values = np.repeat([3.0, 1.0, 2.0], 20)
    assert weighted_quantiles(values, np.repeat([8.0, 1.0, 1.0], 20)).mean() == pytest.approx(2.7, abs=0.05)
    assert weighted_quantiles(values, np.repeat([1.0, 8.0, 1.0], 20)).mean() == pytest.approx(1.3, abs=0.05)
