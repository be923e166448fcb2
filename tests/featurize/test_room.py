from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import featurize
from featurize import (
    abandonment_curve,
    context_growth,
    demand_calls,
    peak_window,
    session_features,
    stall_profile,
    wait_profile,
    window_demand,
    workload_mix,
)
from tests.featurize.call_frames import (
    calls_frame,
    many_calls,
    policy_frame,
    sessions_frame,
    sessions_of,
    tools_frame,
    tools_of,
)
from warehouse.contracts import (
    AbandonmentCurve,
    ContextGrowth,
    DemandCalls,
    SessionFeatures,
    StallProfile,
    WaitProfile,
    WorkloadMix,
)

Feature = Callable[[pl.LazyFrame, pl.LazyFrame, pl.LazyFrame], pl.LazyFrame]

FEATURES: dict[Any, Feature] = {
    SessionFeatures: session_features,
    WaitProfile: lambda calls, tools, _: wait_profile(calls, tools),
    StallProfile: lambda calls, tools, _: stall_profile(calls, tools),
    AbandonmentCurve: lambda calls, _, sessions: abandonment_curve(calls, sessions),
    ContextGrowth: lambda calls, _, __: context_growth(calls),
    WorkloadMix: lambda calls, _, __: workload_mix(calls),
    DemandCalls: lambda calls, _, sessions: demand_calls(calls, policy_frame(), sessions),
}
CONTRACTS = pytest.mark.parametrize("contract", FEATURES, ids=lambda contract: contract.__name__)


def untouchable(frame: pl.LazyFrame) -> pl.LazyFrame:
    """The frame with a step that fails as soon as anything is collected."""

    def fail(_: pl.DataFrame) -> pl.DataFrame:
        raise AssertionError("collected")

    return frame.map_batches(fail, schema=frame.collect_schema())


@CONTRACTS
def test_features_of_many_calls_keep_their_contract(contract: Any) -> None:
    calls = many_calls(10_000)
    features = FEATURES[contract](calls, tools_of(calls), sessions_of(calls)).collect()
    assert len(contract.validate(features)) > 0


@CONTRACTS
def test_features_of_no_calls_are_empty_and_keep_their_contract(contract: Any) -> None:
    features = FEATURES[contract](calls_frame(), tools_frame(), sessions_frame()).collect()
    assert contract.validate(features).is_empty()


@CONTRACTS
def test_features_stay_lazy(contract: Any) -> None:
    calls = many_calls(100)
    lazy = FEATURES[contract](untouchable(calls), untouchable(tools_of(calls)), untouchable(sessions_of(calls)))
    assert isinstance(lazy, pl.LazyFrame)
    with pytest.raises(Exception, match="collected"):
        lazy.collect()


@CONTRACTS
def test_the_streaming_engine_gives_the_same_features(contract: Any) -> None:
    calls = many_calls(3000)
    lazy = FEATURES[contract](calls, tools_of(calls), sessions_of(calls)).sort(contract.primary_key())
    by_batches = lazy.collect(engine="streaming")
    assert_frame_equal(lazy.collect(), by_batches)


def test_a_window_of_demand_stays_lazy() -> None:
    demand = demand_calls(many_calls(100), policy_frame())
    window = peak_window(demand)
    assert isinstance(window_demand(untouchable(demand), window), pl.LazyFrame)


def test_every_public_name_exists_and_is_sorted() -> None:
    assert all(hasattr(featurize, name) for name in featurize.__all__)
    assert len(set(featurize.__all__)) == len(featurize.__all__)
