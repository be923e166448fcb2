"""Shared finishing of all adapters: fill and check the contracts, move what breaks them, make sessions, count."""

from collections.abc import Sequence

import polars as pl

from warehouse.contracts import CallStatus, ModelCalls, Quarantine, ServiceTier, Sessions, Surface
from warehouse.ingest.errors import UnreadableTrace
from warehouse.ingest.ingested import REFUSED_SCHEMA, Ingested, Parsed
from warehouse.ingest.reading.source import Source
from warehouse.ingest.shaping.checks import CONTROL_CHARACTERS
from warehouse.ingest.shaping.tool_calls import finish_tools

__all__ = ["finish"]

RAW_LIMIT = 500
REASON_LIMIT = 300
TIERS: dict[Surface, ServiceTier] = {
    Surface.CODEX_LOOP: ServiceTier.INTERACTIVE,
    Surface.LONG_CONTEXT_CHAT: ServiceTier.INTERACTIVE,
    Surface.MULTIMODAL: ServiceTier.INTERACTIVE,
    Surface.ALWAYS_ON_ASSISTANT: ServiceTier.INTERACTIVE,
    Surface.API_BURST: ServiceTier.STANDARD,
    Surface.AUTONOMOUS_WORKFLOW: ServiceTier.STANDARD,
}


def finish(parsed: Parsed, source: Source, surface: Surface) -> Ingested:
    """Completes the calls to the contract, moves what still breaks it to quarantine, and derives the sessions.

    Raises:
        UnreadableTrace: if no good row is left.
    """
    good, refused = _by_contract(_complete(parsed.calls, source, surface))
    tool_calls, refused_tools = finish_tools(parsed.tools, good, source)
    quarantine = _quarantine([parsed.refused, refused, refused_tools], source)
    if good.is_empty():
        counts = quarantine["rule"].value_counts(sort=True).head(3)
        rules = ", ".join(f"{rule} ({count})" for rule, count in counts.rows()) or "it has no rows"
        first = f"; first: {quarantine['reason'][0]}" if quarantine.height else ""
        raise UnreadableTrace(
            f"{source.path}: no usable row among {parsed.rows_read}: {rules}{first}. Check that the format is right"
        )
    return Ingested(
        model_calls=good,
        tool_calls=tool_calls,
        sessions=_sessions(good, one_call_each=parsed.one_call_sessions),
        quarantine=quarantine,
        source_id=source.source_id,
        source_name=source.name,
        rows_read=parsed.rows_read,
        rows_kept=good.height + parsed.other_rows,
        notes=parsed.notes,
    )


def _complete(calls: pl.DataFrame, source: Source, surface: Surface) -> pl.DataFrame:
    """All columns of ModelCalls beside row_number: what the trace does not tell is null or says unknown."""
    known = {
        "turn_id": pl.lit(0),
        "step_index": pl.lit(0),
        "tenant_id": pl.lit("unknown"),
        "client_id": pl.lit("unknown"),
        "surface": pl.lit(surface.value),
        "service_tier": pl.lit(TIERS[surface].value),
        "status": pl.lit(CallStatus.OK.value),
        "source_id": pl.lit(source.source_id),
        "day": pl.col("requested_at").dt.date(),
    }
    missing = [name for name in ModelCalls.column_names() if name not in calls.columns]
    filled = calls.with_columns(known.get(name, pl.lit(None)).alias(name) for name in missing)
    types = {name: column.dtype for name, column in ModelCalls.columns().items()}
    return filled.select("row_number", *ModelCalls.column_names()).cast(types)  # type: ignore[arg-type]


def _by_contract(calls: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Splits by the contract; a row that breaks it is refused under the first of its rules."""
    good, failure = ModelCalls.filter(calls.drop("row_number"))
    if good.height == calls.height:
        return good, pl.DataFrame(schema=REFUSED_SCHEMA)
    details = failure.details()
    rules = [name for name in details.columns if name not in calls.columns]
    broken = pl.coalesce(pl.when(pl.col(name).cast(pl.String) == "invalid").then(pl.lit(name)) for name in rules)
    refused = details.select("call_id", broken.alias("rule")).join(
        calls.select("row_number", "call_id", "input_tokens", "output_tokens", "ttft_s", "duration_s", "gap_s"),
        on="call_id",
    )
    raw = pl.struct("call_id", "input_tokens", "output_tokens", "ttft_s", "duration_s", "gap_s").struct.json_encode()
    reason = pl.format("breaks the rule {} of the table model_calls", "rule")
    return _without_lost_references(good), refused.select(
        "row_number", "rule", reason.alias("reason"), raw.alias("raw")
    )


def _without_lost_references(good: pl.DataFrame) -> pl.DataFrame:
    """Forgets references to calls that were refused: a missing parent shares an unknown number of tokens."""
    kept = pl.col("call_id").implode()
    lost_parent = pl.col("parent_call_id").is_not_null() & ~pl.col("parent_call_id").is_in(kept)
    lost_before = pl.col("starts_after_call_id").is_not_null() & ~pl.col("starts_after_call_id").is_in(kept)
    return good.with_columns(
        pl.when(lost_parent).then(None).otherwise("parent_call_id").alias("parent_call_id"),
        pl.when(lost_parent).then(None).otherwise("shared_prefix_tokens").alias("shared_prefix_tokens"),
        pl.when(lost_before).then(None).otherwise("starts_after_call_id").alias("starts_after_call_id"),
    )


def _quarantine(parts: Sequence[pl.DataFrame], source: Source) -> pl.DataFrame:
    """All refused rows in order of the source."""
    rows = pl.concat([part for part in parts if part.height], how="diagonal") if any(p.height for p in parts) else None
    if rows is None:
        return Quarantine.create_empty()
    if "source_name" not in rows.columns:
        rows = rows.with_columns(source_name=pl.lit(None, dtype=pl.String))
    return Quarantine.validate(
        rows.select(
            source_id=pl.lit(source.source_id),
            source_name=pl.coalesce("source_name", pl.lit(source.name)),
            row_number=pl.col("row_number"),
            rule=pl.col("rule"),
            reason=pl.col("reason").str.replace_all(CONTROL_CHARACTERS, "\ufffd").str.slice(0, REASON_LIMIT),
            raw=pl.col("raw").str.replace_all(CONTROL_CHARACTERS, "\ufffd").str.slice(0, RAW_LIMIT),
        ).sort("row_number", maintain_order=True)
    )


def _sessions(calls: pl.DataFrame, *, one_call_each: bool) -> pl.DataFrame:
    """One row per session; where a call's duration is unknown its request counts as its end."""
    end = pl.col("requested_at") + pl.duration(microseconds=(pl.col("duration_s").fill_null(0) * 1e6).round().cast(int))
    constants = ("surface", "tenant_id", "client_id", "region", "service_tier", "source_id")
    if one_call_each:
        one = pl.lit(1)
        started = calls.select(
            "session_id", *constants, started_at="requested_at", ended_at=end, turn_count=one, call_count=one
        )
    else:
        started = calls.group_by("session_id", maintain_order=True).agg(
            pl.col(*constants).first(),
            started_at=pl.col("requested_at").min(),
            ended_at=end.max(),
            turn_count=pl.col("turn_id").n_unique(),
            call_count=pl.len(),
        )
    full = started.with_columns(
        outcome=pl.lit(None), paid=pl.lit(None, dtype=pl.Boolean), day=pl.col("started_at").dt.date()
    )
    return Sessions.validate(full.select(*Sessions.column_names()), cast=True)
