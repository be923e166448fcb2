"""The split of the time around each call by what was waited for."""

from collections.abc import Sequence

import narwhals as nw
from narwhals.typing import IntoLazyFrameT

from featurize.portable.histograms import histogram
from featurize.portable.links import MICROSECONDS_PER_S, linked_calls, not_negative

WAITS: tuple[str, ...] = ("queue", "prefill", "decode", "service", "tool", "human")
"""The kinds of wait; the column of a kind is `<kind>_wait_s`."""

CLOCK_GRAIN_S = 1e-3
"""A tool's instants are rounded to microseconds and traces to milliseconds: a gap this much longer than the tools in it
holds no approval."""


def call_waits(calls: IntoLazyFrameT, tools: IntoLazyFrameT) -> IntoLazyFrameT:
    """Link calls and split the time around each, as `featurize.calls.call_waits` tells it; in no promised order.

    Args:
        calls: frame like `ModelCalls`, with `requested_us` (whole microseconds) for `requested_at`.
        tools: frame like `ToolCalls`, with `started_us` for `started_at`; may be empty.
    """
    spans = nw.from_native(tool_spans(tools)).rename({"call_id": "asked_call_id"})
    linked = nw.from_native(linked_calls(calls))
    joined = linked.join(spans, left_on="starts_after_call_id", right_on="asked_call_id", how="left")
    return with_waits(joined.to_native())


def tool_spans(tools: IntoLazyFrameT) -> IntoLazyFrameT:
    """Wall time of the tools that each call asked for, first start to last end (they may run side by side).

    Args:
        tools: frame with `call_id`, `started_us` (whole microseconds) and `duration_s`.

    Returns:
        One row per call: `call_id`, `tool_span_s`.
    """
    ends_us = nw.col("started_us") + (nw.col("duration_s") * MICROSECONDS_PER_S).round().cast(nw.Int64)
    return (
        nw.from_native(tools)
        .select("call_id", "started_us", ends_us=ends_us)
        .group_by("call_id")
        .agg(nw.col("started_us").min(), nw.col("ends_us").max())
        .select("call_id", tool_span_s=(nw.col("ends_us") - nw.col("started_us")) / MICROSECONDS_PER_S)
        .to_native()
    )


def with_waits(linked: IntoLazyFrameT) -> IntoLazyFrameT:
    """Add a column per kind of wait and `backoff_s` to linked calls that carry `tool_span_s`, which goes.

    Args:
        linked: from `linked_calls`, joined with `tool_spans` on the call that each starts after.
    """
    return (
        nw.from_native(linked)
        .with_columns(
            queue_wait_s=nw.col("queue_s"),
            prefill_wait_s=prefill_wait_s(),
            decode_wait_s=decode_wait_s(),
            service_wait_s=service_wait_s(),
            tool_wait_s=tool_wait_s(),
            backoff_s=backoff_s(),
        )
        .with_columns(human_wait_s=human_wait_s())
        .drop(["tool_span_s"])
        .to_native()
    )


def wait_histograms(waits: IntoLazyFrameT, keys: Sequence[str]) -> IntoLazyFrameT:
    """Histograms of every kind of wait by keys: what a profile of percentiles can be merged from, hour by hour.

    Args:
        waits: from `call_waits`.
        keys: columns to group by.

    Returns:
        `keys`, `wait`, and the columns of `featurize.portable.histogram` of the wait in whole microseconds.
    """
    frame = nw.from_native(waits)
    parts: list[nw.LazyFrame[IntoLazyFrameT]] = []
    for wait in WAITS:
        wait_us = (nw.col(f"{wait}_wait_s") * MICROSECONDS_PER_S).round().cast(nw.Int64)
        of_kind = frame.select(*keys, wait_us=wait_us).to_native()
        counted = nw.from_native(histogram(of_kind, keys=keys, value="wait_us"))
        parts.append(counted.with_columns(wait=nw.lit(wait)))
    profile: IntoLazyFrameT = nw.concat(parts, how="vertical").to_native()
    return profile


def first_token_wait_s() -> nw.Expr:
    """Time to first token; for a call that was cut when nothing had come out, the time until the cut."""
    is_cut_before = (nw.col("status") != "ok") & (nw.col("output_tokens") == 0)
    return nw.coalesce(nw.col("ttft_s"), nw.when(is_cut_before).then(nw.col("duration_s")))


def prefill_wait_s() -> nw.Expr:
    """Time to first token, or to a cut before it, less the known queue."""
    return not_negative(first_token_wait_s() - _known_queue_s())


def decode_wait_s() -> nw.Expr:
    """First to last token."""
    return not_negative(nw.col("duration_s") - nw.col("ttft_s"))


def service_wait_s() -> nw.Expr:
    """Time inside a call that does not tell its first token, less the known queue."""
    undivided_s = not_negative(nw.col("duration_s") - _known_queue_s())
    return nw.when(first_token_wait_s().is_null()).then(undivided_s)


def tool_wait_s() -> nw.Expr:
    """Tool time before the call: the tools that ran, not longer than the gap; else the gap of an agent's step."""
    span_s, gap_s = nw.col("tool_span_s"), nw.col("known_gap_s")
    ran_s = nw.when(gap_s < span_s).then(gap_s).otherwise(span_s)
    of_agent_s = nw.when(nw.col("is_agent") & ~nw.col("is_human_driven")).then(gap_s)
    return nw.when(~nw.col("is_retry")).then(nw.coalesce(ran_s, of_agent_s))


def human_wait_s() -> nw.Expr:
    """What tools leave of a gap: all of it before a turn's first call, approval before a known tool's next step."""
    taken_s = nw.when(nw.col("tool_wait_s").is_null()).then(nw.lit(0.0)).otherwise(nw.col("tool_wait_s"))
    left_s = not_negative(nw.col("known_gap_s") - taken_s)
    is_approval = ~nw.col("tool_span_s").is_null() & (left_s > CLOCK_GRAIN_S)
    return nw.when((nw.col("is_human_driven") | is_approval) & ~nw.col("is_retry")).then(left_s)


def backoff_s() -> nw.Expr:
    """Time that the client stood back before it repeated a refused call."""
    return nw.when(nw.col("is_retry")).then(nw.col("known_gap_s"))


def _known_queue_s() -> nw.Expr:
    return nw.when(nw.col("queue_s").is_null()).then(nw.lit(0.0)).otherwise(nw.col("queue_s"))
