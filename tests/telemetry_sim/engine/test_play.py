"""The incumbent's service, driven through the latency seam with a law whose times can be worked out by hand."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest

from telemetry_sim import LatencyTable, SimulationSettings, TelemetryDay, simulate_day, surface_parameters
from telemetry_sim.laws import Floats
from tests.telemetry_sim.strategies import TUESDAY
from warehouse.contracts import Surface

SURFACES = {Surface.CODEX_LOOP: 0.5, Surface.LONG_CONTEXT_CHAT: 0.5}


@dataclass(frozen=True, slots=True, kw_only=True)
class HandLaw:
    """No noise and no queue: 2 s + 1 ms per uncached token + 1 s per 100,000 tokens of context; 20 ms per token."""

    decode_s_per_token: float = 0.02
    wait_s: float = 0.0

    def table(self, surface: Surface, offered_ratio: Floats) -> LatencyTable:
        return LatencyTable(
            fixed_s=2.0,
            uncached_s_per_token=0.001,
            context_tokens=np.array([0.0, 1_000_000.0]),
            context_s=np.array([0.0, 10.0]),
            decode_s_per_token=np.full(2, self.decode_s_per_token),
            first_token_sigma_ratio=0.0,
            decode_sigma_ratio=0.0,
            load_ratio=np.full(48, 0.5),
            queue_s=np.full((3, 48), self.wait_s),
        )


def day_under(law: HandLaw, *, abandonment: bool = False) -> TelemetryDay:
    chosen = SimulationSettings(
        seed=3, calls_per_day=8_000, first_day=TUESDAY, surface_shares=SURFACES, abandonment=abandonment
    )
    return simulate_day(chosen, TUESDAY, latency=law)


def test_times_are_those_of_the_law_that_was_passed() -> None:
    served = day_under(HandLaw()).model_calls.filter((pl.col("status") == "ok") & (pl.col("duration_s") < 2_999.0))
    uncached = served["input_tokens"] - served["cache_read_tokens"]
    ttft_s = 2.0 + 0.001 * uncached + served["input_tokens"] / 100_000
    assert served["ttft_s"].to_numpy() == pytest.approx(ttft_s.to_numpy())
    last_s = ttft_s + 0.02 * served["output_tokens"]
    assert served["duration_s"].to_numpy() == pytest.approx(last_s.to_numpy())
    assert float(served["queue_s"].max()) == 0.0  # type: ignore[arg-type]


def test_a_queue_delays_as_many_calls_as_the_load_says_by_its_mean() -> None:
    served = day_under(HandLaw(wait_s=4.0)).model_calls.filter(pl.col("status") == "ok")
    waiting = served.filter(pl.col("queue_s") > 0.0)["queue_s"]
    assert len(waiting) / len(served) == pytest.approx(0.5, abs=0.03)
    assert float(np.mean(waiting.to_numpy())) == pytest.approx(4.0, rel=0.07)


def test_a_cancelled_call_reports_the_tokens_that_came_before_the_cut() -> None:
    law = HandLaw(decode_s_per_token=0.5)
    left = day_under(law, abandonment=True).model_calls.filter(pl.col("status") == "user_cancel")
    late = left.filter(pl.col("ttft_s").is_not_null())
    assert len(late) > 50
    expected = ((late["duration_s"] - late["ttft_s"]) / 0.5).floor()
    assert float((late["output_tokens"] - expected).abs().max()) <= 1.0  # type: ignore[arg-type]
    early = left.filter(pl.col("ttft_s").is_null())
    assert len(early) > 50
    assert (early["output_tokens"] == 0).all()


def test_leaving_cuts_sessions_short_and_staying_lets_them_finish() -> None:
    staying, leaving = day_under(HandLaw()), day_under(HandLaw(), abandonment=True)
    assert len(leaving.model_calls) < len(staying.model_calls)
    both = staying.sessions.join(leaving.sessions, on="session_id", suffix="_leaving", validate="1:1")
    assert len(both) == len(staying.sessions)
    assert (both["call_count_leaving"] <= both["call_count"]).all()


def test_a_prefix_idle_for_too_long_is_read_less_often() -> None:
    calls = day_under(HandLaw()).model_calls.filter(
        (pl.col("status") == "ok") & (pl.col("shared_prefix_tokens") > 0) & pl.col("agent_id").is_null()
    )
    limit_s = surface_parameters(Surface.CODEX_LOOP).cache.idle_limit_s
    calls = calls.join(
        calls.select(parent_call_id="call_id", parent_turn="turn_id", parent_session="session_id"), on="parent_call_id"
    ).filter(pl.col("session_id") == pl.col("parent_session"), pl.col("turn_id") == pl.col("parent_turn"))
    hit = (calls["cache_read_tokens"] > 0).alias("hit")
    long_idle = calls["gap_s"] > limit_s
    assert float(hit.filter(long_idle).mean()) < 0.4  # type: ignore[arg-type]
    assert float(hit.filter(~long_idle).mean()) > 0.9  # type: ignore[arg-type]
    assert calls.filter(hit).select((pl.col("cache_read_tokens") == pl.col("shared_prefix_tokens")).all()).item()
