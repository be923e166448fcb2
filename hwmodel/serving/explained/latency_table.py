"""A replay as a table of latencies: what a service takes by surface, tier, hour and tokens, for whoever serves next."""

from collections.abc import Iterator

import dataframely as dy
import numpy as np
import polars as pl
from jaxtyping import Float, Int

from warehouse.contracts import (
    LATENCY_KNOTS,
    LATENCY_LEVELS,
    SERVICE_TIERS,
    TPOT_COLUMNS,
    TTFT_COLUMNS,
    ServiceLatency,
)

HOURS = 24
LEAST_OF_KNOT = 30
"""Calls that a knot needs for a time of its own; others are read off the line between their neighbours."""
LEAST_OF_HOUR = 30
"""Calls that an hour of a tier needs to be told apart; below, all tiers of that hour speak, then the whole day."""
LEAST_OF_SPREAD = 200
"""Calls that a knot needs for a spread of its own: below, the 1st and 99th percentile are those of the surface."""


def service_latency(calls: pl.DataFrame) -> dy.DataFrame[ServiceLatency]:
    """The table of a replay's calls.

    A logarithm of time is taken as the sum of three parts, each a median or a quantile of what the ones before leave:
    a line over the tokens, a shift by hour and tier (its load), and the spread at that many tokens. So every hour and
    knot gets its quantiles though few calls fall on each.

    Args:
        calls: Valid under `TimedCalls`, of all pools.
    """
    parts = [part for name in sorted(calls["surface"].unique().cast(pl.String)) for part in _surface(calls, name)]
    return ServiceLatency.validate(pl.concat(parts), cast=True) if parts else ServiceLatency.create_empty()


def _surface(calls: pl.DataFrame, surface: str) -> Iterator[pl.DataFrame]:
    own = calls.filter(pl.col("surface") == surface)
    told = own.drop_nulls("tpot_s")
    if told.is_empty():
        return
    first = _quantiles(own, "ttft_s", "uncached_tokens")
    token = _quantiles(told, "tpot_s", "input_tokens")
    waited = own.select(pl.col("queued_s").fill_null(0.0).sum() / pl.col("ttft_s").sum()).item()
    counts = _per_hour(own)
    hours, knots = np.meshgrid(np.arange(HOURS), np.asarray(LATENCY_KNOTS), indexing="ij")
    for tier in sorted(own["service_tier"].unique().to_physical().to_list()):
        yield pl.DataFrame(
            {
                "surface": [surface] * hours.size,
                "service_tier": [SERVICE_TIERS[tier]] * hours.size,
                "hour": hours.ravel(),
                "knot_tokens": knots.ravel(),
                "call_count": np.repeat(counts[tier], len(LATENCY_KNOTS)),
                "queue_ratio": np.full(hours.size, min(max(waited, 0.0), 1.0)),
                **dict(zip(TTFT_COLUMNS, first[tier].reshape(-1, len(LATENCY_LEVELS)).T, strict=True)),
                **dict(zip(TPOT_COLUMNS, token[tier].reshape(-1, len(LATENCY_LEVELS)).T, strict=True)),
            }
        )


def _per_hour(calls: pl.DataFrame) -> Int[np.ndarray, "tiers hours"]:
    tier, hour = _tier(calls), _hour(calls)
    counted = np.bincount(tier * HOURS + hour, minlength=len(SERVICE_TIERS) * HOURS)
    return counted.reshape(len(SERVICE_TIERS), HOURS)


def _quantiles(calls: pl.DataFrame, column: str, tokens: str) -> Float[np.ndarray, "tiers hours knots levels"]:
    """Quantiles of a time at every tier, hour and knot."""
    log_s = np.log(calls[column].to_numpy())
    log_tokens = np.log(calls[tokens].to_numpy().astype(np.float64))
    knot = np.abs(np.subtract.outer(log_tokens, _LOG_KNOTS)).argmin(axis=1)
    line = _line(log_s, log_tokens, knot)
    left = log_s - np.interp(log_tokens, _LOG_KNOTS, line)
    shift = _shift(left, _tier(calls), _hour(calls))
    rest = left - shift[_tier(calls), _hour(calls)]
    whole = np.quantile(rest, LATENCY_LEVELS)
    spread = np.stack(
        [
            np.quantile(rest[knot == k], LATENCY_LEVELS) if (knot == k).sum() >= LEAST_OF_SPREAD else whole
            for k in range(len(LATENCY_KNOTS))
        ]
    )
    return np.exp(line[None, None, :, None] + shift[:, :, None, None] + spread[None, None, :, :])


_LOG_KNOTS = np.log(np.asarray(LATENCY_KNOTS, dtype=np.float64))


def _line(
    log_s: Float[np.ndarray, "calls"], log_tokens: Float[np.ndarray, "calls"], knot: Int[np.ndarray, "calls"]
) -> Float[np.ndarray, "knots"]:
    """Median time around each knot, at the median tokens there; constant beyond the outermost that are told."""
    told = [k for k in range(len(LATENCY_KNOTS)) if (knot == k).sum() >= LEAST_OF_KNOT]
    if not told:
        return np.full(len(LATENCY_KNOTS), np.median(log_s))
    at = np.array([np.median(log_tokens[knot == k]) for k in told])
    return np.interp(_LOG_KNOTS, at, np.array([np.median(log_s[knot == k]) for k in told]))


def _shift(
    left: Float[np.ndarray, "calls"], tier: Int[np.ndarray, "calls"], hour: Int[np.ndarray, "calls"]
) -> Float[np.ndarray, "tiers hours"]:
    """Median of what the tokens leave, by tier and hour; where few calls tell, that of the hour, then none."""
    shift = np.zeros((len(SERVICE_TIERS), HOURS))
    for h in range(HOURS):
        of_hour = hour == h
        if of_hour.sum() < LEAST_OF_HOUR:
            continue
        shift[:, h] = np.median(left[of_hour])
        for t in range(len(SERVICE_TIERS)):
            both = of_hour & (tier == t)
            if both.sum() >= LEAST_OF_HOUR:
                shift[t, h] = np.median(left[both])
    return shift


def _tier(calls: pl.DataFrame) -> Int[np.ndarray, "calls"]:
    return calls["service_tier"].to_physical().to_numpy().astype(np.int64)


def _hour(calls: pl.DataFrame) -> Int[np.ndarray, "calls"]:
    return calls["requested_at"].dt.hour().to_numpy().astype(np.int64)
