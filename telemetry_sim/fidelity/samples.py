"""The samples that fidelity compares: lengths, growth, gaps and counts of a trace, each value with its session."""

from dataclasses import dataclass

import polars as pl

from telemetry_sim.laws import Floats

TITLES: dict[str, str] = {
    "input_tokens": "input tokens per call",
    "output_tokens": "output tokens per call",
    "uncached_tokens": "input tokens not shared with an earlier call",
    "growth_tokens": "context growth per call",
    "calls_per_session_count": "calls per session",
    "calls_per_turn_count": "calls per human request",
    "tool_gap_s": "gap before a tool-driven call",
    "human_gap_s": "gap before a human-driven call",
    "first_context_tokens": "first context of a session",
    "last_context_tokens": "last context of a session",
    "shared_ratio": "share of a call's input that is reused",
}
"""What each sample is, in words."""

STEPS = "step_index"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Values of one kind with the session each is from."""

    values: Floats
    sessions: pl.Series
    """Session ids, as long as the values."""


def samples_of(calls: pl.DataFrame) -> dict[str, Sample]:
    """All samples that the trace can tell, by name.

    Loop shape (growth, gaps, counts, contexts) is that of each session's main agent, as in the published figures; a
    trace whose sessions all are of one call has none. Growth is the change of the input from one call to the next where
    it is positive. A gap is human-driven where a new turn begins.

    Args:
        calls: A ModelCalls frame.
    """
    main = _main_calls(calls)
    found = {
        "input_tokens": _sample(calls, "input_tokens"),
        "output_tokens": _sample(calls, "output_tokens"),
    }
    if calls["shared_prefix_tokens"].null_count() < calls.height:
        told = calls.filter(pl.col("input_tokens") > 0).with_columns(shared=pl.col("shared_prefix_tokens").fill_null(0))
        uncached = told.select("session_id", uncached=pl.col("input_tokens") - pl.col("shared"))
        found["uncached_tokens"] = _sample(uncached, "uncached")
        inner = told.filter(pl.col("parent_call_id").is_not_null())
        share = inner.select("session_id", share=pl.col("shared") / pl.col("input_tokens"))
        found["shared_ratio"] = _sample(share, "share")
    if main["session_id"].n_unique() < main.height:
        found |= _loop_samples(main)
    return {name: sample for name, sample in found.items() if len(sample.values)}


def _loop_samples(main: pl.DataFrame) -> dict[str, Sample]:
    inner = main.filter(pl.col("before").is_not_null())
    by_session = main.group_by("session_id", maintain_order=True)
    sizes = by_session.agg(count=pl.len(), first=pl.col("input_tokens").first(), last=pl.col("input_tokens").last())
    turns = main.group_by("session_id", "turn_id", maintain_order=True).agg(count=pl.len())
    human = pl.col("turn_id") != pl.col("turn_before")
    return {
        "growth_tokens": _sample(inner.filter(pl.col("growth") > 0), "growth"),
        "calls_per_session_count": _sample(sizes, "count"),
        "calls_per_turn_count": _sample(turns, "count"),
        "tool_gap_s": _sample(inner.filter(~human), "gap_s"),
        "human_gap_s": _sample(inner.filter(human), "gap_s"),
        "first_context_tokens": _sample(sizes, "first"),
        "last_context_tokens": _sample(sizes, "last"),
    }


def _main_calls(calls: pl.DataFrame) -> pl.DataFrame:
    """Calls of main agents in order, with the input and the turn of the call before."""
    kept = calls.filter(pl.col("agent_id").is_null(), pl.col("input_tokens").is_not_null()).sort(
        "session_id", STEPS, maintain_order=True
    )
    before = pl.col("input_tokens").shift(1).over("session_id")
    return kept.with_columns(
        before=before,
        growth=pl.col("input_tokens") - before,
        turn_before=pl.col("turn_id").shift(1).over("session_id"),
    )


def _sample(frame: pl.DataFrame, column: str) -> Sample:
    told = frame.select("session_id", value=pl.col(column).cast(pl.Float64)).drop_nulls()
    return Sample(values=told["value"].to_numpy(), sessions=told["session_id"])
