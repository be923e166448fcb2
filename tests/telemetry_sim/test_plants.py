from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from telemetry_sim import (
    SettingsError,
    SimulationSettings,
    StallCause,
    SurfaceParameters,
    TelemetryDay,
    simulate_day,
    surface_parameters,
    with_abandonment_step,
    with_stall,
)
from tests.telemetry_sim.strategies import TUESDAY
from warehouse.contracts import Surface

CODING = Surface.CODEX_LOOP


def day_of(parameters: SurfaceParameters, *, abandonment: bool = True, calls_per_day: int = 30_000) -> TelemetryDay:
    settings = SimulationSettings(
        seed=6,
        calls_per_day=calls_per_day,
        first_day=TUESDAY,
        surface_shares={parameters.surface: 1.0},
        surfaces={parameters.surface: parameters},
        abandonment=abandonment,
    )
    return simulate_day(settings, TUESDAY)


def slow_chat() -> SurfaceParameters:
    """A chat whose first tokens come around the threshold."""
    chat = surface_parameters(Surface.LONG_CONTEXT_CHAT)
    return replace(chat, latency=replace(chat.latency, fixed_s=5.0))


@pytest.mark.parametrize("threshold_s", [5.0, 8.0])
def test_readers_leave_at_the_planted_threshold_and_not_before(threshold_s: float) -> None:
    calls = day_of(with_abandonment_step(slow_chat(), threshold_s=threshold_s)).model_calls
    left = calls.filter(pl.col("status") == "user_cancel")["duration_s"].to_numpy()
    waited = calls.filter(pl.col("status") == "ok")["ttft_s"].to_numpy()
    assert len(left) > 500
    assert left == pytest.approx(np.full(len(left), threshold_s), abs=1e-6)
    assert waited.max() <= threshold_s


def test_a_part_of_the_readers_leaves_and_the_others_wait_for_ever() -> None:
    calls = day_of(with_abandonment_step(slow_chat(), threshold_s=8.0, leaving_ratio=0.4)).model_calls
    late = calls.filter((pl.col("status") == "user_cancel") | (pl.col("ttft_s") > 8.0))
    assert len(late) > 1000
    assert np.mean(late["status"].to_numpy() == "user_cancel") == pytest.approx(0.4, abs=0.04)


def test_with_the_switch_off_nobody_leaves() -> None:
    calls = day_of(with_abandonment_step(slow_chat()), abandonment=False).model_calls
    assert "user_cancel" not in calls["status"].cast(pl.String).unique().to_list()


def waits(day: TelemetryDay) -> dict[StallCause, float]:
    """Seconds of a day by what an agent waits for: tools, the queue, tokens computed again that a cache had lost."""
    calls = day.model_calls.filter(pl.col("status") == "ok")
    lost = (calls["shared_prefix_tokens"] > 0).to_numpy() & (calls["cache_read_tokens"] == 0).to_numpy()
    prefill_s = (calls["ttft_s"] - calls["queue_s"]).to_numpy()
    return {
        StallCause.SLOW_TOOL: float(day.tool_calls["duration_s"].to_numpy().sum()),
        StallCause.QUEUE: float(calls["queue_s"].to_numpy().sum()),
        StallCause.CACHE_LOSS: float(prefill_s[lost].sum()),
    }


@pytest.mark.parametrize("cause", list(StallCause))
def test_a_planted_stall_is_the_largest_wait_and_leaves_the_others_alone(cause: StallCause) -> None:
    usual = waits(day_of(surface_parameters(CODING), abandonment=False, calls_per_day=10_000))
    changed = with_stall(surface_parameters(CODING), cause)
    planted = waits(day_of(changed, abandonment=False, calls_per_day=10_000))
    assert max(planted, key=lambda each: planted[each]) is cause
    assert planted[cause] > 5 * usual[cause]
    for other in set(StallCause) - {cause}:
        assert planted[other] == pytest.approx(usual[other], rel=0.4)


def test_a_stall_where_there_are_no_agents_or_no_severity_is_refused() -> None:
    with pytest.raises(SettingsError, match="long_context_chat has no agents"):
        with_stall(surface_parameters(Surface.LONG_CONTEXT_CHAT), StallCause.QUEUE)
    with pytest.raises(SettingsError, match=r"severity_ratio 1\.0"):
        with_stall(surface_parameters(CODING), StallCause.QUEUE, severity_ratio=1.0)
