"""Serving the calls of a trace by a measured kernel profile: what `scoville serve` does."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from hwmodel.serving.calls import CallTimes
from hwmodel.serving.config import read_config
from hwmodel.serving.engine import serve_calls
from hwmodel.serving.profiles.read import read_profile
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
    times = serve_calls(calls, read_profile(asked.kernel_profile, config), config)
    _write(call_rows(times), asked.target)
    return summary(times)


def call_rows(times: CallTimes) -> pl.DataFrame:
    """One row per call, in the trace's order; `call_id` is its row there, from 0."""
    return pl.DataFrame(
        {
            "call_id": np.arange(times.queued_s.size),
            "queued_s": times.queued_s,
            "scheduled_s": times.scheduled_s,
            "first_token_s": times.first_token_s,
            "last_token_s": times.last_token_s,
            "preemptions": times.preemptions_count,
            "cached_tokens": times.cached_tokens,
        }
    )


def summary(times: CallTimes) -> dict[str, Any]:
    """Steps, calls, and times to first token, per further token and to last token."""
    return {
        "iterations": times.iterations_count,
        "calls": int(times.queued_s.size),
        "preemptions": int(times.preemptions_count.sum()),
        "cached_tokens": int(times.cached_tokens.sum()),
        "ttft_s": _spread(times.ttft_s),
        "tpot_s": _spread(times.tpot_s),
        "e2e_s": _spread(times.duration_s),
    }


def _spread(values: Float[np.ndarray, "calls"]) -> dict[str, float | None]:
    """Mean and quantiles of what is a number; none where nothing is."""
    known = values[np.isfinite(values)]
    if known.size == 0:
        return dict.fromkeys(("mean", "p50", "p90", "p95", "p99"))
    quantiles = {f"p{q}": float(np.quantile(known, q / 100)) for q in (50, 90, 95, 99)}
    return {"mean": float(known.mean()), **quantiles}


def _write(rows: pl.DataFrame, target: Path) -> None:
    if target.suffix == ".csv":
        rows.write_csv(target)
    else:
        rows.write_parquet(target)
