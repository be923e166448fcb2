"""The heavy transforms of single calls: who follows whom, and how long each call was waited for, and by what."""

import polars as pl

AGENT_SURFACES: tuple[str, ...] = ("codex_loop", "autonomous_workflow")
"""Surfaces whose next step is asked for by an agent, so that a gap inside a turn is tool time."""

WAITS: tuple[str, ...] = ("queue", "prefill", "decode", "service", "tool", "human")
"""The kinds of wait; the column of a kind is `<kind>_wait_s`."""

CLOCK_GRAIN_S = 1e-3
"""A tool's instants are rounded to microseconds and traces to milliseconds: a gap this much longer than the tools in it
holds no approval."""

_PREVIOUS = ("status", "turn_id", "agent_id", "input_tokens", "requested_at", "duration_s")


def linked_calls(calls: pl.LazyFrame) -> pl.LazyFrame:
    """Join each call to the call that it starts after, and name what the pair tells.

    Args:
        calls: frame valid under `ModelCalls`.

    Returns:
        `calls` with `previous_call_id` (null where that call is not in the frame), `known_gap_s` (null where neither
        the gap nor the previous call's end is known), `is_retry`, `is_human_driven`, `is_agent`.
    """
    previous = calls.select("call_id", *(pl.col(name).alias(f"previous_{name}") for name in _PREVIOUS))
    return (
        calls.join(
            previous.with_columns(previous_call_id=pl.col("call_id")),
            left_on="starts_after_call_id",
            right_on="call_id",
            how="left",
            maintain_order="left",
        )
        .with_columns(
            known_gap_s=known_gap_s(),
            is_retry=is_retry(),
            is_human_driven=is_human_driven(),
            is_agent=is_agent(),
        )
        .drop(f"previous_{name}" for name in _PREVIOUS)
    )


def call_waits(calls: pl.LazyFrame, tools: pl.LazyFrame) -> pl.LazyFrame:
    """Split the time around each call by what was waited for.

    Tool and human waits lie before the call, the others inside it. A wait that the trace does not tell is null. Where
    `queue_s` is null the prefill wait is the whole time to first token, because nobody told the queue apart; a call
    that was cut at 0 output tokens waited for its first token until the cut, and one that tells its duration but not
    its first token (not streamed) waited for undivided service, less the known queue. What a known tool run leaves of
    a gap inside a turn is human time, as somebody approved it; the back-off before a retry is `backoff_s`, neither
    tool nor human.

    Args:
        calls: frame valid under `ModelCalls`.
        tools: frame valid under `ToolCalls`; may be empty.

    Returns:
        `linked_calls` with `queue_wait_s`, `prefill_wait_s`, `decode_wait_s`, `service_wait_s`, `tool_wait_s`,
        `human_wait_s`, `backoff_s`.
    """
    return (
        linked_calls(calls)
        .join(tool_spans(tools), left_on="starts_after_call_id", right_on="call_id", how="left", maintain_order="left")
        .with_columns(
            queue_wait_s=queue_wait_s(),
            prefill_wait_s=prefill_wait_s(),
            decode_wait_s=decode_wait_s(),
            service_wait_s=service_wait_s(),
            tool_wait_s=tool_wait_s(),
            backoff_s=backoff_s(),
        )
        .with_columns(human_wait_s=human_wait_s())
        .drop("tool_span_s")
    )


def tool_spans(tools: pl.LazyFrame) -> pl.LazyFrame:
    """Wall time of the tools that each call asked for, first start to last end (they may run side by side)."""
    return tools.group_by("call_id").agg(tool_span_s=tool_span_s())


def is_agent() -> pl.Expr:
    """Whether the call belongs to an agent's loop."""
    return pl.col("surface").cast(pl.String).is_in(AGENT_SURFACES)


def is_human_driven() -> pl.Expr:
    """Whether a human asked for the call: it is the first of its turn (of what the frame holds of that turn)."""
    return pl.col("step_index") == pl.col("step_index").min().over("session_id", "turn_id")


def is_retry() -> pl.Expr:
    """Whether the call repeats a refused one: same turn, agent and prompt length, right after a rate limit."""
    return (
        (pl.col("previous_status") == "rate_limited")
        & (pl.col("previous_turn_id") == pl.col("turn_id"))
        & pl.col("previous_agent_id").eq_missing(pl.col("agent_id"))
        & pl.col("previous_input_tokens").eq_missing(pl.col("input_tokens"))
    ).fill_null(value=False)


def known_gap_s() -> pl.Expr:
    """The reported gap, else request minus the previous call's end, not below 0; service time is in neither."""
    since_request_s = (pl.col("requested_at") - pl.col("previous_requested_at")).dt.total_microseconds() / 1e6
    return pl.coalesce("gap_s", (since_request_s - pl.col("previous_duration_s")).clip(lower_bound=0.0))


def tool_span_s() -> pl.Expr:
    """Wall time that a group of tool runs covers."""
    ends_at = pl.col("started_at") + pl.duration(microseconds=(pl.col("duration_s") * 1e6).round().cast(pl.Int64))
    return (ends_at.max() - pl.col("started_at").min()).dt.total_microseconds() / 1e6


def queue_wait_s() -> pl.Expr:
    """Wait for the server to begin."""
    return pl.col("queue_s")


def prefill_wait_s() -> pl.Expr:
    """Time to first token, or to a cut before it, less the known queue."""
    return (first_token_wait_s() - pl.col("queue_s").fill_null(0.0)).clip(lower_bound=0.0)


def first_token_wait_s() -> pl.Expr:
    """Time to first token; for a call that was cut when nothing had come out, the time until the cut."""
    is_cut_before = (pl.col("status") != "ok") & (pl.col("output_tokens") == 0)
    return pl.coalesce("ttft_s", pl.when(is_cut_before).then(pl.col("duration_s")))


def decode_wait_s() -> pl.Expr:
    """First to last token."""
    return (pl.col("duration_s") - pl.col("ttft_s")).clip(lower_bound=0.0)


def service_wait_s() -> pl.Expr:
    """Time inside a call that does not tell its first token, less the known queue."""
    undivided_s = (pl.col("duration_s") - pl.col("queue_s").fill_null(0.0)).clip(lower_bound=0.0)
    return pl.when(first_token_wait_s().is_null()).then(undivided_s)


def tool_wait_s() -> pl.Expr:
    """Tool time before the call: the tools that ran, not longer than the gap; else the gap of an agent's step."""
    ran_s = pl.min_horizontal("tool_span_s", "known_gap_s")
    return (
        pl.when(pl.col("is_retry"))
        .then(None)
        .when(pl.col("tool_span_s").is_not_null())
        .then(ran_s)
        .when(pl.col("is_agent") & ~pl.col("is_human_driven"))
        .then(pl.col("known_gap_s"))
    )


def human_wait_s() -> pl.Expr:
    """What tools leave of a gap: all of it before a turn's first call, approval before a known tool's next step."""
    left_s = (pl.col("known_gap_s") - pl.col("tool_wait_s").fill_null(0.0)).clip(lower_bound=0.0)
    is_approval = pl.col("tool_span_s").is_not_null() & (left_s > CLOCK_GRAIN_S)
    return pl.when((pl.col("is_human_driven") | is_approval) & ~pl.col("is_retry")).then(left_s)


def backoff_s() -> pl.Expr:
    """Time that the client stood back before it repeated a refused call."""
    return pl.when(pl.col("is_retry")).then(pl.col("known_gap_s"))
