"""Calls with times that follow a law by hand, for the tests of the comparison."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from hwmodel.serving.explained import TimedCalls
from warehouse.contracts import SERVICE_TIERS, SURFACES

MIDNIGHT = datetime(2026, 6, 2, tzinfo=UTC)


def timed_calls(
    *,
    seed: int = 0,
    count: int = 12_000,
    first_s: float = 0.05,
    per_token_s: float = 2e-5,
    token_s: float = 0.01,
    swing_ratio: float = 0.4,
    slowest_hour: int = 15,
    noise_ratio: float = 0.3,
) -> pl.DataFrame:
    """Six surfaces with prompts of different lengths; times grow with length and, over the day, with load.

    The noise is drawn from the seed; who calls when with how many tokens is the same for every seed.
    """
    rng, noise = np.random.default_rng(99), np.random.default_rng(seed)
    surface = rng.integers(0, len(SURFACES), count)
    at_s = rng.uniform(0.0, 86_400.0, count)
    tokens = np.round(np.exp(rng.normal(5.0 + 0.8 * surface, 0.8))).astype(np.int64) + 1
    load = 1.0 + swing_ratio * np.cos(2.0 * np.pi * (at_s / 3600.0 - slowest_hour) / 24.0)
    ttft_s = (first_s + per_token_s * tokens) * load * np.exp(noise_ratio * noise.normal(size=count))
    tpot_s = token_s * (1.0 + 0.3 * surface) * (1.0 + tokens / 50_000.0) * np.exp(0.1 * noise.normal(size=count))
    calls = pl.DataFrame(
        {
            "llm": ["one"] * count,
            "surface": np.array(SURFACES)[surface],
            "service_tier": [SERVICE_TIERS[0]] * count,
            "session": rng.integers(0, count // 4, count),
            "requested_at": [MIDNIGHT + timedelta(seconds=float(s)) for s in at_s],
            "input_tokens": tokens,
            "uncached_tokens": tokens,
            "queued_s": 0.25 * ttft_s,
            "ttft_s": ttft_s,
            "tpot_s": tpot_s,
        }
    )
    return TimedCalls.validate(calls, cast=True)
