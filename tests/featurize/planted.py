"""Telemetry with a truth planted in it, made of columns: calls of one session each, who leaves when."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from tests.featurize.call_frames import calls_frame, sessions_frame
from warehouse.contracts import ModelCalls, Sessions

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)

Floats = npt.NDArray[np.float64]


def whole_frame(contract: Any, columns: dict[str, Any], given: pl.DataFrame) -> pl.LazyFrame:
    """A frame of the contract from columns; the rest as in the first row of a small valid frame."""
    schema = contract.create_empty().schema
    rest = [pl.lit(given[name].item(0), dtype=schema[name]).alias(name) for name in schema if name not in columns]
    return pl.DataFrame(columns).with_columns(rest).select(pl.col(name).cast(schema[name]) for name in schema).lazy()


def waits_that_end(
    answer_s: Floats, leaves_s: Floats, *, left_at_answer: npt.NDArray[np.bool_] | None = None, **fixed: Any
) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Sessions of one call: whoever would leave before the answer comes does; some leave at the answer.

    Args:
        answer_s: when the first token would come.
        leaves_s: when the user would leave.
        left_at_answer: who leaves once the answer has come; nobody by default.
        fixed: columns of the calls that are not the defaults of `calls_frame`.
    """
    count = len(answer_s)
    gone = leaves_s < answer_s
    after = ~gone & (np.zeros(count, np.bool_) if left_at_answer is None else left_at_answer)
    names = pl.select(pl.format("s{}", pl.int_range(count))).to_series()
    requested = [MONDAY + timedelta(hours=12)] * count
    calls = {
        "call_id": names,
        "session_id": names,
        "requested_at": requested,
        "ttft_s": pl.Series(np.where(gone, np.nan, answer_s)).fill_nan(None),
        "duration_s": np.where(gone, leaves_s, answer_s + 1.0),
        "output_tokens": np.where(gone, 0, 10),
        "status": np.where(gone, "user_cancel", "ok"),
        "day": [MONDAY.date()] * count,
    }
    sessions = {"session_id": names, "outcome": np.where(gone | after, "abandoned", "completed")}
    calls |= {name: [value] * count for name, value in fixed.items()}
    sessions |= {name: [fixed[name]] * count for name in ("surface",) if name in fixed}
    return (
        whole_frame(ModelCalls, calls, calls_frame({}).collect()),
        whole_frame(Sessions, sessions, sessions_frame({}).collect()),
    )


def leaving_times_s(rng: np.random.Generator, count: int, levels: tuple[tuple[float, float], ...]) -> Floats:
    """Times of leaving by a piecewise-constant hazard.

    Args:
        rng: source of the draws.
        count: how many.
        levels: (from_s, hazard per second) of each piece, the first from 0.
    """
    starts = np.array([start for start, _ in levels])
    hazard = np.array([level for _, level in levels])
    grown = np.concatenate(([0.0], np.cumsum(np.diff(starts) * hazard[:-1])))
    wanted = rng.exponential(size=count)
    piece = np.searchsorted(grown, wanted, side="right") - 1
    with np.errstate(divide="ignore"):
        return np.asarray(starts[piece] + (wanted - grown[piece]) / hazard[piece])
