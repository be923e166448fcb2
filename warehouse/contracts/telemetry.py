"""Contracts of what was observed: model calls, tool calls, sessions, and the rows that were refused."""

import dataframely as dy
import polars as pl

from warehouse.contracts.vocabulary import (
    SERVICE_TIERS,
    SURFACES,
    CallStatus,
    SessionOutcome,
    values_of,
)

MAX_TOKENS = 100_000_000
"""No call of any public trace comes near this; a larger count is a broken row."""


class ModelCalls(dy.Schema):
    """One row per LLM call. A count that was not reported is null, never 0."""

    call_id = dy.String(primary_key=True)
    session_id = dy.String()
    turn_id = dy.Int64(min=0)
    """Number of the human request inside the session, from 0."""
    step_index = dy.Int64(min=0)
    """Number of the call inside the session, from 0, in order of request."""
    tenant_id = dy.String()
    client_id = dy.String()
    """Salted hash of the end user or key."""
    agent_id = dy.String(nullable=True)
    """Null for the session's main agent, else the sub-agent's id."""
    parent_agent_id = dy.String(nullable=True)
    surface = dy.Enum(SURFACES)
    phase = dy.String(nullable=True)
    """Phase of an agent's loop (read_context, plan, edit, test, observe, repair, explain, continue), if known."""
    model = dy.String(nullable=True)
    service_tier = dy.Enum(SERVICE_TIERS)
    region = dy.String(nullable=True)
    requested_at = dy.Datetime(time_zone="UTC", time_unit="us")
    input_tokens = dy.Int64(min=0, max=MAX_TOKENS, nullable=True)
    """Tokens of the whole prompt, cached tokens included."""
    cache_read_tokens = dy.Int64(min=0, max=MAX_TOKENS, nullable=True)
    output_tokens = dy.Int64(min=0, max=MAX_TOKENS, nullable=True)
    reasoning_tokens = dy.Int64(min=0, max=MAX_TOKENS, nullable=True)
    image_tokens = dy.Int64(min=0, max=MAX_TOKENS, nullable=True)
    parent_call_id = dy.String(nullable=True)
    """The earlier call whose prompt and answer this prompt shares its longest prefix with."""
    shared_prefix_tokens = dy.Int64(min=0, max=MAX_TOKENS, nullable=True)
    """Length of that shared prefix; null where the trace does not tell."""
    starts_after_call_id = dy.String(nullable=True)
    """The call that had to end before this one could be requested; null for the first of a session."""
    gap_s = dy.Float64(min=0.0, nullable=True)
    """Time between that call's end and this request: tools, approval, the human."""
    queue_s = dy.Float64(min=0.0, nullable=True)
    """Part of ttft_s spent waiting for the server, if known."""
    ttft_s = dy.Float64(min=0.0, nullable=True)
    duration_s = dy.Float64(min=0.0, nullable=True)
    """Request to last token (or to the cut)."""
    status = dy.Enum(values_of(CallStatus))
    finish_reason = dy.String(nullable=True)
    source_id = dy.String()
    """What the row came from: `synthetic:<seed>` or the content hash of a trace file."""
    day = dy.Date()
    """Partition column: UTC day of requested_at."""

    @classmethod
    def _sampling_overrides(cls) -> dict[str, pl.Expr]:
        return {"day": pl.col("requested_at").dt.date()}

    @dy.rule()
    def cached_tokens_within_input(cls) -> pl.Expr:
        """Cached tokens are part of the prompt."""
        return pl.col("cache_read_tokens") <= pl.col("input_tokens")

    @dy.rule()
    def shared_prefix_within_input(cls) -> pl.Expr:
        """A shared prefix is part of the prompt."""
        return pl.col("shared_prefix_tokens") <= pl.col("input_tokens")

    @dy.rule()
    def reasoning_tokens_within_output(cls) -> pl.Expr:
        """Reasoning tokens are part of the output."""
        return pl.col("reasoning_tokens") <= pl.col("output_tokens")

    @dy.rule()
    def first_token_not_after_last(cls) -> pl.Expr:
        """The first token comes before the call ends; half a second of clock skew is tolerated."""
        return pl.col("ttft_s") <= pl.col("duration_s") + 0.5

    @dy.rule()
    def day_is_day_of_request(cls) -> pl.Expr:
        """The partition a row lies in is the day it was requested."""
        return pl.col("day") == pl.col("requested_at").dt.date()


class ToolCalls(dy.Schema):
    """One row per tool run between two model calls."""

    tool_call_id = dy.String(primary_key=True)
    call_id = dy.String()
    """The model call that asked for the tool."""
    session_id = dy.String()
    surface = dy.Enum(SURFACES)
    kind = dy.String()
    started_at = dy.Datetime(time_zone="UTC", time_unit="us")
    duration_s = dy.Float64(min=0.0)
    ok = dy.Bool()
    source_id = dy.String()
    day = dy.Date()


class Sessions(dy.Schema):
    """One row per session."""

    session_id = dy.String(primary_key=True)
    surface = dy.Enum(SURFACES)
    tenant_id = dy.String()
    client_id = dy.String()
    region = dy.String(nullable=True)
    service_tier = dy.Enum(SERVICE_TIERS)
    started_at = dy.Datetime(time_zone="UTC", time_unit="us")
    ended_at = dy.Datetime(time_zone="UTC", time_unit="us")
    turn_count = dy.Int64(min=1)
    call_count = dy.Int64(min=1)
    outcome = dy.Enum(values_of(SessionOutcome), nullable=True)
    """Null where the source does not tell."""
    paid = dy.Bool(nullable=True)
    source_id = dy.String()
    day = dy.Date()
    """UTC day of started_at."""

    @dy.rule()
    def ends_not_before_start(cls) -> pl.Expr:
        """A session ends after it starts."""
        return pl.col("ended_at") >= pl.col("started_at")


class Quarantine(dy.Schema):
    """One row per refused row of a source, with the rule it broke."""

    source_id = dy.String()
    source_name = dy.String()
    """File name without its folder."""
    row_number = dy.Int64(min=0)
    """Position in the source, from 1; 0 for what is no row: the file as a whole, a tool call inside a row."""
    rule = dy.String()
    reason = dy.String()
    raw = dy.String(nullable=True)
    """The refused row's numbers and ids as JSON, cut to 500 characters, content attributes dropped."""
