"""Frames of calls and tools in their portable form, and the questions that every engine answers the same."""

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from featurize import portable

Question = Callable[[Any, Any], Any]

NOT_YET_CUT = ("step_index", "starts_after_call_id", "gap_s")
"""Columns that sessionising makes."""


def portable_calls(calls: pl.LazyFrame) -> pl.LazyFrame:
    """Instants as whole microseconds, words as strings."""
    return calls.with_columns(
        pl.col("surface", "service_tier", "status").cast(pl.String),
        requested_us=pl.col("requested_at").dt.epoch("us"),
    ).drop("requested_at", "day")


def portable_tools(tools: pl.LazyFrame) -> pl.LazyFrame:
    return tools.select("call_id", "duration_s", started_us=pl.col("started_at").dt.epoch("us"))


def wait_quantiles(calls: Any, tools: Any) -> Any:
    keys = ("surface", "wait")
    counted = portable.wait_histograms(portable.call_waits(calls, tools), ("surface",))
    return portable.histogram_quantiles(counted, keys=keys, quantiles={"p50_us": 0.5, "p95_us": 0.95})


QUESTIONS: Mapping[str, tuple[Question, tuple[str, ...]]] = {
    "linked_calls": (lambda calls, _: portable.linked_calls(calls), ("call_id",)),
    "tool_spans": (lambda _, tools: portable.tool_spans(tools), ("call_id",)),
    "call_waits": (portable.call_waits, ("call_id",)),
    "sessionise": (
        lambda calls, _: portable.sessionise(calls.drop(*NOT_YET_CUT), gap_limit_s=60.0),
        ("call_id",),
    ),
    "wait_histograms": (
        lambda calls, tools: portable.wait_histograms(portable.call_waits(calls, tools), ("surface",)),
        ("surface", "wait", "bin_low"),
    ),
    "wait_quantiles": (wait_quantiles, ("surface", "wait")),
}
"""Each transform by name, with the columns that identify a row of its answer."""
