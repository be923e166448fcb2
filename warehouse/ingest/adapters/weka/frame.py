"""The common frame that both forms of a weka trace are read into: one row per model call, times relative to it."""

from dataclasses import dataclass

import polars as pl

__all__ = ["BLOCK_TOKENS", "REQUEST_SCHEMA", "WekaRows", "begin_of_agent"]

REQUEST_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "row_number": pl.Int64,
    "problem": pl.String,
    "raw": pl.String,
    "trace_id": pl.String,
    "agent_id": pl.String,  # null: the main agent
    "parent_agent_id": pl.String,
    "seq": pl.Int64,  # place in its agent's list of requests
    "marker_seq": pl.Int64,  # place of the sub-agent's marker in its parent's list; null for the main agent
    "root_marker_seq": pl.Int64,  # place of the outermost marker in the main agent's list
    "begin_s": pl.Float64,  # when its agent began, from session start; null where no marker tells
    "t": pl.Float64,  # request, from its agent's begin
    "model": pl.String,
    "in": pl.Int64,
    "out": pl.Int64,
    "stop": pl.String,
    "api_time": pl.Float64,
    "think_time": pl.Float64,
    "ttft": pl.Float64,
    "is_human": pl.Boolean,
    "block_size": pl.Int64,
    "has_blocks": pl.Boolean,
    "run_start": pl.List(pl.Int64),
    "run_len": pl.List(pl.Int64),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WekaRows:
    """All rows of a weka trace, good or not, and what was noticed while reading."""

    rows: pl.DataFrame
    refused_files: pl.DataFrame
    """Files of the folder that could not be read (row_number 0)."""
    marker_count: int
    notes: tuple[str, ...]


BLOCK_TOKENS = 64
"""Published with the traces (`block_size`); assumed where a trace does not say."""


def begin_of_agent(marker_t: pl.Expr, duration_s: pl.Expr, first_t: pl.Expr) -> pl.Expr:
    """When a sub-agent began, in seconds from session start, so that begin + t is a call's time in the session.

    A marker is written when its sub-agent *ends*: in 40 of the 42 public ones marker time minus duration falls 0.1 to
    1.1 s after the end of the main call before it, and parallel sub-agents share it to the hundredth. A marker without
    duration is taken as the begin. Newer files give the nested calls' own times from session start; then begin is 0.

    Args:
        marker_t: time of the marker from session start, s.
        duration_s: how long the sub-agent ran, null where not told.
        first_t: smallest `t` of its calls.
    """
    fits = (duration_s >= 0) & (duration_s <= marker_t)
    begin = pl.when(fits).then(marker_t - duration_s).otherwise(marker_t)
    is_absolute = (first_t > 1) & (first_t >= begin - 1)
    return pl.when(is_absolute).then(0.0).otherwise(begin)
