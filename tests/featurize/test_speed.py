import time
from typing import TYPE_CHECKING

import polars as pl
import pytest

from featurize import (
    abandonment_curve,
    context_growth,
    demand_calls,
    peak_window,
    session_features,
    stall_profile,
    wait_profile,
    workload_card,
    workload_mix,
)
from tests.featurize.call_frames import many_calls, policy_frame, sessions_of, tools_of

if TYPE_CHECKING:
    from collections.abc import Callable

ONE_MILLION = 1_000_000
CEILING_S = 30.0
"""Far above the few seconds that two cores take: only a plan that reads its input again and again passes it."""


@pytest.mark.slow
def test_every_feature_of_a_million_calls_takes_seconds() -> None:
    calls = many_calls(ONE_MILLION).collect().lazy()
    tools, sessions = tools_of(calls).collect().lazy(), sessions_of(calls).collect().lazy()
    demand = demand_calls(calls, policy_frame(), sessions).collect().lazy()
    features: dict[str, Callable[[], object]] = {
        "session_features": session_features(calls, tools, sessions).collect,
        "wait_profile": wait_profile(calls, tools).collect,
        "stall_profile": stall_profile(calls, tools).collect,
        "abandonment_curve": abandonment_curve(calls, sessions).collect,
        "context_growth": context_growth(calls).collect,
        "workload_mix": workload_mix(calls).collect,
        "workload_card": lambda: workload_card(calls),
        "demand_calls": demand_calls(calls, policy_frame(), sessions).collect,
        "peak_window": lambda: peak_window(demand),
    }
    took_s = {}
    for name, compute in features.items():
        begin_s = time.perf_counter()
        compute()
        took_s[name] = round(time.perf_counter() - begin_s, 2)
    assert demand.select(pl.len()).collect().item() <= ONE_MILLION
    assert max(took_s.values()) < CEILING_S, took_s


def test_the_plan_of_the_demand_reads_its_calls_a_few_times_and_not_hundreds() -> None:
    plan = demand_calls(many_calls(100).collect().lazy(), policy_frame()).explain()
    assert plan.count("DF [") < 12
