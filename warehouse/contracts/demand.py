"""Contract of the demand: what users asked for, freed of how the incumbent served it. The replay's only input."""

import dataframely as dy
import polars as pl

from warehouse.contracts.telemetry import MAX_TOKENS
from warehouse.contracts.vocabulary import SERVICE_TIERS, SURFACES


class DemandCalls(dy.Schema):
    """One row per intended call, in order of session and step."""

    call_id = dy.String(primary_key=True)
    session_id = dy.String()
    turn_id = dy.Int64(min=0)
    step_index = dy.Int64(min=0)
    starts_after_call_id = dy.String(nullable=True)
    """Null for calls that start at their own time."""
    gap_s = dy.Float64(min=0.0)
    """Tool or human time after starts_after_call_id ended (0 for calls that start at their own time)."""
    requested_at = dy.Datetime(time_zone="UTC", time_unit="us")
    """Observed time; the replay uses it only for calls that start at their own time."""
    input_tokens = dy.Int64(min=1, max=MAX_TOKENS)
    parent_call_id = dy.String(nullable=True)
    shared_prefix_tokens = dy.Int64(min=0, max=MAX_TOKENS)
    output_tokens = dy.Int64(min=1, max=MAX_TOKENS)
    """Intended output: cut calls are completed and flagged imputed."""
    image_tokens = dy.Int64(min=0, max=MAX_TOKENS)
    surface = dy.Enum(SURFACES)
    service_tier = dy.Enum(SERVICE_TIERS)
    tenant_id = dy.String()
    llm = dy.String()
    patience_class = dy.String()
    value_usd_per_token = dy.Float64(min=0.0)
    paid = dy.Bool()
    weight_ratio = dy.Float64(min=0.0)
    """Scenario weight: how many intended calls this one stands for (sessions that were left end too early)."""
    imputed = dy.Bool()
    """True where a token count was cut short or not reported and was completed from like calls."""
    day = dy.Date()

    @dy.rule()
    def shared_prefix_within_input(cls) -> pl.Expr:
        """A shared prefix is part of the prompt."""
        return pl.col("shared_prefix_tokens") <= pl.col("input_tokens")

    @dy.rule()
    def does_not_start_after_itself(cls) -> pl.Expr:
        """A call cannot wait for its own end."""
        return pl.col("starts_after_call_id").is_null() | (pl.col("starts_after_call_id") != pl.col("call_id"))
