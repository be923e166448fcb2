"""Who follows whom: each call beside the call that it starts after, and what the pair tells."""

import narwhals as nw
from narwhals.typing import IntoLazyFrameT

AGENT_SURFACES: tuple[str, ...] = ("codex_loop", "autonomous_workflow")
"""Surfaces whose next step is asked for by an agent, so that a gap inside a turn is tool time."""

MICROSECONDS_PER_S = 1e6

PREVIOUS: tuple[str, ...] = ("status", "turn_id", "agent_id", "input_tokens", "requested_us", "duration_s")
"""What is read of the call before; the column of a name is `previous_<name>`."""


def linked_calls(calls: IntoLazyFrameT) -> IntoLazyFrameT:
    """Join each call to the call that it starts after, and name what the pair tells.

    Args:
        calls: frame like `ModelCalls`, with `requested_us` (whole microseconds) for `requested_at`.

    Returns:
        `calls`, in no promised order, with `previous_call_id`, `known_gap_s`, `is_retry`, `is_human_driven`,
        `is_agent` as `featurize.calls.linked_calls` tells them.
    """
    return with_links(with_turn_starts(with_previous(calls)))


def with_previous(calls: IntoLazyFrameT) -> IntoLazyFrameT:
    """Join `previous_call_id` and the columns of `PREVIOUS` from the call that each call starts after; null without."""
    frame = nw.from_native(calls)
    previous = frame.select(
        nw.col("call_id").alias("previous_call_id"),
        nw.col("call_id").alias("joined_call_id"),
        *(nw.col(name).alias(f"previous_{name}") for name in PREVIOUS),
    )
    joined = frame.join(previous, left_on="starts_after_call_id", right_on="joined_call_id", how="left")
    return joined.to_native()


def with_turn_starts(calls: IntoLazyFrameT) -> IntoLazyFrameT:
    """Add `is_human_driven`: the call is the first of its turn, of what the frame holds of that turn."""
    first_step = nw.col("step_index").min().over("session_id", "turn_id")
    return nw.from_native(calls).with_columns(is_human_driven=nw.col("step_index") == first_step).to_native()


def with_links(calls: IntoLazyFrameT) -> IntoLazyFrameT:
    """Add `known_gap_s`, `is_retry` and `is_agent`, and drop the columns of the previous call but its id.

    Args:
        calls: frame with the columns that `with_previous` adds.
    """
    return (
        nw.from_native(calls)
        .with_columns(known_gap_s=known_gap_s(), is_retry=is_retry(), is_agent=is_agent())
        .drop([f"previous_{name}" for name in PREVIOUS])
        .to_native()
    )


def is_agent() -> nw.Expr:
    """Whether the call belongs to an agent's loop."""
    return nw.any_horizontal(*(nw.col("surface") == surface for surface in AGENT_SURFACES), ignore_nulls=True)


def is_retry() -> nw.Expr:
    """Whether the call repeats a refused one: same turn, agent and prompt length, right after a rate limit."""
    repeats = (
        (nw.col("previous_status") == "rate_limited")
        & (nw.col("previous_turn_id") == nw.col("turn_id"))
        & _same_or_both_null("agent_id")
        & _same_or_both_null("input_tokens")
    )
    return nw.when(repeats).then(nw.lit(value=True)).otherwise(nw.lit(value=False))


def known_gap_s() -> nw.Expr:
    """The reported gap, else request minus the previous call's end, not below 0; service time is in neither."""
    since_request_s = (nw.col("requested_us") - nw.col("previous_requested_us")) / MICROSECONDS_PER_S
    return nw.coalesce(nw.col("gap_s"), not_negative(since_request_s - nw.col("previous_duration_s")))


def not_negative(seconds: nw.Expr) -> nw.Expr:
    """The time, or 0 where clocks make it negative; null stays null."""
    return nw.when(seconds < 0.0).then(nw.lit(0.0)).otherwise(seconds)


def _same_or_both_null(name: str) -> nw.Expr:
    own, previous = nw.col(name), nw.col(f"previous_{name}")
    return (own == previous) | (own.is_null() & previous.is_null())
