"""Serving the calls of a trace by a measured kernel profile: what `scoville serve` does."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.serving.config import read_config
from hwmodel.serving.demand import NS_PER_S
from hwmodel.serving.engine import EngineRun
from hwmodel.serving.profiles import read_profile
from hwmodel.serving.serve import serve_calls
from hwmodel.serving.traces import read_trace
from pipelines.errors import BadInput

SUFFIXES = (".parquet", ".csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What is asked of `scoville serve`."""

    trace: Path
    """Vidur's CSV or LLMServingSim's workload as Parquet."""
    kernel_profile: str
    """`vidur:FILE` or `llmservingsim:DIR`."""
    config: Path
    """YAML of the engine."""
    target: Path
    """Parquet or CSV to write."""


def serve_file(asked: Served) -> dict[str, Any]:
    """Serves every call of a trace, writes one row per call and sums the run up.

    Times in the file are seconds on the trace's clock (after `arrival_scale`), not since the call's arrival: the wait
    of a call is scheduled_s - queued_s, its time to first token first_token_s - queued_s.

    Raises:
        BadInput: The target is neither Parquet nor CSV.
        ServingError: Trace, profile or configuration cannot be used, or do not fit each other.
    """
    if asked.target.suffix not in SUFFIXES:
        raise BadInput(
            f"{asked.target}: cannot write {asked.target.suffix or 'a file without suffix'}; take .parquet or .csv"
        )
    config = read_config(asked.config)
    calls = read_trace(asked.trace, arrival_scale=config.arrival_scale)
    run = serve_calls(calls, read_profile(asked.kernel_profile, config), config)
    rows = call_rows(run)
    _write(rows, asked.target)
    return summary(rows, run)


def call_rows(run: EngineRun) -> pl.DataFrame:
    """One row per call, in the trace's order; `call_id` is its row there, from 0."""
    times = run.times
    return pl.DataFrame(
        {
            "call_id": np.arange(times.requested_ns.size),
            "queued_s": times.requested_ns / NS_PER_S,
            "scheduled_s": times.scheduled_ns / NS_PER_S,
            "first_token_s": times.first_ns / NS_PER_S,
            "last_token_s": times.last_ns / NS_PER_S,
            "preemptions": times.preemptions_count,
            "cached_tokens": times.cached_tokens,
        }
    )


def summary(rows: pl.DataFrame, run: EngineRun) -> dict[str, Any]:
    """Steps, calls, and times to first token, per further token (of answers with one) and to last token."""
    queued, first, last = (rows[name].to_numpy() for name in ("queued_s", "first_token_s", "last_token_s"))
    further = run.times.generated_tokens - 1
    return {
        "iterations": run.steps_count,
        "calls": len(rows),
        "preemptions": int(rows["preemptions"].sum()),
        "cached_tokens": int(rows["cached_tokens"].sum()),
        "ttft_s": _spread(first - queued),
        "tpot_s": _spread((last - first)[further > 0] / further[further > 0]),
        "e2e_s": _spread(last - queued),
    }


def _spread(values: Float[np.ndarray, "calls"]) -> dict[str, float | None]:
    """Mean and quantiles; none of no values."""
    if values.size == 0:
        return dict.fromkeys(("mean", "p50", "p90", "p95", "p99"))
    quantiles = {f"p{q}": float(np.quantile(values, q / 100)) for q in (50, 90, 95, 99)}
    return {"mean": float(values.mean()), **quantiles}


def _write(rows: pl.DataFrame, target: Path) -> None:
    if target.suffix == ".csv":
        rows.write_csv(target)
    else:
        rows.write_parquet(target)
