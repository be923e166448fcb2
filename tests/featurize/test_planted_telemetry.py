"""Truths planted by the simulator and found again: a threshold, stalls, growth."""

from datetime import date, timedelta

import polars as pl
import pytest

from featurize import abandonment_thresholds, stall_profile, surface_trends
from telemetry_sim import IncumbentLatency, SimulationSettings, simulate_day, simulate_days
from telemetry_sim.parameters.files import surface_parameters
from telemetry_sim.plants import StallCause, with_abandonment_step, with_growth, with_stall
from telemetry_sim.population.trends import Drift
from warehouse.contracts import Surface

CHAT = Surface.LONG_CONTEXT_CHAT
TUESDAY = date(2026, 6, 2)
NAMED = {StallCause.SLOW_TOOL: "tool", StallCause.CACHE_LOSS: "cache_miss", StallCause.QUEUE: "queue"}


@pytest.mark.slow
@pytest.mark.parametrize("abandonment", [True, False])
def test_a_threshold_that_readers_have_at_eight_seconds_is_found_and_gone_with_the_switch(abandonment: bool) -> None:
    readers = with_abandonment_step(surface_parameters(CHAT), threshold_s=8.0)
    settings = SimulationSettings(
        seed=5,
        calls_per_day=325_000,
        surface_shares={CHAT: 1.0},
        surfaces={CHAT: readers},
        abandonment=abandonment,
        drift=Drift.none(),
    )
    slow = IncumbentLatency(slowdown_ratio=3.0, parameters={CHAT: readers.latency})
    day = simulate_day(settings, TUESDAY, latency=slow)
    assert len(day.sessions) > 95_000
    found = abandonment_thresholds(day.model_calls.lazy(), day.sessions.lazy())
    assert (found["threshold_s"].to_list() == pytest.approx([8.0], rel=0.1)) if abandonment else found.is_empty()


@pytest.mark.parametrize("surface", [Surface.CODEX_LOOP, Surface.AUTONOMOUS_WORKFLOW])
@pytest.mark.parametrize("cause", list(StallCause))
def test_a_planted_cause_of_stalls_is_named_first(cause: StallCause, surface: Surface) -> None:
    planted = with_stall(surface_parameters(surface), cause)
    settings = SimulationSettings(
        seed=5, calls_per_day=4000, surface_shares={surface: 1.0}, surfaces={surface: planted}, drift=Drift.none()
    )
    day = simulate_day(settings, TUESDAY, latency=IncumbentLatency(parameters={surface: planted.latency}))
    profile = stall_profile(day.model_calls.lazy(), day.tool_calls.lazy()).collect()
    assert profile.sort("stalled_s", descending=True)["cause"][0] == NAMED[cause]


@pytest.mark.slow
def test_a_surface_that_grows_three_per_cent_a_day_is_flagged_in_a_fortnight_of_telemetry_and_no_other() -> None:
    first = date(2026, 6, 1)
    growing = with_growth(surface_parameters(CHAT), volume_growth_per_day_ratio=0.03)
    settings = SimulationSettings(seed=0, calls_per_day=30_000, first_day=first, surfaces={CHAT: growing})
    mix = pl.concat(
        [
            day.sessions.group_by("surface").agg(session_count=pl.len()).with_columns(day=pl.lit(when))
            for when, day in simulate_days(settings, 14)
        ]
    )
    flagged = {trend.surface for trend in surface_trends(mix.lazy()) if trend.is_growing}
    assert flagged == {CHAT.value}
    week = mix.filter(pl.col("day") < first + timedelta(days=6))
    assert CHAT.value in {trend.surface for trend in surface_trends(week.lazy()) if trend.is_growing}
