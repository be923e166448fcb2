"""Small and large frames of calls, tools, sessions and policy for the tests of featurize."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from warehouse.contracts import SERVICE_TIERS, SURFACES, ModelCalls, ServingPolicy, Sessions, ToolCalls

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

_CALL = {
    "session_id": "s",
    "turn_id": 0,
    "step_index": 0,
    "tenant_id": "tenant",
    "client_id": "client",
    "surface": "codex_loop",
    "service_tier": "interactive",
    "requested_at": NOON,
    "status": "ok",
    "source_id": "synthetic:1",
}


def _frame(schema: Any, rows: Iterable[Mapping[str, Any]]) -> pl.LazyFrame:
    """A valid frame of the contract; columns that no row gives are null."""
    data = pl.DataFrame(list(rows), schema=schema.create_empty().schema)
    return pl.LazyFrame(schema.validate(data))


def calls_frame(*rows: Mapping[str, Any]) -> pl.LazyFrame:
    """Calls from what matters of them; `at_s` is the request in seconds after noon."""
    whole = []
    for number, given in enumerate(rows):
        row = {"call_id": f"c{number}", **_CALL, **given}
        row["requested_at"] = NOON + timedelta(seconds=row.pop("at_s", 0.0))
        whole.append({**row, "day": row["requested_at"].date()})
    return _frame(ModelCalls, whole)


def tools_frame(*rows: Mapping[str, Any]) -> pl.LazyFrame:
    """Tool runs from what matters of them; `at_s` is the start in seconds after noon."""
    whole = []
    for number, given in enumerate(rows):
        row = {
            "tool_call_id": f"t{number}",
            "kind": "bash",
            "ok": True,
            "session_id": "s",
            "surface": "codex_loop",
            **given,
        }
        row["started_at"] = NOON + timedelta(seconds=row.pop("at_s", 0.0))
        whole.append({**row, "source_id": "synthetic:1", "day": row["started_at"].date()})
    return _frame(ToolCalls, whole)


def sessions_frame(*rows: Mapping[str, Any]) -> pl.LazyFrame:
    """Sessions from what matters of them; `span_s` is their length, from noon on."""
    whole = []
    for number, given in enumerate(rows):
        row = {
            "session_id": f"s{number}",
            "surface": "codex_loop",
            "tenant_id": "tenant",
            "client_id": "client",
            "service_tier": "interactive",
            "turn_count": 1,
            "call_count": 1,
            **given,
        }
        ended_at = NOON + timedelta(seconds=row.pop("span_s", 0.0))
        whole.append({**row, "started_at": NOON, "ended_at": ended_at, "source_id": "synthetic:1", "day": NOON.date()})
    return _frame(Sessions, whole)


def policy_frame(*, paid_ratio: float = 0.5) -> pl.LazyFrame:
    """A policy for every surface and tier."""
    return _frame(
        ServingPolicy,
        [
            {
                "surface": surface,
                "service_tier": tier,
                "llm": f"llm of {surface}",
                "ttft_limit_s": 1.0,
                "tpot_limit_s": 0.05,
                "attainment_target_ratio": 0.95,
                "value_usd_per_token": 1e-5,
                "value_low_usd_per_token": 5e-6,
                "value_high_usd_per_token": 2e-5,
                "paid_ratio": paid_ratio,
                "patience_class": f"patience of {tier}",
                "source": "test",
                "kind": "assumed",
            }
            for surface in SURFACES
            for tier in SERVICE_TIERS
        ],
    )


def many_calls(count: int, *, seed: int = 1, calls_per_session: int = 10) -> pl.LazyFrame:
    """Calls of equal sessions over three days, sequential inside a session, with planted nulls, cuts and lineage."""
    rng = np.random.default_rng(seed)
    session, step = np.divmod(np.arange(count), calls_per_session)
    input_tokens = np.minimum(rng.lognormal(8.5, 1.3, count).astype(np.int64) + 1 + 1500 * step, 400_000)
    output_tokens = rng.lognormal(5.5, 1.1, count).astype(np.int64) + 1
    gap_s = rng.lognormal(2.5, 1.2, count)
    ttft_s = rng.lognormal(0.0, 0.8, count)
    duration_s = ttft_s + output_tokens / rng.uniform(30, 90, count)
    busy_s = (gap_s + duration_s).reshape(-1, calls_per_session)
    offset_s = np.cumsum(busy_s, axis=1) - duration_s.reshape(-1, calls_per_session)
    begin_s = rng.uniform(0, 3 * 86_400, len(busy_s))
    requested_us = ((begin_s[:, None] + offset_s).ravel() * 1e6).astype(np.int64)
    status = rng.choice(["ok", "user_cancel", "rate_limited", "error"], count, p=[0.95, 0.03, 0.01, 0.01])
    seen_tokens = np.where(status == "ok", output_tokens, (output_tokens * rng.uniform(0, 1, count)).astype(np.int64))
    surface = np.array(SURFACES)[session % len(SURFACES)]
    number = pl.int_range(count, eager=True)
    return (
        pl.DataFrame(
            {
                "call": number,
                "session": session,
                "turn_id": step // 4,
                "step_index": step,
                "surface": surface,
                "input_tokens": input_tokens,
                "output_tokens": seen_tokens,
                "shared_prefix_tokens": np.where(step > 0, (input_tokens * 0.8).astype(np.int64), 0),
                "gap_s": gap_s,
                "queue_s": ttft_s * 0.3,
                "ttft_s": ttft_s,
                "duration_s": duration_s,
                "status": status,
                "requested_us": requested_us,
            }
        )
        .lazy()
        .select(
            call_id=pl.format("call-{}", "call"),
            session_id=pl.format("session-{}", "session"),
            turn_id="turn_id",
            step_index="step_index",
            tenant_id=pl.format("tenant-{}", pl.col("session") % 50),
            client_id=pl.format("client-{}", pl.col("session") % 5000),
            agent_id=pl.lit(None, pl.String),
            parent_agent_id=pl.lit(None, pl.String),
            surface=pl.col("surface").cast(pl.Enum(SURFACES)),
            phase=pl.when(pl.col("surface") == "codex_loop").then(pl.lit("edit")),
            model=pl.lit(None, pl.String),
            service_tier=pl.lit("interactive").cast(pl.Enum(SERVICE_TIERS)),
            region=pl.lit(None, pl.String),
            requested_at=(NOON.replace(hour=0) + pl.duration(microseconds="requested_us")).cast(
                pl.Datetime("us", "UTC")
            ),
            input_tokens="input_tokens",
            cache_read_tokens="shared_prefix_tokens",
            output_tokens="output_tokens",
            reasoning_tokens=pl.lit(None, pl.Int64),
            image_tokens=pl.lit(None, pl.Int64),
            parent_call_id=pl.when(pl.col("step_index") > 0).then(pl.format("call-{}", pl.col("call") - 1)),
            shared_prefix_tokens=pl.when(pl.col("step_index") > 0).then("shared_prefix_tokens"),
            starts_after_call_id=pl.when(pl.col("step_index") > 0).then(pl.format("call-{}", pl.col("call") - 1)),
            gap_s=pl.when(pl.col("step_index") > 0).then("gap_s"),
            queue_s=pl.when(pl.col("call") % 10 > 0).then("queue_s"),
            ttft_s=pl.when(pl.col("call") % 20 > 0).then("ttft_s"),
            duration_s="duration_s",
            status=pl.col("status").cast(ModelCalls.create_empty().schema["status"]),
            finish_reason=pl.lit(None, pl.String),
            source_id=pl.lit("synthetic:1"),
        )
        .with_columns(day=pl.col("requested_at").dt.date())
    )


def sessions_of(calls: pl.LazyFrame) -> pl.LazyFrame:
    """The sessions that calls belong to, every fifth of them abandoned."""
    ended_at = pl.col("requested_at") + pl.duration(microseconds=(pl.col("duration_s") * 1e6).cast(pl.Int64))
    schema = Sessions.create_empty().schema
    return (
        calls.group_by("session_id")
        .agg(
            pl.col("surface", "tenant_id", "client_id", "region", "service_tier", "source_id").first(),
            started_at=pl.col("requested_at").min(),
            ended_at=ended_at.max(),
            turn_count=pl.col("turn_id").n_unique().cast(pl.Int64),
            call_count=pl.len().cast(pl.Int64),
        )
        .with_columns(
            outcome=pl.when(pl.col("session_id").str.ends_with("5"))
            .then(pl.lit("abandoned"))
            .otherwise(pl.lit("completed"))
            .cast(schema["outcome"]),
            paid=pl.lit(None, pl.Boolean),
            day=pl.col("started_at").dt.date(),
        )
        .select(schema.names())
    )


def tools_of(calls: pl.LazyFrame) -> pl.LazyFrame:
    """One tool run of half the gap before each agent step that follows another one."""
    return calls.filter(
        pl.col("surface").cast(pl.String).is_in(["codex_loop", "autonomous_workflow"]),
        pl.col("starts_after_call_id").is_not_null(),
    ).select(
        tool_call_id=pl.format("tool-{}", "call_id"),
        call_id="starts_after_call_id",
        session_id="session_id",
        surface="surface",
        kind=pl.lit("bash"),
        started_at=pl.col("requested_at") - pl.duration(microseconds=(pl.col("gap_s") * 1e6).cast(pl.Int64)),
        duration_s=pl.col("gap_s") / 2,
        ok=pl.lit(value=True),
        source_id="source_id",
        day="day",
    )
