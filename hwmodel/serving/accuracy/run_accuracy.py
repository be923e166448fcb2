"""Errors on measured serving runs, by group: each chip predicted with what the other chips taught."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from hwmodel.serving.accuracy.left_out import errors, fitted_for

LEAST_ROWS = 30
"""A group of fewer rows is printed but not held against the bars."""
TPOT_BAR, TTFT_BAR = 0.18, 0.35
RUNNING_RATIO = 0.5
"""Share of a user's time that the answer must take for the users to be the batch; see `is_running`."""
ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """Errors of one group of measured runs."""

    case: str
    chip: str
    model: str
    backend: str
    precision: str
    mode: str
    rows: int
    tpot_mape: float
    tpot_bias: float
    """Median of predicted over measured, less 1."""
    tpot_bar: float | None
    ttft_median_error: float
    ttft_bias: float
    ttft_bar: float | None
    passes: bool | None
    first_token_delay_s: float
    """The one number of this backend, fitted on the other chips."""
    tpot_mape_host: float
    """Had the one number been the host time per step instead."""
    host_step_s: float
    rows_running: int
    """Rows whose own times say that the users are the batch."""
    tpot_mape_running: float
    """Of those rows alone."""


def with_fitted(predicted: pl.DataFrame) -> pl.DataFrame:
    """Rows with what was fitted for their chip and backend on the other chips, and the measured times in seconds."""
    rows = predicted.with_columns(
        (pl.col("silicon_tpot_ms") / 1e3).alias("measured_tpot_s"),
        (pl.col("silicon_ttft_ms") / 1e3).alias("measured_ttft_s"),
    ).with_columns(is_running().alias("is_running"))
    parts = []
    for (chip, backend), part in rows.group_by("chip", "backend", maintain_order=True):
        others = rows.filter((pl.col("backend") == backend) & (pl.col("chip") != chip))
        found = fitted_for(str(chip), str(backend), others)
        parts.append(
            part.with_columns(
                pl.lit(found.first_token_delay_s).alias("first_token_delay_s"),
                pl.lit(found.host_step_s).alias("host_step_s"),
            )
        )
    return pl.concat(parts) if parts else rows


def is_running() -> pl.Expr:
    """Whether a user spends most of the time in the answer, by the measured times alone (Little's law).

    Where not, the engine held fewer sequences than there were users: the batch is not the concurrency.
    """
    answer_s = pl.col("osl") * pl.col("measured_tpot_s")
    return answer_s >= RUNNING_RATIO * (answer_s + pl.col("measured_ttft_s"))


def data_parallel_run_rows(fitted: pl.DataFrame) -> list[RunRow]:
    """Runs whose attention is divided by data, by chip, LLM, backend and precision."""
    return _groups(fitted, "attention by data", ("chip", "llm", "backend", "precision"))


def run_rows(fitted: pl.DataFrame) -> list[RunRow]:
    """Groups by chip and backend with their bars, then the same by model, precision and mode."""
    return [
        *_groups(fitted, "group", ("chip", "backend")),
        *_groups(fitted, "runs", ("chip", "llm", "backend", "precision", "mode")),
    ]


def _groups(fitted: pl.DataFrame, case: str, keys: Sequence[str]) -> list[RunRow]:
    parts = fitted.sort(keys, maintain_order=True).partition_by(list(keys), maintain_order=True)
    return [_row(part, case, {key: str(part[key][0]) for key in keys}) for part in parts]


def _row(part: pl.DataFrame, case: str, labels: dict[str, str]) -> RunRow:
    said, measured = part["tpot_s"].to_numpy(), part["measured_tpot_s"].to_numpy()
    delay_s, host_s = part["first_token_delay_s"].to_numpy(), part["host_step_s"].to_numpy()
    first, measured_first = part["ttft_s"].to_numpy() + delay_s, part["measured_ttft_s"].to_numpy()
    running = part["is_running"].to_numpy()
    tpot, ttft = errors(said, measured), errors(first, measured_first)
    has_bar = case == "group" and len(part) >= LEAST_ROWS
    return RunRow(
        case=case,
        chip=labels.get("chip", ALL),
        model=labels.get("llm", ALL),
        backend=labels.get("backend", ALL),
        precision=labels.get("precision", ALL),
        mode=labels.get("mode", "agg"),
        rows=len(part),
        tpot_mape=float(tpot.mean()),
        tpot_bias=float(np.median(said / measured) - 1.0),
        tpot_bar=TPOT_BAR if has_bar else None,
        ttft_median_error=float(np.median(ttft)),
        ttft_bias=float(np.median(first / measured_first) - 1.0),
        ttft_bar=TTFT_BAR if has_bar else None,
        passes=bool(tpot.mean() <= TPOT_BAR and np.median(ttft) <= TTFT_BAR) if has_bar else None,
        first_token_delay_s=float(delay_s[0]),
        tpot_mape_host=float(errors(said + host_s - part["engine_host_s"].to_numpy(), measured).mean()),
        host_step_s=float(host_s[0]),
        rows_running=int(running.sum()),
        tpot_mape_running=float(tpot[running].mean()) if running.any() else float("nan"),
    )
