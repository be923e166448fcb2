"""Made-up traces with planted truth, in the form of the contract."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from warehouse.contracts import SERVICE_TIERS, SURFACES, ModelCalls

BEGIN = datetime(2025, 1, 6, tzinfo=UTC)
REUSED = 0.9
"""Planted: a prompt shares so much of the prompt before, in blocks of 16."""


def as_calls(columns: dict[str, object]) -> pl.DataFrame:
    """A ModelCalls frame of the columns given; all others null or constant."""
    known = pl.DataFrame(columns)
    filling = {
        "turn_id": pl.lit(0, pl.Int64),
        "step_index": pl.lit(0, pl.Int64),
        "tenant_id": pl.lit("t"),
        "client_id": pl.lit("c"),
        "surface": pl.lit(SURFACES[0]),
        "service_tier": pl.lit(SERVICE_TIERS[0]),
        "status": pl.lit("ok"),
        "source_id": pl.lit("made"),
    }
    dated = known.with_columns(expr.alias(name) for name, expr in filling.items() if name not in known.columns)
    dated = dated.with_columns(day=pl.col("requested_at").dt.date())
    nulls = [pl.lit(None).alias(name) for name in ModelCalls.column_names() if name not in dated.columns]
    return ModelCalls.validate(dated.with_columns(nulls).select(ModelCalls.column_names()), cast=True)


def loop_trace(sessions: int, *, seed: int = 5, calls: int = 24) -> pl.DataFrame:
    """Agent sessions: lognormal answers (mu 5.5, sigma 0.8), growth (6.5, 1), gaps (2.5, 1); every fourth call human."""
    rng = np.random.default_rng(seed)
    length = rng.integers(3, calls, sessions)
    session = np.repeat(np.arange(sessions), length)
    step = np.arange(len(session)) - np.repeat(np.cumsum(length) - length, length)
    growth = np.maximum(np.rint(np.exp(6.5 + rng.standard_normal(len(session)))), 1).astype(np.int64)
    growth[step == 0] = np.rint(np.exp(10.0 + 0.3 * rng.standard_normal(sessions))).astype(np.int64)
    total = np.cumsum(growth)
    prompt = total - np.repeat(total[step == 0] - growth[step == 0], length)
    gap = np.round(np.exp(2.5 + rng.standard_normal(len(session))), 1)
    at_s = np.cumsum(gap) + 100.0 * session
    ids = [f"s{s:04d}-{k}" for s, k in zip(session, step, strict=True)]
    before = [None if k == 0 else ids[i - 1] for i, k in enumerate(step)]
    shared = np.where(step > 0, np.floor(REUSED * np.roll(prompt, 1) / 16) * 16, 0).astype(np.int64)
    return as_calls(
        {
            "call_id": ids,
            "session_id": [f"s{s:04d}" for s in session],
            "turn_id": step // 4,
            "step_index": step,
            "requested_at": [BEGIN + timedelta(seconds=float(t)) for t in at_s],
            "input_tokens": prompt,
            "output_tokens": np.rint(np.exp(5.5 + 0.8 * rng.standard_normal(len(session)))).astype(np.int64),
            "gap_s": pl.Series(gap).set(pl.Series(step == 0), None),
            "starts_after_call_id": before,
            "parent_call_id": before,
            "shared_prefix_tokens": shared,
        }
    )


def single_calls(count: int, *, seed: int = 3, tied: float = 0.0) -> pl.DataFrame:
    """Calls that stand alone: lognormal prompts (7, 1) and answers (5, 0.7) whose scores are correlated by `tied`."""
    rng = np.random.default_rng(seed)
    one, other = rng.standard_normal((2, count))
    other = tied * one + np.sqrt(1.0 - tied**2) * other
    at_s = np.cumsum(rng.exponential(0.5, count))
    return as_calls(
        {
            "call_id": [f"c{i}" for i in range(count)],
            "session_id": [f"s{i}" for i in range(count)],
            "requested_at": [BEGIN + timedelta(seconds=float(t)) for t in at_s],
            "input_tokens": np.rint(np.exp(7.0 + one)).astype(np.int64),
            "output_tokens": np.rint(np.exp(5.0 + 0.7 * other)).astype(np.int64),
        }
    )
