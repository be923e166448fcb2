from dataclasses import replace

import numpy as np
import pytest

from telemetry_sim import IncumbentLatency, LatencyError
from warehouse.contracts import Surface

FLAT = np.ones(48)
ZERO = np.zeros(1)


@pytest.mark.parametrize(("context_tokens", "published_s"), [(30_000, 1.7), (125_000, 2.6), (300_000, 6.5)])
def test_the_median_time_to_first_token_is_that_of_the_claude_code_traces(
    context_tokens: int, published_s: float
) -> None:
    # traces.md section 2: medians by context 30 K, 100-150 K, > 250 K; the queue's mean at mean load is added
    table = IncumbentLatency().table(Surface.CODEX_LOOP, FLAT)
    service_s = table.service_s(np.array([context_tokens]), np.array([700]), ZERO)
    queue_s = table.load_ratio[0] * table.queue_s[0, 0]
    assert float(service_s[0] + queue_s) == pytest.approx(published_s, rel=0.15)


def test_decode_speed_has_the_published_percentiles() -> None:
    # 58 tokens/s median, 43 at p10, 85 at p90
    table = IncumbentLatency().table(Surface.CODEX_LOOP, FLAT)
    normals = np.array([1.2816, 0.0, -1.2816])
    per_s = 1.0 / table.token_s(np.full(3, 50_000), normals)
    assert per_s == pytest.approx([43.0, 58.0, 85.0], rel=0.06)


def test_more_load_means_longer_queues_and_overload_stays_finite() -> None:
    queues = [IncumbentLatency().table(Surface.API_BURST, FLAT * load).queue_s[1, 0] for load in (0.2, 0.8, 1.2, 50.0)]
    assert queues == sorted(queues)
    assert np.isfinite(queues[-1])


def test_uncached_tokens_and_longer_context_never_come_faster() -> None:
    table = IncumbentLatency().table(Surface.LONG_CONTEXT_CHAT, FLAT)
    uncached = table.service_s(np.full(3, 60_000), np.array([0, 1_000, 60_000]), np.zeros(3))
    assert np.all(np.diff(uncached) > 0.0)
    longer = table.service_s(np.array([100, 10_000, 120_000]), np.full(3, 100), np.zeros(3))
    assert np.all(np.diff(longer) > 0.0)


def test_slowdown_scales_every_time() -> None:
    usual = IncumbentLatency().table(Surface.CODEX_LOOP, FLAT)
    slow = IncumbentLatency(slowdown_ratio=3.0).table(Surface.CODEX_LOOP, FLAT)
    args = (np.array([40_000]), np.array([5_000]), ZERO)
    assert slow.service_s(*args) == pytest.approx(3.0 * usual.service_s(*args))
    assert slow.queue_s == pytest.approx(3.0 * usual.queue_s)
    assert slow.decode_s_per_token == pytest.approx(3.0 * usual.decode_s_per_token)


def test_a_table_with_wrong_shapes_or_negative_times_is_refused() -> None:
    table = IncumbentLatency().table(Surface.CODEX_LOOP, FLAT)
    with pytest.raises(LatencyError, match="knots"):
        replace(table, context_s=table.context_s[:-1])
    with pytest.raises(LatencyError, match="48 h"):
        replace(table, load_ratio=np.ones(24))
    with pytest.raises(LatencyError, match="negative"):
        replace(table, fixed_s=-1.0)
