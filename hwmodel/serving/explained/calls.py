"""Calls as a comparison of services takes them: one row per call with its place and its times, observed or replayed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

import dataframely as dy
import numpy as np
import polars as pl

from hwmodel.serving.demand import ReplayDemand
from hwmodel.serving.replay import ReplayResult
from warehouse.contracts import SERVICE_TIERS, SURFACES

LEAST_ANSWER_TOKENS = 16
"""A shorter answer tells no time per output token: clocks and the first token's share would be all of it."""


class TimedCalls(dy.Schema):
    """One row per call that got a first token."""

    llm = dy.String()
    surface = dy.Enum(SURFACES)
    service_tier = dy.Enum(SERVICE_TIERS)
    session = dy.Int64(min=0)
    """Sessions are the units that are left out to tell how sure a statistic is."""
    requested_at = dy.Datetime(time_zone="UTC", time_unit="us")
    input_tokens = dy.Int64(min=1)
    uncached_tokens = dy.Int64(min=1)
    queued_s = dy.Float64(min=0.0, nullable=True)
    ttft_s = dy.Float64(min_exclusive=0.0)
    tpot_s = dy.Float64(min_exclusive=0.0, nullable=True)
    """Null for answers too short to tell, and for calls that were cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Timed calls, and the share of the calls that got none of their tokens and are not among them."""

    calls: pl.DataFrame
    """Contract `TimedCalls`."""
    unserved_ratio: float

    @classmethod
    def joined(cls, parts: "list[Self]") -> "Served":
        """The calls of several pools together."""
        counts = np.array([len(part.calls) / (1.0 - part.unserved_ratio) for part in parts if len(part.calls)])
        lost = sum(part.unserved_ratio * n for part, n in zip((p for p in parts if len(p.calls)), counts, strict=True))
        return Served(
            calls=pl.concat([part.calls for part in parts]), unserved_ratio=float(lost / max(counts.sum(), 1.0))
        )


def observed_calls(demand: pl.DataFrame, model_calls: pl.DataFrame) -> pl.DataFrame:
    """The telemetry's own times of the calls of a demand, valid under `TimedCalls`.

    Args:
        demand: Valid under `DemandCalls`.
        model_calls: Columns of `ModelCalls`: call_id, cache_read_tokens, output_tokens, queue_s, ttft_s, duration_s,
            status. Calls without a first token are left out.
    """
    seen = model_calls.select(
        "call_id", "cache_read_tokens", "queue_s", "ttft_s", "duration_s", "status", answered=pl.col("output_tokens")
    ).filter(pl.col("ttft_s") > 0.0)
    cached = pl.coalesce("cache_read_tokens", "shared_prefix_tokens", pl.lit(0))
    further_s = (pl.col("duration_s") - pl.col("ttft_s")) / (pl.col("answered") - 1)
    is_told = (pl.col("status") == "ok") & (pl.col("answered") >= LEAST_ANSWER_TOKENS) & (further_s > 0.0)
    joined = demand.join(seen, on="call_id", how="inner", maintain_order="left").select(
        "llm",
        "surface",
        "service_tier",
        "requested_at",
        "input_tokens",
        "ttft_s",
        session=pl.col("session_id").rank("dense").cast(pl.Int64) - 1,
        uncached_tokens=(pl.col("input_tokens") - cached).clip(lower_bound=1),
        queued_s=pl.col("queue_s"),
        tpot_s=pl.when(is_told).then(further_s),
    )
    return TimedCalls.validate(joined, cast=True)


def replayed_calls(demand: ReplayDemand, result: ReplayResult, *, llm: str, first_at: datetime) -> Served:
    """The scored calls of a replay.

    Args:
        demand: What was replayed.
        result: Its replay.
        llm: Which LLM's pool it is.
        first_at: When the first call was requested: the origin of the replay's clock.
    """
    is_done = np.isfinite(result.ttft_s) & (result.ttft_s > 0.0)
    kept = demand.is_scored & is_done
    is_told = (demand.output_tokens >= LEAST_ANSWER_TOKENS) & np.isfinite(result.tpot_s) & (result.tpot_s > 0.0)
    asked_us = (demand.start_ns[kept] // 1_000).astype("timedelta64[us]")
    calls = pl.DataFrame(
        {
            "llm": [llm] * int(kept.sum()),
            "surface": np.array(SURFACES)[demand.surface[kept]],
            "service_tier": np.array(SERVICE_TIERS)[demand.tier[kept]],
            "session": demand.session[kept],
            "requested_at": pl.Series(asked_us) + first_at,
            "input_tokens": demand.input_tokens[kept],
            "uncached_tokens": np.maximum(demand.input_tokens - np.maximum(result.cached_tokens, 0), 1)[kept],
            "queued_s": result.queued_s[kept],
            "ttft_s": result.ttft_s[kept],
            "tpot_s": pl.Series(np.where(is_told, result.tpot_s, np.nan)[kept]).fill_nan(None),
        },
        schema_overrides={"llm": pl.String, "surface": pl.Enum(SURFACES), "service_tier": pl.Enum(SERVICE_TIERS)},
    )
    scored = max(int(demand.is_scored.sum()), 1)
    return Served(calls=TimedCalls.validate(calls, cast=True), unserved_ratio=1.0 - int(kept.sum()) / scored)
