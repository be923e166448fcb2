"""The closed-form fleet: proportional to traffic, never worse for more of anything, honest where nothing fits."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwmodel.catalog import ChipDesign, DesignTable, load_catalog
from hwmodel.design import NoDeployment, Pool, closed_form_fleet
from hwmodel.design.closed_form import TP_COUNTS, ClosedFormFleet, _reuse, require_deployment
from hwmodel.serving import cached_ratio
from tests.hwmodel.design.planted import Shape, h100, planted

POOL = planted().pools[0]
MORE_IS_BETTER = (
    "hbm_stack_bytes_per_s",
    "hbm_stack_bytes",
    "hbm_stacks_count",
    "cores_count",
    "matrix_flop_per_clk",
    "clock_hz",
    "link_bytes_per_s",
    "l2_bytes_per_clk",
)
FIXED_CLOCK_W = 1e6
"""Power that no design draws: more of anything at one TDP may lower the clock."""
UNSETTLED_RATIO = 0.002
"""The shares of cached prefixes and the best batch are found in four rounds: so much is left open."""


def fleet(*designs: ChipDesign, pool: Pool = POOL) -> ClosedFormFleet:
    return closed_form_fleet(DesignTable.of(designs or (h100(),)), pool)


def loaded(**changes: Any) -> Pool:
    return replace(POOL, load=replace(POOL.load, **changes))


@pytest.mark.parametrize("factor", [0.1, 0.9, 3.0, 50.0])
def test_replicas_are_proportional_to_traffic(factor: float) -> None:
    more = fleet(pool=loaded(calls_per_s=POOL.load.calls_per_s * factor))
    assert more.replicas_by_tp == pytest.approx(fleet().replicas_by_tp * factor)
    assert more.tp_count == fleet().tp_count


def test_a_tighter_time_per_token_never_needs_fewer_replicas() -> None:
    limits_s = np.geomspace(0.2, 0.001, 20)
    needed = np.stack([fleet(pool=loaded(tpot_limit_s=limit)).replicas_by_tp[:, 0] for limit in limits_s.tolist()])
    assert (needed[1:] >= needed[:-1]).all()
    assert needed[-1].max() > needed[0].max()


@pytest.mark.parametrize("name", MORE_IS_BETTER)
@pytest.mark.parametrize("gap_s", [1.0, 30.0])
def test_more_of_anything_never_needs_more_replicas_at_the_same_width(name: str, gap_s: float) -> None:
    pool = loaded(context_tokens=POOL.load.context_tokens * 4.0)
    pool = replace(pool, load=replace(pool.load, reuse_gap_s=np.full(25, gap_s)))
    held = replace(h100(), tdp_w=FIXED_CLOCK_W)
    designs = [replace(held, **{name: getattr(held, name) * ratio}) for ratio in (1.0, 1.25, 1.5, 2.0, 3.0)]
    replicas = fleet(*designs, pool=pool).replicas_by_tp
    assert np.isfinite(replicas[0, 0])
    assert (replicas[:, 1:] <= replicas[:, :-1] * (1.0 + UNSETTLED_RATIO)).all()


def test_more_memory_bandwidth_needs_fewer_replicas_where_decode_rules() -> None:
    pool = planted(Shape(input_tokens=8000, output_tokens=800, steps=1)).pools[0]
    faster = replace(h100(), hbm_stack_bytes_per_s=h100().hbm_stack_bytes_per_s * 2.0)
    before, after = fleet(h100(), faster, pool=pool).replicas_by_tp[0]
    assert after < 0.85 * before


def test_the_best_width_is_the_one_with_fewest_chips() -> None:
    found = fleet()
    chips = found.replicas_by_tp[:, 0] * np.array(TP_COUNTS)
    assert found.chips_needed[0] == chips.min()
    assert found.chips_needed[0] == found.tp_count[0] * found.replicas_needed[0]
    assert found.near_best(0, 2)[0] == (found.tp_count[0], found.replicas_needed[0])


def test_widths_nearly_as_good_are_both_worth_a_replay() -> None:
    chips = np.array([[10.0, 10.0], [5.5, 13.0], [np.inf, np.inf], [9.0, 9.0]])
    found = ClosedFormFleet(replicas_by_tp=chips, tp_count=np.ones(2), replicas_needed=chips[0], chips_needed=chips[0])
    assert found.near_best(0, 2) == [(1, 10.0), (2, 5.5)]
    assert found.near_best(1, 2) == [(1, 10.0)]


def test_a_width_that_cannot_hold_the_weights_needs_infinitely_many_replicas() -> None:
    pool = replace(POOL, llm=load_catalog().llm("llama-3.1-70b"))
    replicas = fleet(pool=pool).replicas_by_tp[:, 0]
    assert np.isinf(replicas[0])
    assert np.isfinite(replicas[TP_COUNTS.index(4)])
    assert fleet(pool=pool).tp_count[0] > 1


def test_a_width_beyond_the_scale_up_domain_is_not_taken() -> None:
    alone = replace(h100(), link_world_count=1.0)
    assert np.isinf(fleet(alone).replicas_by_tp[1:, 0]).all()
    assert np.isfinite(fleet(alone).replicas_by_tp[0, 0])


def test_a_design_that_fits_nowhere_is_refused_by_llm_chip_and_way_out() -> None:
    tiny = replace(h100(), name="thimble", hbm_stack_bytes=0.1e9)
    table = DesignTable.of([tiny])
    found = closed_form_fleet(table, POOL)
    assert np.isinf(found.chips_needed[0])
    with pytest.raises(NoDeployment, match=f"{POOL.llm.id} does not run on thimble.*name another LLM or chip"):
        require_deployment(found, table, POOL)


def test_a_time_per_token_out_of_reach_is_refused_too() -> None:
    pool = loaded(tpot_limit_s=1e-6)
    table = DesignTable.of([h100()])
    with pytest.raises(NoDeployment, match="misses 0 ms per token"):
        require_deployment(closed_form_fleet(table, pool), table, pool)


def test_a_design_that_fits_is_not_refused() -> None:
    table = DesignTable.of([h100()])
    require_deployment(closed_form_fleet(table, POOL), table, POOL)


def cached(gaps_s: np.ndarray, calls_held_per_s: float, *free_tokens: float) -> list[float]:
    reuse = _reuse(replace(POOL.load, reuse_gap_s=gaps_s))
    return [cached_ratio(reuse, calls_held_per_s, free) for free in free_tokens]


@given(st.lists(st.floats(0.01, 1e4), min_size=25, max_size=25))
def test_the_share_of_prefixes_still_cached_grows_with_memory(gaps_s: list[float]) -> None:
    hit = cached(np.sort(np.array(gaps_s)), 4000.0, 0.0, *np.geomspace(1.0, 1e12, 60).tolist())
    assert (np.diff(hit) >= -1e-12).all()
    assert hit[0] == 0.0
    assert hit[-1] == 1.0


def test_half_of_the_contexts_survive_the_median_time_between_uses() -> None:
    gaps_s = np.linspace(1.0, 99.0, 25)
    median_s, held_per_s = 50.0, 2.0 * 1000.0
    laid_down = held_per_s * float(np.minimum(gaps_s, median_s).mean())
    assert cached(gaps_s, held_per_s, laid_down) == pytest.approx([0.5], abs=0.02)


def test_without_reuse_nothing_is_missed() -> None:
    assert cached(np.empty(0), 1.0, 0.0, 1.0) == [1.0, 1.0]
