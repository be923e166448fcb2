"""The workload card: the handful of figures that say what a whole data set of calls is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

import polars as pl

from featurize.errors import NoCallsError
from featurize.lineage import reports_lineage, shared_over_input_ratio, shared_tokens
from featurize.mix import cut_ratio, token_percentiles
from featurize.quantiles import known_quantile
from warehouse.contracts import ModelCalls

ALL_SURFACES = "all"
"""Scope of the summary over every surface."""

_COLUMNS = tuple(ModelCalls.column_names())


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPercentiles:
    """Exact percentiles of a token count over the calls that report it, interpolated as numpy does."""

    p50_tokens: float
    p90_tokens: float
    p99_tokens: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficSummary:
    """The card of one scope: a surface, or all of them; None where the trace does not tell."""

    scope: str
    call_count: int
    session_count: int
    started_at: datetime
    span_s: float
    """First to last request."""
    peak_hour: datetime
    """Start of the UTC hour with most calls, the earliest of equals."""
    peak_hour_call_count: int
    calls_per_session_p50_count: float
    input_total_tokens: int | None
    output_total_tokens: int | None
    input: TokenPercentiles | None
    output: TokenPercentiles | None
    shared_ratio: float | None
    """Shared tokens over all input tokens, calls without parent as 0; None for a trace without any lineage."""
    cut_ratio: float
    """Share of calls that did not end with status ok."""
    reported_ratio: Mapping[str, float]
    """For each column of `ModelCalls`, the share of calls that report it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadCard:
    """Summary of the whole data set and of each surface, in alphabetical order."""

    overall: TrafficSummary
    by_surface: tuple[TrafficSummary, ...]


def workload_card(calls: pl.LazyFrame) -> WorkloadCard:
    """Summarise a data set. Collects.

    Args:
        calls: frame valid under `ModelCalls`.

    Raises:
        NoCallsError: the frame has no rows.
    """
    scoped = calls.with_columns(scope=pl.col("surface").cast(pl.String), reports_lineage=reports_lineage())
    told = scoped.with_columns(shared_tokens=shared_tokens())
    overall, by_surface = pl.collect_all([_summaries(told.with_columns(scope=pl.lit(ALL_SURFACES))), _summaries(told)])
    if overall.is_empty():
        raise NoCallsError("a workload card needs at least 1 call, got 0: choose days or surfaces that have calls")
    return WorkloadCard(
        overall=_summary(overall.row(0, named=True)),
        by_surface=tuple(_summary(row) for row in by_surface.iter_rows(named=True)),
    )


def _summaries(calls: pl.LazyFrame) -> pl.LazyFrame:
    """One row of figures per scope."""
    per_session = (
        calls.group_by("scope", "session_id")
        .agg(call_count=pl.len())
        .group_by("scope")
        .agg(session_count=pl.len(), calls_per_session_p50_count=known_quantile(pl.col("call_count"), 0.5))
    )
    per_hour = (
        calls.group_by("scope", hour=pl.col("requested_at").dt.truncate("1h"))
        .agg(hour_call_count=pl.len())
        .sort("hour_call_count", "hour", descending=[True, False])
        .group_by("scope", maintain_order=True)
        .agg(peak_hour=pl.col("hour").first(), peak_hour_call_count=pl.col("hour_call_count").first())
    )
    return (
        calls.group_by("scope")
        .agg(scope_figures())
        .join(per_session, on="scope", how="left")
        .join(per_hour, on="scope", how="left")
        .sort("scope")
    )


def scope_figures() -> list[pl.Expr]:
    """The figures of a scope that need its calls only."""
    return [
        pl.len().alias("call_count"),
        pl.col("requested_at").min().alias("started_at"),
        ((pl.col("requested_at").max() - pl.col("requested_at").min()).dt.total_microseconds() / 1e6).alias("span_s"),
        *token_percentiles("input"),
        *token_percentiles("output"),
        pl.col("input_tokens").sum().alias("input_total_tokens"),
        pl.col("output_tokens").sum().alias("output_total_tokens"),
        shared_over_input_ratio().alias("shared_ratio"),
        cut_ratio().alias("cut_ratio"),
        *(pl.col(name).is_not_null().mean().alias(f"reported_{name}") for name in _COLUMNS),
    ]


def _summary(row: dict[str, Any]) -> TrafficSummary:
    plain = (
        "scope",
        "call_count",
        "session_count",
        "started_at",
        "span_s",
        "peak_hour",
        "peak_hour_call_count",
        "calls_per_session_p50_count",
        "shared_ratio",
        "cut_ratio",
    )
    input_percentiles, output_percentiles = _percentiles(row, "input"), _percentiles(row, "output")
    return TrafficSummary(
        **{name: row[name] for name in plain},
        input=input_percentiles,
        output=output_percentiles,
        input_total_tokens=None if input_percentiles is None else row["input_total_tokens"],
        output_total_tokens=None if output_percentiles is None else row["output_total_tokens"],
        reported_ratio=MappingProxyType({name: row[f"reported_{name}"] for name in _COLUMNS}),
    )


def _percentiles(row: dict[str, Any], side: str) -> TokenPercentiles | None:
    if row[f"{side}_p50_tokens"] is None:
        return None
    return TokenPercentiles(**{f"p{percent}_tokens": row[f"{side}_p{percent}_tokens"] for percent in (50, 90, 99)})
