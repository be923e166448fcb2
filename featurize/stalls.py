"""The stall profile: where agents stall, with the declared limits above which a wait is a stall."""

from dataclasses import dataclass

import dataframely as dy
import polars as pl

from featurize.calls import call_waits
from warehouse.contracts import EvidenceKind, StallProfile

MISSED_CACHE_RATIO = 0.5
"""A cache that gave less than this share of the shared prefix missed. Assumed: page granularity and the freshly
appended turn cost a hit some per cent, an expiry costs it all; half lies between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StallLimit:
    """A wait of this cause that is longer than this is a stall."""

    cause: str
    limit_s: float
    kind: EvidenceKind
    source: str


STALL_LIMITS: tuple[StallLimit, ...] = (
    StallLimit(
        cause="model", limit_s=20.0, kind=EvidenceKind.ASSUMED, source="near TraceLab's p90 of a model call, 22 s"
    ),
    StallLimit(
        cause="tool", limit_s=15.0, kind=EvidenceKind.ASSUMED, source="near TraceLab's p90 of a tool run, 13.6 s"
    ),
    StallLimit(cause="queue", limit_s=5.0, kind=EvidenceKind.ASSUMED, source="half of Nielsen's limit of attention"),
    StallLimit(
        cause="cache_miss", limit_s=2.0, kind=EvidenceKind.ASSUMED, source="doubles a warm agent step's first token"
    ),
    StallLimit(
        cause="rate_limit", limit_s=1.0, kind=EvidenceKind.ASSUMED, source="Nielsen's limit of an unbroken thought"
    ),
)
"""The default limits; all are assumptions and may be replaced in the call."""


def stall_profile(
    calls: pl.LazyFrame, tools: pl.LazyFrame, *, limits: tuple[StallLimit, ...] = STALL_LIMITS
) -> dy.LazyFrame[StallProfile]:
    """Stalls of agents by surface, cause and day; a cause without stalls has no row.

    A stalled wait counts in full, not only what exceeds its limit. A missed cache counts the prefill time of the tokens
    that should have been cached, at the call's own prefill rate; a call that does not report its cache cannot miss it.

    Args:
        calls: frame valid under `ModelCalls`; surfaces without an agent are left out.
        tools: frame valid under `ToolCalls`; may be empty.
        limits: one limit per cause.
    """
    keys = ("surface", "day")
    causes = [limit.cause for limit in limits]
    return StallProfile.cast(
        call_waits(calls, tools, keep=("surface", "day", "input_tokens", "cache_read_tokens", "shared_prefix_tokens"))
        .filter(pl.col("is_agent"))
        .with_columns(cache_miss_s=cache_miss_s())
        .group_by(keys, maintain_order=True)
        .agg(stall_statistics(limit) for limit in limits)
        .select(*keys, pl.concat_list(causes).alias("stalls"))
        .explode("stalls")
        .unnest("stalls")
        .filter(pl.col("stall_count") > 0)
        .with_columns(share_ratio=share_of_stalls_ratio())
    )


def wait_of_cause_s(cause: str) -> pl.Expr:
    """The wait that a cause of stalls is read from; the model's is decode, or undivided service where that is told."""
    if cause == "model":
        return pl.coalesce("decode_wait_s", "service_wait_s")
    columns = {
        "tool": "tool_wait_s",
        "queue": "queue_wait_s",
        "cache_miss": "cache_miss_s",
        "rate_limit": "backoff_s",
    }
    return pl.col(columns[cause])


def cache_miss_s() -> pl.Expr:
    """Prefill time of tokens that were shared with an earlier call but not read from the cache.

    Prefill is taken as proportional to the tokens that were not cached: prefill x missed / (input - cached). The
    part of prefill that does not scale with tokens is thereby charged in proportion.
    """
    cached, shared = pl.col("cache_read_tokens"), pl.col("shared_prefix_tokens")
    fresh = pl.col("input_tokens") - cached
    missed_ratio = (shared - cached) / fresh
    missed = (cached < MISSED_CACHE_RATIO * shared) & (fresh > 0)
    return pl.when(missed).then(pl.col("prefill_wait_s") * missed_ratio)


def stall_statistics(limit: StallLimit) -> pl.Expr:
    """Count and time of the waits over a limit, as a struct named after the cause."""
    seconds = wait_of_cause_s(limit.cause)
    stalled = seconds.filter(seconds > limit.limit_s)
    return pl.struct(
        pl.lit(limit.cause).alias("cause"),
        stalled.count().cast(pl.Int64).alias("stall_count"),
        stalled.sum().alias("stalled_s"),
    ).alias(limit.cause)


def share_of_stalls_ratio() -> pl.Expr:
    """A cause's stalled time over all stalled time of its surface on that day."""
    return (pl.col("stalled_s") / pl.col("stalled_s").sum().over("surface", "day")).clip(0.0, 1.0)
