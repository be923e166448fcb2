"""Contract of a service's measured latencies: what a replay hands to whoever wants to serve users with these times."""

from itertools import pairwise

import dataframely as dy
import polars as pl

from warehouse.contracts.vocabulary import SERVICE_TIERS, SURFACES

LATENCY_LEVELS: tuple[float, ...] = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
"""Levels of the quantiles, in the order of the columns."""
LATENCY_KNOTS: tuple[int, ...] = tuple(2**power for power in range(4, 21))
"""Tokens at which times are told; times between are read off straight lines in logarithms."""
TTFT_COLUMNS: tuple[str, ...] = tuple(f"ttft_p{round(level * 100):02d}_s" for level in LATENCY_LEVELS)
TPOT_COLUMNS: tuple[str, ...] = tuple(f"tpot_p{round(level * 100):02d}_s" for level in LATENCY_LEVELS)


class ServiceLatency(dy.Schema):
    """Latency quantiles by surface, tier, hour of the day and tokens; every hour and knot of a surface is there."""

    surface = dy.Enum(SURFACES, primary_key=True)
    service_tier = dy.Enum(SERVICE_TIERS, primary_key=True)
    hour = dy.Int64(primary_key=True, min=0, max=23)
    """UTC hour of the request: stands for the load of that hour."""
    knot_tokens = dy.Int64(primary_key=True, min=1)
    """For the time to first token: prompt tokens that no cache held. For the time per output token: whole prompt."""
    call_count = dy.Int64(min=0)
    """Calls measured at this surface, tier and hour; 0 where the hours beside and the other tiers speak for it."""
    queue_ratio = dy.Float64(min=0.0, max=1.0)
    """Part of the time to first token that calls wait before they are scheduled, mean over mean."""
    ttft_p01_s = dy.Float64(min_exclusive=0.0)
    ttft_p05_s = dy.Float64(min_exclusive=0.0)
    ttft_p25_s = dy.Float64(min_exclusive=0.0)
    ttft_p50_s = dy.Float64(min_exclusive=0.0)
    ttft_p75_s = dy.Float64(min_exclusive=0.0)
    ttft_p95_s = dy.Float64(min_exclusive=0.0)
    ttft_p99_s = dy.Float64(min_exclusive=0.0)
    tpot_p01_s = dy.Float64(min_exclusive=0.0)
    tpot_p05_s = dy.Float64(min_exclusive=0.0)
    tpot_p25_s = dy.Float64(min_exclusive=0.0)
    tpot_p50_s = dy.Float64(min_exclusive=0.0)
    tpot_p75_s = dy.Float64(min_exclusive=0.0)
    tpot_p95_s = dy.Float64(min_exclusive=0.0)
    tpot_p99_s = dy.Float64(min_exclusive=0.0)

    @classmethod
    def _sampling_overrides(cls) -> dict[str, pl.Expr]:
        rising: dict[str, pl.Expr] = {}
        for columns in (TTFT_COLUMNS, TPOT_COLUMNS):
            rising |= {name: pl.lit(0.01 * place) for place, name in enumerate(columns, start=1)}
        return rising

    @dy.rule()
    def first_token_quantiles_rise(cls) -> pl.Expr:
        """A higher quantile of the time to first token is not shorter."""
        return _rises(TTFT_COLUMNS)

    @dy.rule()
    def token_quantiles_rise(cls) -> pl.Expr:
        """A higher quantile of the time per output token is not shorter."""
        return _rises(TPOT_COLUMNS)


def _rises(columns: tuple[str, ...]) -> pl.Expr:
    return pl.all_horizontal(pl.col(low) <= pl.col(high) for low, high in pairwise(columns))
