"""Measured latencies in place of the incumbent's laws: quantiles come back, hour by hour, tokens by tokens."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from telemetry_sim import LatencyError, MeasuredLatency, SimulationSettings, TelemetryDay, simulate_day
from tests.telemetry_sim.strategies import TUESDAY
from warehouse.contracts import (
    LATENCY_KNOTS,
    LATENCY_LEVELS,
    SERVICE_TIERS,
    TPOT_COLUMNS,
    TTFT_COLUMNS,
    ServiceLatency,
    Surface,
)

SHARES = {Surface.LONG_CONTEXT_CHAT: 0.5, Surface.API_BURST: 0.5}
SPREAD = np.linspace(0.7, 1.6, len(LATENCY_LEVELS))
"""Quantiles over their median, the middle one 1 or near."""


def table(*surfaces: Surface, tiers: tuple[str, ...] = SERVICE_TIERS) -> pl.DataFrame:
    """0.1 s per hour of the day at 16 tokens, twice as long for four times the tokens; 10 ms per token."""
    rows = [
        {
            "surface": surface.value,
            "service_tier": tier,
            "hour": hour,
            "knot_tokens": knot,
            "call_count": 1,
            "queue_ratio": 0.25,
            **dict(zip(TTFT_COLUMNS, 0.1 * (hour + 1) * np.sqrt(knot / 16.0) * SPREAD, strict=True)),
            **dict(zip(TPOT_COLUMNS, 0.01 * SPREAD, strict=True)),
        }
        for surface in surfaces
        for tier in tiers
        for hour in range(24)
        for knot in LATENCY_KNOTS
    ]
    return ServiceLatency.validate(pl.DataFrame(rows), cast=True)


def day_of(latencies: pl.DataFrame, *, workers: int = 1) -> TelemetryDay:
    chosen = SimulationSettings(
        seed=3, calls_per_day=8_000, first_day=TUESDAY, surface_shares=SHARES, abandonment=False
    )
    return simulate_day(chosen, TUESDAY, latency=MeasuredLatency.of(latencies), workers=workers)


def served(day: TelemetryDay) -> pl.DataFrame:
    uncached = pl.col("input_tokens") - pl.col("cache_read_tokens")
    usual_s = 0.1 * (pl.col("requested_at").dt.hour() + 1) * (uncached / 16.0).sqrt()
    known = day.model_calls.filter((pl.col("status") == "ok") & uncached.is_between(16, 2**20))
    return known.filter(pl.col("duration_s") < 2_999.0).with_columns(over_usual=pl.col("ttft_s") / usual_s)


def test_quantiles_of_the_times_are_those_of_the_table() -> None:
    calls = served(day_of(table(*SHARES)))
    assert len(calls) > 4_000
    for level, wanted in zip(LATENCY_LEVELS[1:-1], SPREAD[1:-1], strict=True):
        assert calls["over_usual"].quantile(level) == pytest.approx(wanted, rel=0.03)
    assert calls["over_usual"].min() == pytest.approx(SPREAD[0])
    assert calls["over_usual"].max() == pytest.approx(SPREAD[-1])


def test_tokens_take_their_measured_time_and_the_queue_its_part() -> None:
    calls = served(day_of(table(*SHARES)))
    each_s = (calls["duration_s"] - calls["ttft_s"]) / calls["output_tokens"] / 0.01
    assert each_s.quantile(0.5) == pytest.approx(SPREAD[3], rel=0.03)
    assert (calls["queue_s"] / calls["ttft_s"]).to_numpy() == pytest.approx(0.25)


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_threads() -> None:
    one, other = day_of(table(*SHARES)), day_of(table(*SHARES), workers=2)
    assert one.model_calls.equals(other.model_calls)
    assert one.tool_calls.equals(other.tool_calls)


def test_the_users_are_those_of_the_incumbents_laws() -> None:
    chosen = SimulationSettings(seed=3, calls_per_day=8_000, first_day=TUESDAY, surface_shares=SHARES)
    usual = simulate_day(chosen, TUESDAY).sessions
    measured = simulate_day(chosen, TUESDAY, latency=MeasuredLatency.of(table(*SHARES))).sessions
    assert usual["session_id"].equals(measured["session_id"])
    assert usual["started_at"].equals(measured["started_at"])


def test_a_tier_that_was_not_measured_is_served_like_the_next_more_urgent_one() -> None:
    law = MeasuredLatency.of(table(*SHARES, tiers=("interactive", "batch")))
    found = law.table(Surface.API_BURST, np.ones(48))
    assert np.array_equal(found.log_first_s[0], found.log_first_s[1])


def test_a_surface_that_was_not_measured_is_refused_by_name() -> None:
    law = MeasuredLatency.of(table(Surface.API_BURST))
    with pytest.raises(LatencyError, match="no measured latencies of multimodal; measured: api_burst"):
        law.table(Surface.MULTIMODAL, np.ones(48))


def test_a_table_with_holes_is_refused() -> None:
    with pytest.raises(LatencyError, match="every hour and knot"):
        MeasuredLatency.of(table(Surface.API_BURST).slice(1))
    whole = MeasuredLatency.of(table(Surface.API_BURST)).table(Surface.API_BURST, np.ones(48))
    with pytest.raises(LatencyError, match="log_token_s"):
        replace(whole, log_token_s=whole.log_token_s[:1])
    with pytest.raises(LatencyError, match="queue_ratio"):
        replace(whole, queue_ratio=whole.queue_ratio[:1])
