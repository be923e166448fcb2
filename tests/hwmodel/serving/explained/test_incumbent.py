"""The incumbent as declared: pools of its LLMs, whole replicas for any number per traffic, replays of every call."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwmodel.catalog import load_catalog
from hwmodel.serving.errors import BadSettings, EmptyDemand
from hwmodel.serving.explained import DeclaredIncumbent, explain_telemetry, pools_of, replay_pool
from hwmodel.serving.explained.incumbent import cell_of
from tests.hwmodel.serving.chips import h100
from tests.hwmodel.serving.demand_frames import NOON, demand_frame, policy_frame

INCUMBENT = DeclaredIncumbent(design=h100(), tp_by_llm={"gpt-oss-120b": 2})


def calls(count: int, **more: Any) -> list[Mapping[str, Any]]:
    return [{"session_id": f"s{n}", "at_s": 2.0 * n, "output_tokens": 30, **more} for n in range(count)]


@given(ratio=st.floats(min_value=1 / 64, max_value=64.0))
def test_whole_replicas_come_within_a_seventh_of_any_number_per_traffic(ratio: float) -> None:
    replicas, copies = cell_of(ratio)
    assert replicas >= 1
    assert replicas / copies == pytest.approx(ratio, rel=1.0 / 7.0)


@pytest.mark.parametrize(
    ("ratio", "cell"), [(1.0, (1, 1)), (8.0, (8, 1)), (0.5, (1, 2)), (1.5, (3, 2)), (1 / 12, (1, 12))]
)
def test_numbers_that_can_be_had_are_had_with_the_fewest_copies(ratio: float, cell: tuple[int, int]) -> None:
    assert cell_of(ratio) == cell


def test_no_replicas_are_refused() -> None:
    with pytest.raises(BadSettings, match="above 0"):
        cell_of(0.0)


def test_calls_beyond_the_context_are_left_out_and_weights_ignored() -> None:
    demand = demand_frame(*calls(20, weight_ratio=0.25), {"session_id": "long", "input_tokens": 10_000_000})
    (pool,) = pools_of(demand, policy_frame(), load_catalog())
    assert len(pool.demand) == 20
    assert pool.first_at == NOON
    assert set(pool.demand.weight_ratio) == {1.0}


def test_a_long_demand_is_thinned_by_whole_sessions() -> None:
    (pool,) = pools_of(demand_frame(*calls(100)), policy_frame(), load_catalog(), most_calls_count=25)
    assert len(pool.demand) == 25
    assert pool.share_ratio == 0.25


def test_every_call_is_replayed_as_often_as_the_replicas_ask_for() -> None:
    (pool,) = pools_of(demand_frame(*calls(30)), policy_frame(), load_catalog())
    once = replay_pool(INCUMBENT, pool, replicas_ratio=2.0, host_step_s=0.001)
    thrice = replay_pool(INCUMBENT, pool, replicas_ratio=1.0 / 3.0, host_step_s=0.001)
    assert (len(once.demand), once.result.replicas_count) == (30, 2)
    assert (len(thrice.demand), thrice.result.replicas_count) == (90, 1)
    assert once.served.unserved_ratio == 0.0
    assert once.served.calls["requested_at"].min() == NOON


def test_a_slower_host_lengthens_every_step() -> None:
    (pool,) = pools_of(demand_frame(*calls(30)), policy_frame(), load_catalog())
    fast, slow = (
        replay_pool(INCUMBENT, pool, replicas_ratio=1.0, host_step_s=host_s).served.calls["tpot_s"].median()
        for host_s in (0.0, 0.01)
    )
    assert isinstance(fast, float)
    assert isinstance(slow, float)
    assert slow - fast == pytest.approx(0.01, rel=0.05)


def test_one_day_alone_is_not_compared() -> None:
    demand = demand_frame(*calls(30))
    with pytest.raises(EmptyDemand, match="two days or more"):
        explain_telemetry(demand, demand, policy_frame(), INCUMBENT, catalog=load_catalog())
